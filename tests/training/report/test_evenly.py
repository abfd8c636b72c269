"""Evenly spaced leads stand for all."""

from leadscoring.training.report.evenly import evenly


def test_rows_are_taken_evenly() -> None:
    """All of few, from the first to the last of many."""
    assert evenly(3, 10).tolist() == [0, 1, 2]
    assert evenly(1000, 3).tolist() == [0, 499, 999]

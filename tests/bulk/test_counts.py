"""Counts of parts add up to those of the whole."""

from leadscoring.bulk.counts import Counts


def test_counts_are_added_one_by_one() -> None:
    """Every field is added."""
    one = Counts(rows=3, scored=2, rejected=1, warned=1, short=1, empty=4, headers=1, marked=2)
    assert one + one == Counts(rows=6, scored=4, rejected=2, warned=2, short=2, empty=8, headers=2, marked=4)
    assert one + Counts() == one

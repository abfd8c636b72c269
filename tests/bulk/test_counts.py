"""Counts of parts add up to those of the whole."""

from leadscoring.bulk.counts import Counts


def test_counts_are_added_one_by_one() -> None:
    """Every field is added."""
    one = Counts(rows=3, scored=2, rejected=1, warned=1, short=1, empty=4, headers=1, marked=2, foreign=3)
    assert one + one == Counts(rows=6, scored=4, rejected=2, warned=2, short=2, empty=8, headers=2, marked=4, foreign=6)
    assert one + Counts() == one


def test_only_the_first_lines_are_named() -> None:
    """However many lines are in another encoding, the first few are enough to find out why."""
    parts = [Counts(foreign=2, foreign_lines=(f"{number}", f"{number + 1}")) for number in range(1, 9, 2)]
    found = sum(parts, Counts())
    assert (found.foreign, found.foreign_lines) == (8, ("1", "2", "3", "4", "5"))

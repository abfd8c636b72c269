"""Values that do not fit, counted over the parts of a file."""

import polars as pl

from leadscoring.contract.features import Feature
from leadscoring.training.misfits import Misfit, misfit, together

SOURCE = Feature("source", "category", values=("web", "fair"))
AMOUNT = Feature("amount", "number", minimum=0)


def test_parts_are_added_up_with_the_first_examples() -> None:
    """The warning is about the file, whatever parts it was read in."""
    parts = [
        misfit(AMOUNT, "outside", pl.Series([1, -2, -2, -3]), pl.Series([False, True, True, True])),
        misfit(AMOUNT, "outside", pl.Series([-3, -4, -5]), pl.Series([True, True, True])),
        misfit(AMOUNT, "unread", pl.Series(["x"]), pl.Series([True])),
    ]
    outside, unread = together([one for part in parts for one in part], 8)
    assert outside == Misfit(AMOUNT, "outside", 6, 8, ("-2", "-3", "-4"))
    assert outside.words.startswith("6 values of 'amount' are outside the contract")
    assert "for example -2, -3, -4" in outside.words
    assert unread.count == 1


def test_new_values_matter_from_one_in_a_hundred() -> None:
    """A new text now and then is what a category has its code for."""
    some = Misfit(SOURCE, "new", 10, 1000, ("'podcast'",))
    assert not some.matters
    assert Misfit(SOURCE, "new", 11, 1000, ("'podcast'",)).matters
    assert together([some, some], 1000)[0].matters
    assert some.words == "10 of 1000 leads have a 'source' that training never saw, for example 'podcast'"


def test_a_column_that_fits_has_no_misfit() -> None:
    """None of none."""
    assert misfit(AMOUNT, "outside", pl.Series([1, 2]), pl.Series([False, False])) == []

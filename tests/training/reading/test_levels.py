import polars as pl

from leadscoring.training.reading.levels import MOST_RARE, levels_of


def test_spellings_that_differ_in_case_and_outer_spaces_are_one_level() -> None:
    """The most common spelling stands for all; the others are its aliases."""
    found = levels_of(pl.Series(["Germany"] * 30 + ["GERMANY"] * 20 + ["Germany "] * 10 + ["France "] * 25), 20)
    assert found.common == ["Germany", "France"]
    assert found.aliases == {"France ": "France", "GERMANY": "Germany", "Germany ": "Germany"}
    assert found.column.unique().sort().to_list() == ["France", "Germany"]
    assert (found.rare, found.rows, found.distinct, found.top) == ((), 0, 2, 60)


def test_rare_levels_are_listed_in_every_spelling() -> None:
    """Together they decide whether a level is rare, and each is known later on."""
    found = levels_of(pl.Series(["web"] * 50 + ["Fair"] * 10 + ["fair"] * 8 + ["x", None]), 20)
    assert found.common == ["web"]
    assert found.rare == ("Fair", "fair", "x")
    assert found.rows == 19


def test_a_card_does_not_list_rare_texts_without_end() -> None:
    """Beyond a bound it lists none, and does not claim to know them."""
    found = levels_of(pl.Series([f"t{place}" for place in range(MOST_RARE + 1)]), 20)
    assert (found.rare, found.rows) == ((), MOST_RARE + 1)

"""The distinct values of a column, of which a part of it may tell."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.training.reading.distinct import first_of, glimpsed, spread_of


def is_a(text: pl.Series) -> bool:
    """Whether any of some texts is an a."""
    return bool((text == "a").any())


@given(st.lists(st.sampled_from([None, *"abcdefgh"]), max_size=200), st.integers(1, 9))
def test_the_first_distinct_values_are_those_of_the_whole_column(values: list[str | None], most: int) -> None:
    """A prefix that is long enough has them, in the same order."""
    column = pl.Series("x", values, dtype=pl.String)
    assert first_of(column, most).to_list() == list(dict.fromkeys(filter(None, values)))[:most]


def test_values_are_spread_over_the_column() -> None:
    """The last part of a long column counts as the first does."""
    assert spread_of(pl.Series([str(row) for row in range(1000)]), 10).to_list() == [
        str(row) for row in range(0, 1000, 100)
    ]


def test_one_look_tells_what_a_column_of_many_values_does_not_hold() -> None:
    """It does not where values repeat: those that are rare may be most of the distinct ones."""
    rows = [str(row) for row in range(5000)]
    assert not glimpsed(pl.Series(rows), is_a)
    assert glimpsed(pl.Series(["a"] * 5 + rows), is_a)
    assert glimpsed(pl.Series(["x"] * 5000), is_a)
    assert not glimpsed(pl.Series([None, None], dtype=pl.String), is_a)

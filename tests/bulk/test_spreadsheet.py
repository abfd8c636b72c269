"""Cells that a spreadsheet would run are written harmless, and can be restored."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.bulk.spreadsheet import harmless, harmless_frame


@pytest.mark.parametrize(
    "text", ["=1+1", "+49 123", "-cmd", "@sum(a1)", "\t=1", "\r=1", "\n=1", "'s-Hertogenbosch", "=1"]
)
def test_what_looks_like_a_formula_gets_an_apostrophe(text: str) -> None:
    """Also what already starts with one, so that the first apostrophe can always be removed."""
    found, count = harmless(pl.Series([text, "plain"]))
    assert (found.to_list(), count) == ([f"'{text}", "plain"], 1)


@pytest.mark.parametrize("text", ["-5", "+1.5", "-.5e3", "5", "Meyer", "a=b", "", "1-2"])
def test_numbers_and_plain_texts_stay(text: str) -> None:
    """A negative number is no formula."""
    assert harmless(pl.Series([text, None]))[0].to_list() == [text, None]


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_the_text_is_restored_by_removing_one_apostrophe(texts: list[str | None]) -> None:
    """No two texts become one."""
    found = harmless(pl.Series(texts, dtype=pl.String))[0].to_list()
    assert [one and one.removeprefix("'") for one in found] == texts


def test_headers_are_harmless_too_and_safe_columns_are_not_looked_at() -> None:
    """The names of columns come from the input; numbers stay numbers."""
    frame = pl.DataFrame({"=name": ["=1", "x"], "n": [-1, 2], "tier": ["=A", "B"]})
    table, count = harmless_frame(frame, {"tier"})
    assert table.columns == ["'=name", "n", "tier"]
    assert table.rows() == [("'=1", -1, "=A"), ("x", 2, "B")]
    assert count == 1


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pl.Series(["=1+1"], dtype=pl.Categorical), "'=1+1"),
        (pl.Series(["=1+1"], dtype=pl.Enum(["=1+1"])), "'=1+1"),
        (pl.Series([b"=1+1"]), "'=1+1"),
        (pl.Series([b"a\xff"]), "a\\xff"),
        (pl.Series([["a", "b"]]), '["a","b"]'),
        (pl.Series([[1, 2]], dtype=pl.Array(pl.Int64, 2)), "[1,2]"),
        (pl.Series([{"a": dt.date(2026, 1, 2)}]), '{"a":"2026-01-02"}'),
        (pl.Series([dt.timedelta(days=1)]), "1 day, 0:00:00"),
        (pl.Series([None, [1]])[:1], None),
    ],
)
def test_columns_of_every_type_of_parquet_are_written(column: pl.Series, text: str | None) -> None:
    """Those that CSV has no notation for as text, and texts that a spreadsheet would run with an apostrophe."""
    table, marked = harmless_frame(column.alias("note").to_frame())
    assert table["note"].to_list() == [text]
    assert marked == (text == "'=1+1")
    assert table.write_csv()

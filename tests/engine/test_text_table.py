"""Texts find their places in a table, and moments are read in a column, as one by one."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import TextTable, parse_moments, read_moments

TEXTS = st.text(st.sampled_from("abé\0 1"), max_size=16)
MOMENTS = (
    "2026-01-02",
    " 2026-01-02T03:04:05Z ",
    "2026-02-30",
    "",
    " ",
    "01/02/2026",
    "\u00a02026-01-02",
    "soon",
    None,
)


@given(
    table=st.lists(TEXTS, unique=True, max_size=40),
    others=st.lists(st.none() | TEXTS),
    some=st.lists(st.integers(0, 39)),
    offset=st.integers(0, 3),
)
def test_each_text_finds_its_place(table: list[str], others: list[str | None], some: list[int], offset: int) -> None:
    """Others have the number of texts as their place, null has one more, wherever a series begins."""
    asked = [*others, *(table[place] for place in some if place < len(table))]
    column = pl.Series([None] * offset + asked, dtype=pl.String)[offset:].rechunk()
    places = np.empty(len(asked), np.uint32)
    found = TextTable(table).places(column, places)
    known = {text: place for place, text in enumerate(table)} | {None: len(table) + 1}
    assert places.tolist() == [known.get(text, len(table)) for text in asked]
    assert found == (places == len(table)).sum()


def test_texts_of_a_table_are_different() -> None:
    """The same text twice is refused, and so is a column of anything but texts."""
    with pytest.raises(ValueError, match="must be different"):
        TextTable(["a", "b", "a"])
    with pytest.raises(TypeError, match="holds no texts"):
        TextTable(["a"]).places(pl.Series([1]), np.empty(1, np.uint32))
    with pytest.raises(ValueError, match="places must have 1 elements"):
        TextTable(["a"]).places(pl.Series(["a"]), np.empty(2, np.uint32))


@given(st.lists(st.sampled_from(MOMENTS)))
def test_moments_are_read_as_one_by_one(texts: list[str | None]) -> None:
    """Whitespace of ASCII aside; what is none is marked, and null is not."""
    moments, marks = np.empty(len(texts), np.int64), np.empty(len(texts), np.uint8)
    read_moments(pl.Series(texts, dtype=pl.String), moments, marks)
    expected = parse_moments([(text or "").strip(" ") for text in texts])
    none = np.iinfo(np.int64).min
    assert moments.tolist() == [none if one is None else one for one in expected]
    assert [bool(mark) for mark in marks] == [
        text is not None and one is None for text, one in zip(texts, expected, strict=True)
    ]

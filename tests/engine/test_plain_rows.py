"""Blocks of plain rows are read as columns, which Arrow reads where they lie."""

import gc
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import plain_rows, read_decimal

CELLS = (
    st.sampled_from(["", "0", "-0", "12", "007", "1.5", "-0.25", ".5", "5.", "1e-6", "1E5", "0.1234567890123456789"])
    | st.from_regex(r"-?[0-9]{1,22}(\.[0-9]{1,22})?", fullmatch=True)
    | st.sampled_from(
        ["n/a", "-", ".", " 5", "+5", "1,5", "inf", "a text that is longer than twelve bytes", "\u00e4", "x"]
    )
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters='\0\r\n";'), max_size=15)
)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[list[list[str]], bytes, list[int]]:
    """Cells, the block in which they stand, with or without a last line end, and what is wanted of each column."""
    width = draw(st.integers(1, 5))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=9))
    wanted = draw(st.lists(st.integers(0, 2), min_size=width, max_size=width))
    text = "\n".join(";".join(row) for row in rows)
    ended = draw(st.booleans()) or not text or text.endswith("\n")
    return rows, (text + "\n" * (ended and bool(rows))).encode(), wanted


@given(blocks())
def test_cells_are_those_between_the_delimiters(given_block: tuple[list[list[str]], bytes, list[int]]) -> None:
    """Numbers are the nearest doubles, empty cells null; a column with anything else among numbers is left out."""
    rows, block, wanted = given_block
    found = plain_rows(block, ";", wanted)
    assert found is not None
    count, columns, empty = found
    assert count == len(rows)
    assert empty == [place for place, row in enumerate(rows) if not "".join(row).strip(" \t")]
    kinds = [(place, what) for place, what in enumerate(wanted) if what]
    for (place, what), column in zip(kinds, columns, strict=True):
        texts = [row[place] or None for row in rows]
        values: list[Any] = texts
        if what == 1:
            values = [None if text is None else read_decimal(text) for text in texts]
            if [value is None for value in values] != [text is None for text in texts]:
                assert column is None
                continue
        assert pl.Series(column).to_list() == values
        assert pl.Series(column).dtype == (pl.Float64 if what == 1 else pl.String)


@pytest.mark.parametrize("block", [b"a;b\nc\n", b"a;b;c\n", b"a;b\n\nc;d\n", b"a;b\nc", b"\n", b"a;b\nc;d;"])
def test_rows_of_another_length_are_left_to_others(block: bytes) -> None:
    """Also where their cells add up."""
    assert plain_rows(block, ";", [2, 2]) is None


def test_texts_outlive_the_block_and_the_columns() -> None:
    """Series keep what they show, in whatever order the rest goes."""
    block = b"".join(b"%d;a text of more than twelve bytes, number %d\n" % (row, row) for row in range(500))
    found = plain_rows(block, ";", [1, 2])
    assert found is not None
    series = [pl.Series(column) for column in found[1] for _ in range(2)]
    part = series[3][100:200]
    del block, found, series
    gc.collect()
    assert part.to_list() == [f"a text of more than twelve bytes, number {row}" for row in range(100, 200)]


def test_capsules_that_nobody_reads_are_released() -> None:
    """With what they show."""
    found = plain_rows(b"1;a\n" * 10, ";", [1, 2])
    assert found is not None
    for column in found[1]:
        assert column is not None
        assert len(column.__arrow_c_array__()) == 2


def test_what_cannot_be_wanted_is_refused() -> None:
    """Nothing, numbers and texts are all there is."""
    for wrong in ([3], [-1], []):
        with pytest.raises(ValueError, match=r"wanted|one column"):
            plain_rows(b"1\n", ";", wrong)

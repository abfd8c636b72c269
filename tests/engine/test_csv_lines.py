"""Tables are written as CSV byte for byte as Polars writes them, and no spreadsheet runs a cell."""

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadscoring._engine import csv_lines, decimal, read_decimal
from leadscoring.bulk.spreadsheet import harmless_frame

DOUBLES = (
    st.floats()
    | st.floats(-1e6, 1e6).map(lambda value: round(value, 3))
    | st.floats(width=32)
    | st.integers(-(2**60), 2**60).map(float)
    | st.builds(lambda digits, power: float(f"{digits}e{power}"), st.integers(1, 10**17), st.integers(-320, 290))
)
TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.text(st.sampled_from("=+-@'\t\r\n\",;0123456789.eE \uff1d\uff0b\uff0d\uff20\uff1aäx"), max_size=12)
    | st.sampled_from(["", "a text that is longer than twelve bytes", "-1.5e+3", "+49 30 1234567", "x" * 300])
)
KINDS: tuple[tuple[Any, Any], ...] = (
    (pl.Float64, DOUBLES),
    (pl.String, TEXTS),
    (pl.Boolean, st.booleans()),
    (pl.Null, st.none()),
    *((dtype, st.integers(0, 127)) for dtype in (pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32)),
    (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    (pl.UInt64, st.integers(0, 2**64 - 1)),
)


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Tables of columns of every kind, from any place of a longer table on."""
    rows = draw(st.integers(0, 12))
    columns = []
    for place, (dtype, values) in enumerate(draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=6))):
        cells = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        columns.append(pl.Series(f"column {place}", cells, dtype=dtype))
    return pl.DataFrame(columns).slice(draw(st.integers(0, rows)))


@given(tables())
def test_lines_are_those_of_polars(table: pl.DataFrame) -> None:
    """Also those of texts that get an apostrophe; these are counted."""
    oracle, marked = harmless_frame(table)
    lines = csv_lines([(2 if column.dtype == pl.String else 0, column) for column in table.iter_columns()])
    assert lines == (oracle.write_csv(include_header=False).encode(), marked)


@given(st.lists(st.none() | TEXTS, min_size=1))
def test_harmless_texts_are_written_as_they_are(texts: list[str | None]) -> None:
    """Nobody looks at their beginning."""
    column = pl.Series("a", texts, dtype=pl.String)
    lines = csv_lines([(1, column), (1, column)])
    assert lines == (pl.DataFrame([column, column.alias("b")]).write_csv(include_header=False).encode(), 0)


@given(st.lists(TEXTS, min_size=1, unique=True), st.data())
def test_places_are_written_as_their_names(names: list[str], data: st.DataObject) -> None:
    """As the texts themselves would be."""
    places = data.draw(st.lists(st.none() | st.integers(0, len(names) - 1)))
    texts = pl.Series([None if place is None else names[place] for place in places], dtype=pl.String)
    column = pl.Series(places, dtype=pl.UInt8)
    assert csv_lines([(2, column, names)]) == csv_lines([(2, texts)])
    with pytest.raises(ValueError, match="beyond the names"):
        csv_lines([(2, pl.Series([len(names)]), names)])


def test_a_text_that_comes_again_is_marked_again() -> None:
    """What was written for the line before is copied, with its apostrophe and its quotation marks."""
    column = pl.Series(['=a formula, longer than "twelve" bytes']).new_from_index(0, 3)
    assert csv_lines([(2, column)]) == (b'"\'=a formula, longer than ""twelve"" bytes"\n' * 3, 3)


@given(DOUBLES)
@example(1e16)
@example(9999999999999998.0)
@example(5e-324)
@example(2.0**-24)
@example(-0.0)
@example(1e-5)
@example(999999999999.999)
def test_decimals_are_the_shortest(value: float) -> None:
    """As short as Python's, with or without the conversion of the C++ library, and they read as the same double."""
    text = decimal(value)
    assert decimal(value, plain=True) == text
    assert len(text) <= 25
    if math.isfinite(value):
        assert read_decimal(text) == value
        assert math.copysign(1, read_decimal(text) or value) == math.copysign(1, value)
        assert digits(text) == digits(repr(value))


def digits(text: str) -> str:
    """The digits of a decimal without the zeros around them."""
    return text.partition("e")[0].replace(".", "").strip("-0")


NUMERALS = st.from_regex(r"-?[0-9]{0,20}(\.[0-9]{0,20})?([eE][-+]?[0-9]{1,4})?", fullmatch=True)


@given(NUMERALS)
@example("9007199254740993")
@example("1e400")
@example("1e-400")
@example("0.1e-7")
@example("2.2250738585072011e-308")
@example("12345678901234567890123e-20")
def test_decimals_are_read_to_the_nearest_double(text: str) -> None:
    """As Python reads them; what is not finite is left to others."""
    found = read_decimal(text)
    try:
        value = float(text)
    except ValueError:
        assert found is None
        return
    if found is None:
        assert not math.isfinite(value) or value == 0 or abs(value) < 1e-300  # some libraries refuse to underflow
    else:
        assert (found, math.copysign(1, found)) == (value, math.copysign(1, value))


@pytest.mark.parametrize(
    "text", ["", "-", ".", "-.", "e5", "1e", "1e+-5", "+1", " 1", "1 ", "1,5", "nan", "inf", "0x1", "1_0"]
)
def test_other_notations_are_left_to_others(text: str) -> None:
    """Words, signs and spaces are no plain decimals."""
    assert read_decimal(text) is None


def test_what_does_not_match_is_refused() -> None:
    """Other types, kinds and lengths, before anything is written."""
    numbers, texts = pl.Series([1.0]), pl.Series(["a"])
    for wrong, error in (
        ([(0, texts)], TypeError),
        ([(1, numbers)], TypeError),
        ([(3, texts)], ValueError),
        ([(1, numbers, "name")], TypeError),
        ([(1, numbers, [], 1)], ValueError),
        ([(0, numbers), (1, pl.Series(["a", "b"]))], ValueError),
        ([(0, numbers.cast(pl.Float32))], TypeError),
    ):
        with pytest.raises(error):
            csv_lines(wrong)  # type: ignore[arg-type]  # as wrong as it is meant
    assert csv_lines([]) == (b"", 0)

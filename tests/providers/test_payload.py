"""Rows go over the wire in an order and a precision that nothing is lost in."""

import csv
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import Rows
from leadscoring.providers.payload import Csv, Frame, JsonRows, Payload, parts

NUMBERS = st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False))
TABLES = st.integers(2, 8).flatmap(
    lambda columns: st.lists(st.lists(NUMBERS, min_size=columns, max_size=columns), min_size=1, max_size=8)
)


def sent(payload: Payload, table: list[list[float | None]]) -> bytes:
    """The body for a table."""
    return payload.body(payload.lines(Rows(table), 0, len(table)))


def same(got: Any, table: list[list[float | None]]) -> bool:
    """Whether numbers are those of a table as float32; that of 0 has no sign that trees would see."""
    expected = np.array([[math.nan if value is None else value for value in row] for row in table], np.float32)
    found = np.array([[math.nan if value in ("", None) else float(value) for value in row] for row in got], np.float32)
    return np.array_equal(found, expected, equal_nan=True)


@given(TABLES)
def test_every_float32_arrives_to_the_bit(table: list[list[float | None]]) -> None:
    """In each of the forms, and what is missing is missing."""
    columns = len(table[0])
    assert same([line.split(",") for line in sent(Csv(columns), table).decode().split("\n")], table)
    assert same(json.loads(sent(JsonRows(columns, "data"), table))["data"], table)
    assert same(json.loads(sent(Frame([f"f{n}" for n in range(columns)]), table))["input_data"]["data"], table)


@given(TABLES)
def test_the_delimiter_can_be_found_in_any_row(table: list[list[float | None]]) -> None:
    """SageMaker's container looks for it in the first line only, in just this way."""
    first = sent(Csv(len(table[0])), table).decode().split("\n", 1)[0]
    assert csv.Sniffer().sniff(first[:512]).delimiter == ","


def test_csv_ends_without_a_line_break() -> None:
    """What follows one would be scored as a row."""
    assert sent(Csv(2), [[1.0, None], [None, 0.5]]) == b"1,\n,0.5"


def test_a_frame_names_its_columns_and_numbers_its_rows() -> None:
    """As pandas writes it; names are text like any other."""
    body = json.loads(sent(Frame(['a "quoted" ü', "b"]), [[1.0, None], [2.0, 3.0]]))
    assert body == {"input_data": {"columns": ['a "quoted" ü', "b"], "index": [0, 1], "data": [[1, None], [2, 3]]}}


@given(lengths=st.lists(st.integers(0, 12), min_size=1, max_size=40), most=st.integers(1, 30))
def test_parts_keep_order_and_size(lengths: list[int], most: int) -> None:
    """All rows are there once, and only a row that is too long by itself makes a part too long."""
    lines = [b"x" * length for length in lengths]
    found = parts(lines, 1, most)
    assert [line for part in found for line in part] == lines
    assert all(part for part in found)
    assert all(len(b"\n".join(part)) < most for part in found if len(part) > 1)


def test_parts_are_as_few_as_can_be() -> None:
    """A batch that fits goes in one call."""
    assert len(parts([b"x" * 9] * 10, 1, 100)) == 1
    assert len(parts([b"x" * 9] * 11, 1, 100)) == 2


@pytest.mark.parametrize("payload", [Csv(7), JsonRows(7, "instances"), Frame(["f"] * 7)])
def test_a_part_of_rows_is_written_as_in_the_whole(payload: Payload) -> None:
    """A batch is written a few rows at a time."""
    rows = Rows([[float(place)] * 7 for place in range(10)])
    assert payload.lines(rows, 3, 5) == payload.lines(rows, 0, 10)[3:5]

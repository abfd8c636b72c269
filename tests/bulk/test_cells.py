"""Cells are read as training reads its file, each by itself."""

from typing import Any

import polars as pl
import pytest

from leadscoring.bulk.cells import Cells, Reader
from leadscoring.contract.features import Feature
from leadscoring.model.reading import Notation, Reading

NUMBER, FLAG = Feature("a", "number"), Feature("a", "flag")
CATEGORY = Feature("a", "category", values=("web", "NA"), other=True)
DATE = Feature("a", "date")
SET = Feature("a", "set")


def read(feature: Feature, cells: Any, reading: Reading | None = None, dtype: Any = None) -> Cells:
    """The cells of a column of this feature."""
    return Reader([feature], reading or Reading()).read(pl.DataFrame({"a": pl.Series(cells, dtype=dtype)}))["a"]


@pytest.mark.parametrize(
    ("feature", "cells", "values", "unread"),
    [
        (NUMBER, ["1.5", " 2 ", "1e3", "", "n/a", None], [1.5, 2.0, 1000.0, None, None, None], []),
        (NUMBER, ["many", "true", "1"], [None, None, 1.0], [0, 1]),
        (FLAG, ["TRUE", "0", "False", "no"], [1.0, 0.0, 0.0, None], [3]),
        (CATEGORY, ["web", "NA", "na", " N/A ", "fair"], ["web", "NA", "na", None, "fair"], []),
        (DATE, ["2026-01-31", "31 Jan 2026", "31/01/2026", "01/02/2026", "soon"], [0, 0, 0, None, None], [3, 4]),
        (SET, ["a; b", "unknown"], ["a; b", None], []),
    ],
)
def test_texts_are_read_by_kind(feature: Feature, cells: Any, values: Any, unread: list[int]) -> None:
    """Missing tokens are unknown, and what is not of the kind is marked; an ambiguous date is not guessed."""
    found = read(feature, cells)
    if feature is DATE:
        values = [None if one is None else 1_769_817_600_000_000 for one in values]
    assert found.read.to_list() == values
    assert ([] if found.unread is None else found.unread.arg_true().to_list()) == unread


def test_the_reading_of_the_card_is_used() -> None:
    """Its notation of numbers, its order of day and month, and its own missing tokens."""
    german = Reading(numbers={"a": Notation(",", ".")}, missing=("a=-1",))
    assert read(NUMBER, ["1.234,5", "-1", "7"], german).read.to_list() == [1234.5, None, 7.0]
    assert read(DATE, ["01/02/2026"], Reading(dates={"a": "day-first"})).read.to_list() == [1_769_904_000_000_000]
    assert read(NUMBER, [-1, 2], Reading(missing=("-1",))).read.to_list() == [None, 2]
    presence = Reader([FLAG], Reading(presence={"a": "b"})).read(pl.DataFrame({"b": ["x", "unknown", None]}))
    assert presence["a"].read.to_list() == [True, False, False]


@pytest.mark.parametrize("texts", [["1,5", "x"], ["1,5", "2"], ["01/02/2026", "13/02/2026"], ["a,b", "c;d", "e"]])
@pytest.mark.parametrize("feature", [NUMBER, FLAG, CATEGORY, DATE, SET])
def test_a_cell_is_read_the_same_alone(feature: Feature, texts: list[str]) -> None:
    """What the rest of the table holds does not matter, so that it can be scored in parts."""
    together = read(feature, texts).read.to_list()
    assert together == [read(feature, [one]).read.to_list()[0] for one in texts]


def test_typed_columns_are_read_where_they_lie() -> None:
    """Numbers of any width are not copied; dates become microseconds; what holds no such values is marked."""
    column = pl.Series("a", [1, 2], dtype=pl.Int16)
    assert read(NUMBER, column).read is not None
    assert read(NUMBER, [True], dtype=pl.Boolean).unread is not None
    assert read(FLAG, [True, None], dtype=pl.Boolean).read.to_list() == [True, None]
    assert read(DATE, [20484], dtype=pl.Date).read.to_list() == [1_769_817_600_000_000]
    assert read(DATE, [5], dtype=pl.Int64).unread is not None
    assert read(SET, [["a", None]], dtype=pl.List(pl.String)).unread is not None
    assert read(CATEGORY, [["a"]], dtype=pl.List(pl.String)).unread is not None

"""A column that knows the outcome of every row is dropped."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from leadscoring.contract.features import Feature
from leadscoring.training.column import Read
from leadscoring.training.leaks import refuse_leak, separates

RANDOM = np.random.default_rng(5)
ROWS = 400
Y = (RANDOM.random(ROWS) < 0.3).astype(float)
NOISE = RANDOM.normal(size=ROWS)


def read_of(values: Any, kind: str = "number") -> Read:
    """A column that was taken for a feature."""
    column = pl.Series("c", values)
    levels = tuple(column.drop_nulls().unique().to_list()) if kind == "category" else ()
    return Read(column, column, feature=Feature("c", kind, values=levels))


def texts(won: str | None, lost: str | None) -> list[str | None]:
    """One text for each outcome."""
    return [won if y else lost for y in Y]


@pytest.mark.parametrize(
    "read",
    [
        read_of(Y * 3 + 1),
        read_of(5 - Y),
        read_of(texts("a", "b"), "category"),
        read_of([1.0 if y else None for y in Y]),
        read_of([None if y else 1.0 for y in Y]),
    ],
)
def test_a_column_that_tells_the_outcome_is_dropped(read: Read) -> None:
    """By its values or by where it has any, in either direction; it is said that it was."""
    refuse_leak(read, Y)
    assert read.feature is None
    assert "leaks the outcome" in read.dropped
    assert len(read.warnings) == 1


@pytest.mark.parametrize("values", [Y * 3.5 + NOISE, [1.0 if y and k % 10 else None for k, y in enumerate(Y)]])
def test_a_column_that_nearly_does_is_left_to_the_guard(values: Any) -> None:
    """It weighs such a column beside the others."""
    read = read_of(values)
    refuse_leak(read, Y)
    assert read.feature is not None
    assert read.warnings == []


def test_an_honest_column_is_passed_in_silence() -> None:
    """Also one with gaps that say nothing."""
    read = read_of([None if k % 3 == 0 else value for k, value in enumerate(NOISE + Y)])
    refuse_leak(read, Y)
    assert (read.feature is not None, read.dropped, read.warnings) == (True, "", [])


def test_a_column_separates_the_outcomes_from_either_end() -> None:
    """Whichever end of it converts; a category by the share of each value, of which a gap is one."""
    assert not separates(read_of(NOISE + Y), Y)
    assert separates(read_of(Y * 2.0 + np.arange(ROWS) / ROWS), Y)
    assert separates(read_of(Y * -2.0), Y)
    assert not separates(read_of(np.ones(ROWS)), Y)
    assert not separates(read_of([None] * ROWS), Y)
    assert separates(read_of(texts("a", None), "category"), Y)
    assert not separates(read_of(["a"] * ROWS, "category"), Y)

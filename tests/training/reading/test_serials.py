"""Numbers that count from a known day are moments where a column is known to hold some."""

import numpy as np
import polars as pl
import pytest

from leadscoring.training.reading.serials import serial_moments, serial_words

MOMENT = 1_735_732_800_000_000.0  # 1 January 2025 at 12:00 UTC


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (["45658.5"], "days since 1900, as in Excel"),
        (["45658,5"], "days since 1900, as in Excel"),
        ([45658.5], "days since 1900, as in Excel"),
        (["1735732800"], "seconds since 1970"),
        ([1735732800000], "milliseconds since 1970"),
        (["1735732800000000"], "microseconds since 1970"),
    ],
)
def test_each_unit_gives_the_same_moment(numbers: list[object], words: str) -> None:
    """As text or as number; missing values are missing."""
    column = pl.Series("when", [*numbers, None])
    found = serial_moments(column)
    assert found is not None
    np.testing.assert_array_equal(found, [MOMENT, np.nan])
    assert serial_words(column) == words


@pytest.mark.parametrize("values", [["2025-01-01"], [1, 2, 3], ["20250101"], [None], [True, False], [45658, 3]])
def test_other_columns_are_none(values: list[object]) -> None:
    """Dates, counts, and numbers of which some are out of range."""
    column = pl.Series("when", values)
    assert serial_moments(column) is None
    assert serial_words(column) == ""

"""Numbers that denote moments: the days of Excel, and the seconds, milliseconds or microseconds since 1970.

Nothing is guessed from the numbers of a feature alone: they are read in this way only where a column is known to hold
moments, by an option of the user.
"""

import numpy as np
import polars as pl

from leadscoring.training.reading.series import Vector, numbers

NEARLY_ALL = 0.95
"""Minimum share of such numbers among the values of a column of them."""

DAY = 86_400e6
EXCEL_EPOCH = -25_569 * DAY
"""30 December 1899 in microseconds since 1970."""

UNITS = (
    ("days since 1900, as in Excel", 20_000.0, 80_000.0, DAY, EXCEL_EPOCH),
    ("seconds since 1970", 3e8, 5e9, 1e6, 0.0),
    ("milliseconds since 1970", 3e11, 5e12, 1e3, 0.0),
    ("microseconds since 1970", 3e14, 5e15, 1.0, 0.0),
)
"""Each unit with the smallest and largest number that is read so, its microseconds, and where it begins.

The ranges do not overlap, and span at least the years from 1980 to 2119.
"""


def serial_moments(column: pl.Series) -> Vector | None:
    """Returns numbers as microseconds since 1970, NaN for others; ``None`` for a column that does not hold them.

    All numbers of a column have one unit.
    """
    unit = unit_of(column)
    if unit is None:
        return None
    _, low, high, size, start = unit
    values = plain(column)
    with np.errstate(invalid="ignore"):
        return np.where((values >= low) & (values <= high), np.round(start + values * size), np.nan)


def serial_words(column: pl.Series) -> str:
    """Returns what the numbers of a column count if they can be moments; empty if they cannot."""
    unit = unit_of(column)
    return "" if unit is None else unit[0]


def unit_of(column: pl.Series) -> tuple[str, float, float, float, float] | None:
    """Returns the unit in which nearly all values of a column are moments."""
    values = plain(column)
    present = len(column) - column.null_count()
    with np.errstate(invalid="ignore"):
        for unit in UNITS:
            if present and ((values >= unit[1]) & (values <= unit[2])).sum() > NEARLY_ALL * present:
                return unit
    return None


def plain(column: pl.Series) -> Vector:
    """Returns numbers with a point or a comma before their fraction, NaN for other values."""
    if column.dtype != pl.String:
        return numbers(column)
    return numbers(column.str.replace(r"^(\s*\d+),(\d+\s*)$", "${1}.${2}"))

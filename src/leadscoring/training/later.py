"""Dates after the moment of a lead: what is left of a column without them, and what was computed from them."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from leadscoring.training import names
from leadscoring.training.reading.series import Vector

DAY = 86_400_000_000
"""Microseconds of a day: later dates are not merely of another clock or time zone."""

FEWEST = 100
"""Minimum number of leads with known dates for a comparison."""

SAME = 0.95
"""Minimum rank correlation of a column that was computed from a date."""


def seen(frame: pl.DataFrame, as_of: Vector | None) -> pl.DataFrame:
    """A frame with dates, which are integers, as what was known of them at the moment: their age in days.

    Dates after it were not known then, unless they are planned ones.
    """
    if as_of is None:
        return frame
    return frame.with_columns(
        [pl.Series(one.name, age(one, as_of)).fill_nan(None) for one in frame.iter_columns() if one.dtype == pl.Int64]
    )


def age(column: pl.Series, as_of: Vector) -> Vector:
    """The age of each date of a column at the moment, in days; NaN where it is unknown."""
    values = as_floats(column)
    hidden = np.zeros(len(values), dtype=bool) if names.says_planned(column.name) else values > as_of + DAY
    return np.where(hidden, np.nan, (as_of - values) / DAY)


def computed(column: pl.Series, as_of: Vector, later: Mapping[str, Vector]) -> str:
    """Says that numbers or dates were computed from a date after the moment; empty if they were not.

    ``later`` are the columns of such dates, by name. A duration follows the time from the moment to the date, and the
    time since the date falls with it, at equal moments.
    """
    values = as_floats(column)
    own = values - as_of if column.dtype == pl.Int64 else values
    for name, date in later.items():
        if abs(ranked(own, date - as_of)) >= SAME:
            return f"it follows the time from the lead's moment to {name!r}, which is after it"
        if abs(with_time(column, as_of, date)) >= SAME:
            return f"it follows {name!r}, which is after the lead's moment"
    return ""


def ranked(one: Vector, two: Vector) -> float:
    """The rank correlation of two columns where both are known; 0 for few leads, or few values."""
    ranks = ranks_of(one, two)
    return 0.0 if ranks is None else float(np.asarray(np.corrcoef(ranks))[0, 1])


def with_time(column: pl.Series, as_of: Vector, date: Vector) -> float:
    """The rank correlation of a column with a date, at equal moments of the leads."""
    ranks = ranks_of(as_floats(column), date, as_of)
    if ranks is None:
        return 0.0
    r = np.asarray(np.corrcoef(ranks))
    rest = (1.0 - r[0, 2] ** 2) * (1.0 - r[1, 2] ** 2)
    return float((r[0, 1] - r[0, 2] * r[1, 2]) / np.sqrt(rest)) if rest > 1e-9 else 0.0


def ranks_of(*columns: Vector) -> list[Vector] | None:
    """The ranks of some columns where all are known; ``None`` for few leads, or a first column of few values."""
    known = ~np.isnan(np.stack(columns)).any(axis=0)
    if known.sum() < FEWEST or len(np.unique(columns[0][known])) < 3:
        return None
    ranks: list[Vector] = [pl.Series(one[known]).rank().to_numpy() for one in columns]
    return None if any(float(np.std(one)) == 0.0 for one in ranks) else ranks


def as_floats(column: pl.Series) -> Vector:
    """A column of numbers, NaN for null."""
    values: Vector = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values

"""Target leakage: drops columns that determine the outcome; ``suspects`` weighs those that do not quite."""

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.training.column import Read
from leadscoring.training.reading.series import Vector, numbers


def refuse_leak(read: Read, y: Vector) -> None:
    """Drops a column that determines the outcome."""
    name = read.column.name
    filled = np.asarray(read.column.is_not_null().to_numpy(), dtype=np.float64)
    if 0 < filled.sum() < len(filled) and (np.array_equal(filled, y) or np.array_equal(filled, 1.0 - y)):
        read.feature, read.dropped = None, "leaks the outcome: whether it has a value determines the outcome"
        read.warnings.append(f"{name!r} was excluded: whether it has a value determines the outcome")
        return
    if separates(read, y):
        read.feature, read.dropped = None, "leaks the outcome: it determines the outcome of every row"
        read.warnings.append(f"{name!r} was excluded: it alone determines the outcome of every row")


def of_first(column: pl.Series) -> npt.NDArray[np.bool_]:
    """Which rows have the value of the first one, or none like it; most columns are judged by these alone."""
    alike = column.is_null() if column[0] is None else (column == column[0]).fill_null(False)
    return alike.to_numpy()


def separates(read: Read, y: Vector) -> bool:
    """Whether a column alone ranks every converted lead above all others, or below them.

    Categories are ranked by their own conversion rate. Numbers count where they are known, and for both outcomes.
    """
    if read.feature is not None and read.feature.form.is_category:
        first = y[of_first(read.column)]
        if first.min() < first.max():
            return False
        level = (
            pl.DataFrame({"level": read.column, "y": y}).group_by("level").agg(pl.col("y").min() == pl.col("y").max())
        )
        return bool(level["y"].all()) and bool(y.min() < y.max())
    values = numbers(read.column)
    won, lost = (values[(y == outcome) & ~np.isnan(values)] for outcome in (1.0, 0.0))
    return len(won) > 0 and len(lost) > 0 and bool(won.min() > lost.max() or won.max() < lost.min())

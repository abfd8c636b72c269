"""Converts columns of an export to texts and to numbers."""

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.float32 import FLOAT32_MAX

Matrix = npt.NDArray[np.float32]

Vector = npt.NDArray[np.float64]


def numbers(column: pl.Series) -> Vector:
    """Converts a column to float64, NaN for anything but a number that is finite as float32.

    True and false become 1 and 0 unless there are other numbers: Odoo exports False for every missing value.
    """
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        plain = text.cast(pl.Float64, strict=False)
        column = plain if plain.null_count() == text.null_count() else with_flags(text, plain)
    elif not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return np.full(len(column), np.nan)
    values = column.cast(pl.Float64).to_numpy().astype(np.float64)
    return np.where(np.abs(values) <= FLOAT32_MAX, values, np.nan)


def with_flags(text: pl.Series, plain: pl.Series) -> pl.Series:
    """Texts as numbers, true and false as 1 and 0 where the other ``plain`` numbers are these alone."""
    if not text.str.contains(r"(?i)^(?:true|false)$").any() or not (plain.is_null() | plain.is_in([0.0, 1.0])).all():
        return plain
    flags = text.str.to_lowercase().replace_strict({"true": 1.0, "false": 0.0}, default=None)
    return pl.select(pl.coalesce(plain, flags)).to_series()


def counts_of(text: pl.Series) -> list[tuple[str, int]]:
    """Returns each value of a text column with its number of rows, the most frequent first; null is not counted."""
    rows = text.drop_nulls().alias("value").value_counts(name="rows").rows()  # whatever the name of the column is
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def as_text(column: pl.Series) -> pl.Series:
    """Converts a column to text; whole floats lose their ``.0``, so that 1.0 and 1 are the same value."""
    text = column.cast(pl.String)
    return text.str.strip_suffix(".0") if column.dtype.is_float() else text

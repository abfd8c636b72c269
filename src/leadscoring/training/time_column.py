"""The column that says when each lead came."""

import msgspec
import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training.outcome import column_of
from leadscoring.training.reading.how import How
from leadscoring.training.reading.missing import MissingTokens, blank
from leadscoring.training.reading.moments import moments
from leadscoring.training.reading.notation import STRAY_SHARE, decide
from leadscoring.training.reading.series import Vector
from leadscoring.training.reading.table import Table


class Times(msgspec.Struct, frozen=True):
    """When each lead came, as numbers that rise with time, shape (rows,), NaN where that is unknown.

    ``period`` is the first and the last as written; ``notes`` and ``warnings`` say how they were read.
    """

    values: Vector
    period: tuple[str, str]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def times(table: Table, name: str, tokens: MissingTokens, how: How | None = None) -> Times:
    """The times of a table's leads: dates and times of Parquet, texts of the usual forms, or plain numbers.

    Leads without a readable time are left out where they are very few. Raises ``TrainingDataError`` where they are not.
    """
    column = column_of(table.frame, name, "--time")
    values, notes, warnings = read_times(blank(column, tokens.of(name))[0], how or How())
    unread = np.isnan(values)
    if unread.any():
        row = int(np.argmax(unread))
        first = f"the first is {table.place(row)}: {column[row]!r}"
        if unread.all() or unread.sum() > STRAY_SHARE * len(values):
            raise TrainingDataError(
                f"{int(unread.sum())} of {len(column)} rows have no readable time in {name!r}; {first} (a date such as "
                "2026-01-31, a date and time, or a number)" + "".join(f"; {note}" for note in notes)
            )
        warnings.append(f"{int(unread.sum())} rows without a readable time in {name!r} were left out; {first}")
    first_row, last_row = int(np.nanargmin(values)), int(np.nanargmax(values))
    return Times(values, (str(column[first_row]), str(column[last_row])), tuple(notes), tuple(warnings))


def read_times(column: pl.Series, how: How) -> tuple[Vector, list[str], list[str]]:
    """A column as float64, NaN where it is no time; and what is to be said of how it was read."""
    if column.dtype.is_temporal():
        typed = column.cast(pl.Datetime("us") if column.dtype != pl.Time else pl.Time)
        return typed.to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy(), [], []
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_null(np.nan).to_numpy(), [], []
    text = column.cast(pl.String).str.strip_chars()
    found = moments(text, how.first)
    if np.isnan(found.values).any():
        numbers = decide(text, how.notation)
        if numbers is not None and np.isnan(numbers.values).sum() < np.isnan(found.values).sum():
            return numbers.values, [f"{column.name!r}: {numbers.words}"] if numbers.words else [], []
    name, warnings = column.name, []
    notes = (
        [f"{name!r}: times with the {found.first.replace('-', ' ')}, as in {text.drop_nulls()[0]!r}"]
        if found.first
        else []
    )
    if found.open:
        warnings.append(
            f"{name!r}: no date shows whether the day or the month comes first; the month is assumed "
            f"(--read {name}=day-first changes that)"
        )
    return found.values, notes, warnings

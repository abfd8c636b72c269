"""The time column, which says when each lead arrived."""

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
    """When each lead arrived, as increasing numbers of shape (rows,), NaN where unknown.

    ``period`` is the first and the last time as written; ``notes`` and ``warnings`` describe how they were parsed.
    """

    values: Vector
    period: tuple[str, str]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def times(table: Table, name: str, tokens: MissingTokens, how: How | None = None) -> Times:
    """Parses the times of a table's leads: temporal types of Parquet, texts in common formats, or plain numbers.

    A few leads without a readable time are left out. Raises ``TrainingDataError`` if there are more, or if all times
    are equal.
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
        many = int(unread.sum())
        rows = "1 row without a readable time" if many == 1 else f"{many} rows without a readable time"
        warnings.append(f"{rows} in {name!r} {'was' if many == 1 else 'were'} left out; {first}")
    if len(values) > 1 and np.nanmin(values) == np.nanmax(values):
        raise TrainingDataError(
            f"every row has the same time in {name!r}, {column.drop_nulls()[0]!r}: no lead is later than another; "
            "leave --time out, or name another column"
        )
    first_row, last_row = int(np.nanargmin(values)), int(np.nanargmax(values))
    return Times(values, (str(column[first_row]), str(column[last_row])), tuple(notes), tuple(warnings))


def read_times(column: pl.Series, how: How) -> tuple[Vector, list[str], list[str]]:
    """A column as float64, NaN where it is not a time; also returns notes and warnings."""
    if column.dtype.is_temporal():
        typed = column.cast(pl.Datetime("us") if column.dtype != pl.Time else pl.Time)
        return typed.to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy(), [], []
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_null(np.nan).to_numpy(), [], []
    text = column.cast(pl.String).str.strip_chars()
    parsed = moments(text, how.first)
    if np.isnan(parsed.values).any():
        numbers = decide(text, how.notation)
        if numbers is not None and np.isnan(numbers.values).sum() < np.isnan(parsed.values).sum():
            return numbers.values, [f"{column.name!r}: {numbers.words}"] if numbers.words else [], []
    name, warnings = column.name, []
    notes = (
        [f"{name!r}: times with the {parsed.first.replace('-', ' ')}, as in {text.drop_nulls()[0]!r}"]
        if parsed.first
        else []
    )
    if parsed.open:
        warnings.append(
            f"{name!r}: no date shows whether the day or the month comes first; the month is assumed "
            f"(--read {name}=day-first changes that)"
        )
    return parsed.values, notes, warnings

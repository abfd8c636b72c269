"""The moment of each lead: the time at which it would have been scored. Dates are aged to it.

``--as-of`` names its column. By default it is that of ``--time``; without one, or if it has no
dates, the latest date of each lead that is not after its outcome.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training.dates import date_columns, is_before_outcome, is_of_outcome, named_date_of
from leadscoring.training.outcome import column_of
from leadscoring.training.reading.how import How
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.serials import serial_words
from leadscoring.training.reading.series import Vector
from leadscoring.training.reading.table import Table

MOST_UNREAD = 0.01
"""Maximum share of leads without a date in the column that ``--as-of`` names."""

NAMED = 6


class AsOf(msgspec.Struct, frozen=True):
    """The moment of each lead in microseconds since 1970, shape (rows,), NaN where unknown; ``None`` without dates.

    ``column`` is the column it was read from, if it was one. ``notes`` describe the choice.
    """

    values: Vector | None = None
    column: str | None = None
    notes: tuple[str, ...] = ()


def as_of(
    table: Table,
    named: str | None,
    time: str | None,
    tokens: MissingTokens,
    how: Mapping[str, How] | None = None,
    decided: Vector | None = None,
    besides: tuple[str, ...] = (),
) -> AsOf:
    """Determines the moment of each lead.

    ``named`` is the column of ``--as-of``, ``time`` that of ``--time``; ``decided`` is when each outcome became known,
    NaN where it is not, shape (rows,). ``besides`` are columns that are not considered. Raises
    ``TrainingDataError`` if the named column does not exist or does not hold dates.
    """
    if named is not None:
        return as_named(table, named, tokens, (how or {}).get(named))
    if time is not None:
        values = named_date_of(table.frame[time], tokens, (how or {}).get(time))
        if values is not None:
            return AsOf(values, time, on_serials(table.frame[time]))
        besides = (*besides, time)
    dates = date_columns(table.frame, tokens, how, besides)
    outcome = [values for name, values in dates.items() if is_of_outcome(name)] if decided is None else [decided]
    earlier = {name: values for name, values in dates.items() if is_before_outcome(name)}
    return latest(earlier, outcome) if earlier else AsOf()


def as_named(table: Table, name: str, tokens: MissingTokens, how: How | None) -> AsOf:
    """The moment that the column of ``--as-of`` holds."""
    column = column_of(table.frame, name, "--as-of")
    values = named_date_of(column, tokens, how)
    if values is None:
        some = column.drop_nulls()
        shown = repr(some[0]) if len(some) else "no values"
        raise TrainingDataError(
            f"--as-of needs a column of dates, such as 2026-01-31 or 2026-01-31 10:00; {name!r} has {shown}"
        )
    unread = np.isnan(values)
    if unread.mean() > MOST_UNREAD:
        row = int(np.argmax(unread))
        raise TrainingDataError(
            f"{int(unread.sum())} of {len(values)} rows have no readable date in {name!r}, which --as-of names; the "
            f"first is {table.place(row)}: {column[row]!r}"
        )
    return AsOf(values, name, on_serials(column))


def on_serials(column: pl.Series) -> tuple[str, ...]:
    """The note on a column of moments that are numbers."""
    unit = serial_words(column) if column.dtype == pl.String or column.dtype.is_numeric() else ""
    return (f"{column.name!r}: numbers, read as {unit}",) if unit else ()


def latest(dates: dict[str, Vector], outcome: list[Vector]) -> AsOf:
    """The latest of some dates of each lead that is not after its outcome; the earliest of them if all are."""
    every = np.array(list(dates.values()))
    end = np.full(every.shape[1], np.inf)
    for values in outcome:
        end = np.fmin(end, values)
    values = np.where(every > end, np.nan, every)
    found: Vector = np.fmax.reduce(values)
    found = np.where(np.isnan(found), np.fmin.reduce(every), found)
    some = ", ".join(map(repr, list(dates)[:NAMED])) + (f" and {len(dates) - NAMED} more" if len(dates) > NAMED else "")
    of = f"the date in {some}" if len(dates) == 1 else f"the latest date among {some}"
    before = " that is not after the outcome" if outcome else ""
    late = int((every > end).any(axis=0).sum())
    after = f"; {late} leads have dates after their outcome, which do not count" if late else ""
    return AsOf(found, None, (f"each lead is seen as of {of}{before} (--as-of COLUMN changes that){after}",))

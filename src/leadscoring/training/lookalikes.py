"""Columns that look like dates or e-mail addresses, but are not read as such: a warning says what is in the way."""

import numpy as np
import polars as pl

from leadscoring._engine import address_of
from leadscoring.training.column import Read
from leadscoring.training.reading.distinct import first_of, glimpsed, spread_of
from leadscoring.training.reading.moments import any_moment, moments
from leadscoring.training.reading.serials import serial_words
from leadscoring.training.reading.series import numbers

HALF = 0.5
"""Minimum share of dates or addresses among the values of a column that looks like one of them."""

SINCE_1990, UNTIL_2040 = 631_152_000_000, 2_208_988_800_000
"""Milliseconds since 1970: numbers that large, and no larger, are hardly anything else."""


def lookalike(read: Read) -> list[str]:
    """Returns the warnings for a column that was not read as what most of its values are."""
    if read.how.kind is not None or read.how.notation is not None or (read.feature and read.feature.form.is_timed):
        return []
    if in_milliseconds(read.column):
        return [
            f"{read.raw.name!r} looks like dates and was not read as such: it holds numbers that may be "
            f"{serial_words(read.column)}; --read {read.raw.name!r}=date reads them so"
        ]
    return like_dates(read.column) if read.column.dtype == pl.String and read.traits.moments else []


def in_milliseconds(column: pl.Series) -> bool:
    """Whether all values are milliseconds, or microseconds, of this time."""
    values = numbers(column)
    values = values[~np.isnan(values)]
    ranges = [(SINCE_1990 * size, UNTIL_2040 * size) for size in (1, 1000)]
    return len(values) > 0 and any(bool(((values > low) & (values < high)).all()) for low, high in ranges)


def like_dates(column: pl.Series) -> list[str]:
    """Returns the warning for a column of texts of which most are dates, but not nearly all."""
    if not glimpsed(column, any_moment):
        return []
    some = spread_of(column)
    unread = some.filter(pl.Series(np.isnan(moments(some).values))) if len(some) else some
    if not 0 < len(unread) < (1.0 - HALF) * len(some):
        return []
    read = some.filter(~some.is_in(unread.to_list()))
    return [
        f"{column.name!r} looks like dates and was not read as such: {len(unread)} of {len(some)} different values, "
        f"such as {unread[0]!r}, are not written like the others, such as {read[0]!r}; write all in one way"
    ]


def like_addresses(column: pl.Series) -> str:
    """Returns the warning for a column of which most values are e-mail addresses, but not nearly all."""
    if column.dtype != pl.String:
        return ""
    some = first_of(column)
    unfit = sum(address_of(text) is None for text in some)
    if not 0 < unfit < (1.0 - HALF) * len(some):
        return ""
    return (
        f"{column.name!r} looks like e-mail addresses and was not read as such: {unfit} of {len(some)} different "
        f"values are not single addresses; --read {column.name!r}=email reads the others"
    )

"""Dates: their age when a lead is scored, gaps between them, and weekday and hour where these carry signal."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import polars as pl

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import DayOrder, Reading
from leadscoring.training import names
from leadscoring.training.column import FEWEST, STRAYS, Read
from leadscoring.training.derived.kind import Derived, Evidence, started
from leadscoring.training.derived.tokens import Tokens
from leadscoring.training.encode import moments_of
from leadscoring.training.later import DAY, as_floats
from leadscoring.training.reading.distinct import glimpsed, spread_of
from leadscoring.training.reading.moments import Moments, any_moment, moments
from leadscoring.training.reading.serials import serial_moments
from leadscoring.training.reading.series import Vector, counts_of

SHARE = 0.95
"""Minimum share of dates or times among the values of a date column."""

MOST_GAPS = 3
"""Maximum number of gaps to other dates, for each date."""

MOST_PAIRS = 60
"""Maximum number of pairs of dates whose gaps are tested."""

LATER = 0.9
"""Share of dates after the lead's moment from which a column says next to nothing at that moment."""

MOST = 0.5
"""Share of dates after the lead's moment from which a column named like one holds planned dates."""

AGE, WEEKDAY, HOUR = Aspect("age"), Aspect("weekday"), Aspect("hour")


ADULT, OLDEST, SPREAD = 14.0, 90.0, 10.0
"""Years: minimum age of nearly all persons, maximum median of their ages, and minimum difference between them."""


class Dates(Derived):
    """A date or time."""

    name = "date"

    def detects(self, read: Read) -> bool:
        """Whether nearly all values are dates; a few distinct values are looked at, from the whole column."""
        if read.column.dtype != pl.String:
            return read.column.dtype in (pl.Date, pl.Datetime)
        if not read.traits.moments or not glimpsed(read.column, any_moment):
            return False
        return share_of(moments(spread_of(read.column)).values) > SHARE

    def read(self, read: Read) -> None:
        """Reads the dates, with the order of day and month that the column, the user or else the file has."""
        parsed = stamps(read.column, read.how.first)
        if parsed.open and read.habit is not None:
            parsed = stamps(read.column, read.habit)
        elif parsed.open:
            read.warnings.append(
                f"{read.raw.name!r}: no date shows whether the day or the month comes first; the month is assumed "
                f"(--read {read.raw.name}=day-first changes that)"
            )
        unread = np.isnan(parsed.values) & read.column.is_not_null().to_numpy()
        if unread.any():
            report_unread(read, read.column.filter(pl.Series(unread)))
        read.first = parsed.first
        way = f" with the {parsed.first.replace('-', ' ')}" if parsed.first else ""
        read.notes.append(f"{read.raw.name!r}: dates{way}, of which the model gets the age")
        column = as_stamps(read.raw.name, parsed.values)
        read.feature = started(read, self.name, column, iso(column))

    def order(self, read: Read) -> DayOrder | None:
        """Returns the order of day and month, unless the column leaves it open."""
        parsed = stamps(read.column, read.how.first)
        return None if parsed.open else parsed.first

    def parse(self, feature: Feature, column: pl.Series, reading: Reading) -> pl.Series:
        """Parses dates with the order of day and month of training."""
        return as_stamps(feature.name, stamps(column, reading.dates.get(feature.name)).values)

    def candidates(self, feature: Feature, others: Sequence[Feature], _tokens: Tokens | None) -> tuple[Aspect, ...]:
        """Offers age, weekday, hour, and the gaps to all later dates of the contract."""
        dates = [other.name for other in others if other.form.is_timed]
        after = dates[dates.index(feature.name) + 1 :]
        most = max(1, MOST_PAIRS // len(dates))
        return (AGE, WEEKDAY, HOUR, *(Aspect("since", name) for name in after[:most]))

    def choose(self, feature: Feature, evidence: Evidence) -> Feature:
        """Takes the age in any case, and what else carries signal."""
        gaps = [aspect for aspect in evidence.values if aspect.of and says_more(aspect, evidence)]
        also = [*evidence.clear([WEEKDAY, HOUR]), *evidence.clear(gaps)[:MOST_GAPS]]
        return msgspec.structs.replace(feature, aspects=(AGE, *also))


def says_more(gap: Aspect, evidence: Evidence) -> bool:
    """Whether a gap between two dates carries more signal than the age of either, which the trees have anyway."""
    own, between = evidence.values[AGE], evidence.values[gap]
    both = ~np.isnan(between)
    ages = max(evidence.standing(own, both), evidence.standing(own + between, both))
    return evidence.standing(between) > ages


def share_of(values: Vector) -> float:
    """Returns the share of values that were parsed."""
    return float((~np.isnan(values)).mean())


def stamps(column: pl.Series, first: DayOrder | None) -> Moments:
    """Reads a column as microseconds since 1970, in UTC."""
    if column.dtype.is_temporal():
        typed = column.cast(pl.Datetime("us", getattr(column.dtype, "time_zone", None)))
        return Moments(typed.to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy())
    serials = serial_moments(column)
    return moments(column.cast(pl.String), first) if serials is None else Moments(serials)


def as_stamps(name: str, values: Vector) -> pl.Series:
    """Returns moments as whole microseconds, null for NaN."""
    return pl.Series(name, values).fill_nan(None).cast(pl.Int64)


def iso(column: pl.Series) -> str | None:
    """Returns the median of dates as it is sent."""
    median = column.drop_nulls().median()
    if not isinstance(median, float):
        return None
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=median)).strftime("%Y-%m-%d")


def report_unread(read: Read, unread: pl.Series) -> None:
    """Reports values that are not dates. Raises ``TrainingDataError`` if many are not, but the user said so."""
    present = len(read.column) - read.column.null_count()
    if read.how.kind is not None and len(unread) > (1.0 - SHARE) * present:
        raise TrainingDataError(
            f"--read says that {read.raw.name!r} holds dates, but {len(unread)} values do not fit, "
            f"such as {str(unread[0])!r}"
        )
    strays = counts_of(unread.cast(pl.String))[:STRAYS]
    read.missing = {**read.missing, **dict(strays)}
    some = ", ".join(f"{value!r} {count} times" for value, count in strays[:3])
    read.warnings.append(f"{read.raw.name!r} holds dates, but also {some}: {len(unread)} values were read as missing")


def settle(reads: Sequence[Read], as_of: Vector | None) -> dict[str, Vector]:
    """Marks features of planned dates, and warns of dates that are unexpectedly after the lead's moment.

    Columns of which hardly a date is before it are dropped, and returned: what they still say then is mostly that
    nothing has happened since.
    """
    features = [
        msgspec.structs.replace(read.feature, planned=names.says_planned(read.raw.name))
        for read in reads
        if read.feature is not None
    ]
    if not features:
        return {}
    later: dict[str, Vector] = {}
    moment = moments_of(features, pl.DataFrame([read.column for read in reads]), as_of)
    for read, feature in zip(reads, features, strict=True):
        values = as_floats(read.column)
        late, known = count_after(values, moment), int((~np.isnan(values)).sum())
        planned = feature.planned and late > MOST * known
        read.feature = msgspec.structs.replace(feature, planned=planned)
        if not planned and (known - late < FEWEST or late > LATER * known):
            later[feature.name] = values
            read.feature, read.dropped = None, f"{late} of {known} dates are after the moment at which a lead is scored"
            read.warnings.append(f"{feature.name!r} was excluded: {read.dropped} (--as-of COLUMN names another moment)")
        elif planned:
            read.notes.append(f"{read.raw.name!r}: planned dates, which may be after the moment of scoring")
        elif late:
            read.warnings.append(words_of_future(read.raw.name, late))
        if read.feature is not None and moment is not None and are_of_lifetimes(moment - values):
            read.warnings.append(
                f"{read.raw.name!r} holds dates of decades before the leads: if they are birth dates of persons, they "
                f"are personal data; exclude them with --ignore {read.raw.name!r}"
            )
    return later


def count_after(values: Vector, moment: Vector | None) -> int:
    """Counts the dates that are after the moment of their lead by more than a day."""
    return 0 if moment is None else int((values > moment + DAY).sum())


def words_of_future(name: str, late: int) -> str:
    """Returns the warning for dates after the moment of scoring."""
    return (
        f"{name!r} holds {late} dates after the moment at which the lead is scored: they were not known then, and were "
        "read as missing"
    )


def are_of_lifetimes(ages: Vector) -> bool:
    """Whether ages in microseconds are spread as those of adults; those of companies may be, too."""
    years = ages[~np.isnan(ages)] / (365.25 * DAY)
    if len(years) == 0:
        return False
    young, middle, old = np.quantile(years, [0.05, 0.5, 0.95])
    return bool(young > ADULT and middle < OLDEST and old - young > SPREAD)

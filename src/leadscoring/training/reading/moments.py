"""Parses dates and times: ISO 8601, ``13/01/2025 01:00``, ``1/13/2025 5:00 PM``, ``13 Jan 2025 (UTC)``.

Whether day or month comes first in ``01/02/2025`` is inferred from the column as a whole.
"""

import msgspec
import numpy as np
import polars as pl

from leadscoring.model.reading import DayOrder
from leadscoring.training.reading.series import Vector

MONTHS = {
    start: place
    for place, starts in enumerate(
        [
            ("jan", "ene", "gen", "sty", "oca", "янв"),
            ("feb", "fév", "fev", "lut", "şub", "фев"),
            ("mar", "mär", "mrz", "mrt", "мар"),
            ("apr", "avr", "abr", "kwi", "nis", "апр"),
            ("may", "mai", "maj", "mei", "mag", "мая", "май"),
            ("jun", "juin", "giu", "cze", "haz", "июн"),
            ("jul", "juil", "lug", "lip", "tem", "июл"),
            ("aug", "aoû", "ago", "sie", "ağu", "авг"),
            ("sep", "set", "wrz", "eyl", "сен"),
            ("oct", "okt", "out", "ott", "paź", "eki", "окт"),
            ("nov", "lis", "kas", "ноя"),
            ("dec", "dez", "des", "déc", "dic", "gru", "ara", "дек"),
        ],
        1,
    )
    for start in starts
}
"""Prefixes of month names: English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Turkish, Russian."""

ZONES = (
    {"Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 60, "CET": 60, "CEST": 120, "EET": 120, "EEST": 180, "MSK": 180}
    | {"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420}
    | {"AKST": -540, "AKDT": -480, "HST": -600, "JST": 540, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780}
)
"""Offset from UTC in minutes. Ambiguous abbreviations such as IST are not supported."""

WEEKDAY = r"(?:[A-Za-zäöüéáû]{2,10}\.?,?\s+)?"
NAME = r"(?P<name>\p{L}{3,12})"
CLOCK = (
    r"(?:(?:[T,]|\s)+(?:at\s+|um\s+)?(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))?"
    r"(?:[:.](?P<second>\d{2})(?:[.,](?P<part>\d{1,9}))?)?(?:\s*(?:Uhr))?\s*(?P<half>(?i:[ap]\.?\s?m\.?))?)?"
    r"\s*(?:(?P<zone>Z|[A-Z]{2,5})?(?P<offset>[-+]\d{1,2}(?::?\d{2})?)?)(?:\s*\([^)]*\)|\s*\[[^\]]*\])?$"
)
SHAPES = {
    "iso": r"^(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + CLOCK,
    "characters": r"^(?P<year>\d{4})[年년]\s?(?P<month>\d{1,2})[月월]\s?(?P<day>\d{1,2})[日일]" + CLOCK,
    "numbers": rf"^{WEEKDAY}(?P<one>\d{{1,2}})[-/. ]\s?(?P<two>\d{{1,2}})[-/. ]\s?(?P<year>\d{{4}}|\d{{2}}){CLOCK}",
    "day name": rf"^{WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.)?(?:[\s.-]|de\s)*{NAME}\.?(?:[\s,.-]|de\s)*"
    rf"(?P<year>\d{{4}}|\d{{2}}){CLOCK}",
    "name day": rf"^{WEEKDAY}{NAME}\.?[\s-]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[\s-]+(?P<year>\d{{4}}){CLOCK}",
    "year name": rf"^(?P<year>\d{{4}})[-\s]{NAME}[-\s](?P<day>\d{{1,2}}){CLOCK}",
    "clock first": rf"^[A-Za-z]{{3}}\s+{NAME}\s+(?P<day>\d{{1,2}})\s+(?P<hour>\d{{2}}):(?P<minute>\d{{2}})"
    r":(?P<second>\d{2})\s+(?P<zone>[A-Z]{2,5})?\s*(?P<year>\d{4})$",
    "digits": r"^(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12]\d|3[01])"
    r"(?:T(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?(?P<zone>Z)?)?$",
}
"""The supported formats, with named groups."""

PERHAPS = r"\d.*[-/.\s年].*\d.*[-/.\s月]|[^\W\d_]{3}.*\d|\d.*[^\W\d_]{3}|\d{8}"
"""What every text in one of these formats has: two separators after digits, a name and a digit, or eight digits."""
OTHER_DIGITS = r"[\p{Nd}--0-9]"
"""Digits of other scripts, which the formats would match, but which are not converted to numbers."""

CLOCK_ONLY = r"^\d{1,4}:\d{2}(:\d{2}(\.\d+)?)?(\s*[aApP]\.?[mM]\.?)?$"


class Moments(msgspec.Struct):
    """A column as timestamps: microseconds since 1970 in UTC as float64, NaN where there is none.

    ``first`` says whether day or month comes first if both are numbers, and ``open`` that the column alone does not
    determine it. ``words`` names the formats.
    """

    values: Vector
    first: DayOrder | None = None
    open: bool = False
    words: str = ""


def moments(text: pl.Series, named: DayOrder | None = None) -> Moments:
    """Parses a text column as timestamps; those without a zone are taken as UTC.

    ``named`` is the order of day and month that the user specified.
    """
    if not text.str.contains(PERHAPS).any():
        return Moments(np.full(len(text), np.nan))
    clean = text.str.replace_all("[\u00a0\u202f\u2009]", " ").str.strip_chars()
    clean = pl.select(pl.when(~clean.str.contains(OTHER_DIGITS)).then(clean)).to_series()
    values = np.full(len(text), np.nan)
    first, undecided, seen = None, False, []
    for way, shape in SHAPES.items():
        left = np.flatnonzero(np.isnan(values))
        if len(left) == 0:
            break
        part = clean[left] if len(left) < len(clean) else clean
        groups = part.str.extract_groups(shape).struct.unnest()
        if groups["year"].null_count() == len(groups):
            continue
        if way == "numbers":
            first, undecided = order(groups, part, named)
            one, two = ("day", "month") if first == "day-first" else ("month", "day")
            groups = groups.rename({"one": one, "two": two})
        parsed = stamps(groups)
        if not np.isnan(parsed).all():
            seen.append(first.replace("-", " ") if way == "numbers" and first else way)
        values[left] = parsed
    return Moments(values, first, undecided, ", ".join(seen))


def any_moment(text: pl.Series) -> bool:
    """Whether any of some texts is a date or a time."""
    return not bool(np.isnan(moments(text).values).all())


def order(groups: pl.DataFrame, text: pl.Series, named: DayOrder | None) -> tuple[DayOrder, bool]:
    """Whether day or month comes first in a column, and whether that is ambiguous."""
    if named is not None:
        return named, False
    one, two = (groups[name].cast(pl.Int64, strict=False).drop_nulls() for name in ("one", "two"))
    days, months = int((one > 12).sum()), int((two > 12).sum())
    if days or months:
        return ("day-first" if days >= months else "month-first"), False
    if bool(text.str.contains(r"^\d{1,2}\.").any()):
        return "day-first", False
    return "month-first", True


def stamps(groups: pl.DataFrame) -> Vector:
    """Converts groups to microseconds since 1970; NaN for an invalid date or time."""
    column = {name: groups[name] for name in groups.columns}
    none = pl.Series([None] * len(groups), dtype=pl.String)
    whole = {
        name: column.get(name, none).cast(pl.Int64, strict=False)
        for name in ("year", "day", "hour", "minute", "second")
    }
    month = column["month"].cast(pl.Int64, strict=False) if "month" in column else months_of(column["name"])
    year = pl.select(
        pl.when(whole["year"] >= 100).then(whole["year"])
        .when(whole["year"] < 70).then(whole["year"] + 2000).otherwise(whole["year"] + 1900)
    ).to_series()  # fmt: skip
    half = column.get("half", none).str.to_lowercase().str.slice(0, 1)
    hour, minute = whole["hour"], whole["minute"].fill_null(0)
    lost = hour.is_not_null() & whole["minute"].is_null() & half.is_null()  # a lone number is not a time of day
    lost |= half.is_not_null() & ((hour < 1) | (hour > 12))
    hour = (
        pl.select(pl.when(half == "p").then(hour % 12 + 12).when(half == "a").then(hour % 12).otherwise(hour))
        .to_series()
        .fill_null(0)
    )
    shift, unknown = minutes_ahead(column.get("zone", none), column.get("offset", none))
    bad = lost.fill_null(False) | unknown | (hour > 23) | (minute > 59) | (whole["second"].fill_null(0) > 60)
    written = pl.select(
        pl.format("{}-{}-{}", year, month.cast(pl.String).str.zfill(2), whole["day"].cast(pl.String).str.zfill(2))
    ).to_series()
    date = written.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")).to_physical().cast(pl.Float64)
    part = (pl.select(pl.format("0.{}", column.get("part", none))).to_series().cast(pl.Float64)).fill_null(0.0)
    seconds = whole["second"].fill_null(0)
    clock = (hour * 3600 + (minute - shift) * 60 + seconds).cast(pl.Float64) + part
    result: Vector = pl.select(pl.when(~bad).then(date + clock * 1e6)).to_series().to_numpy().astype(np.float64)
    return result


def months_of(names: pl.Series) -> pl.Series:
    """The number of each month name, null for any other text."""
    lower = names.str.to_lowercase()
    long, short = (
        lower.str.slice(0, count).replace_strict(MONTHS, default=None, return_dtype=pl.Int64) for count in (4, 3)
    )
    return pl.select(pl.coalesce(long, short)).to_series()


def minutes_ahead(zone: pl.Series, offset: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The offset from UTC in minutes, and whether the zone is unknown; both of shape (rows,)."""
    named = zone.replace_strict(ZONES, default=None, return_dtype=pl.Int64)
    unknown = (zone.is_not_null() & named.is_null()).fill_null(False)
    digits = offset.str.replace_all("[^0-9]", "")
    hours = digits.str.slice(0, 2).cast(pl.Int64, strict=False)
    shorter = pl.select(
        pl.when(digits.str.len_chars() == 3).then(digits.str.slice(0, 1).cast(pl.Int64, strict=False)).otherwise(hours)
    )
    minutes = pl.select(
        pl.when(digits.str.len_chars() > 2).then(digits.str.slice(-2).cast(pl.Int64, strict=False)).otherwise(0)
    ).to_series()
    sign = pl.select(pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)).to_series()
    shift = sign * (shorter.to_series() * 60 + minutes)
    return named.fill_null(0) + shift.fill_null(0), unknown

"""The two columns with a role of their own: the outcome that is learned, and the time of each lead."""

import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training.encode import Vector
from leadscoring.training.missing import MissingTokens, as_text, blank, hint

POSITIVES = frozenset({"1", "true", "yes", "y", "t", "won", "converted", "positive", "success", "closed won"})
SHOWN = 8
TIME_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M")


def column_of(frame: pl.DataFrame, name: str, option: str) -> pl.Series:
    """The column that an option names, or a ``TrainingDataError`` with a guess at the one meant."""
    if name not in frame.columns:
        more = ", ..." if frame.width > SHOWN else ""
        guess = hint(name, frame.columns) or f"; it holds {', '.join(frame.columns[:SHOWN])}{more}"
        raise TrainingDataError(f"{option} names the column {name!r}, which is not in the data{guess}")
    return frame[name]


def outcomes(frame: pl.DataFrame, target: str, positive: str | None, tokens: MissingTokens) -> tuple[pl.Series, str]:
    """1 for a lead that converted, 0 for one that did not, null where unknown; and the value that means 1.

    Raises ``TrainingDataError`` when the column is not there, has one value, or it is not clear which
    of its values means converted.
    """
    column, _ = blank(column_of(frame, target, "--target"), tokens.of(target))
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Int8)
    text = as_text(column).str.strip_chars()
    values = sorted(text.drop_nulls().unique().to_list())
    shown = ", ".join(map(repr, values[:SHOWN])) + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")
    if not values:
        raise TrainingDataError(f"the target {target!r} is missing in every row")
    if positive is None:
        positive = guess_positive(target, values, shown)
    elif positive not in values:
        raise TrainingDataError(f"no row has {target!r} = {positive!r}: it holds {shown}{hint(positive, values)}")
    if len(values) == 1:
        raise TrainingDataError(f"every row has {target!r} = {values[0]!r}: training needs leads of both outcomes")
    return (text == positive).cast(pl.Float64), positive


def guess_positive(target: str, values: list[str], shown: str) -> str:
    """The value that means converted, where only one can."""
    if len(values) == 1:
        raise TrainingDataError(f"every row has {target!r} = {values[0]!r}: training needs leads of both outcomes")
    likely = [value for value in values if value.casefold() in POSITIVES]
    if len(values) == 2 and len(likely) == 1:
        return likely[0]
    example = likely[0] if len(likely) == 1 else values[-1] if len(values) == 2 else values[0]
    raise TrainingDataError(
        f"the target {target!r} holds {shown}: say which value means converted, for example --positive {example!r}"
    )


def times(frame: pl.DataFrame, name: str) -> tuple[Vector, tuple[str, str]]:
    """When each lead came, as numbers that rise with time, shape (rows,); and the first and last as written.

    Takes dates and times of Parquet, texts of the usual forms, and plain numbers. Raises
    ``TrainingDataError`` when a row has none that can be read.
    """
    column = column_of(frame, name, "--time")
    stamps = parse_times(column)
    unread = stamps.is_null() | stamps.is_nan()
    if unread.any():
        row = int(np.argmax(unread.to_numpy()))
        raise TrainingDataError(
            f"{int(unread.sum())} of {len(column)} rows have no readable time in {name!r}; "
            f"the first is row {row + 1}: {column[row]!r} (a date such as 2026-01-31, a date and time, or a number)"
        )
    values = stamps.to_numpy().astype(np.float64)
    return values, (str(column[int(values.argmin())]), str(column[int(values.argmax())]))


def parse_times(column: pl.Series) -> pl.Series:
    """A column as float64, null where it is no time."""
    if column.dtype.is_temporal():
        return column.cast(pl.Datetime("us") if column.dtype != pl.Time else pl.Time).to_physical().cast(pl.Float64)
    if column.dtype.is_numeric():
        return column.cast(pl.Float64)
    text = column.cast(pl.String).str.strip_chars()
    readings = [text.cast(pl.Float64, strict=False), iso_times(text)]
    readings += [
        text.str.to_datetime(form, strict=False, time_unit="us").to_physical().cast(pl.Float64) for form in TIME_FORMATS
    ]
    return min(readings, key=lambda reading: reading.null_count())


def iso_times(text: pl.Series) -> pl.Series:
    """ISO 8601, with or without seconds, fractions and a zone (taken as UTC where there is none)."""
    plain = text.str.replace(" ", "T").str.replace(r"([+-]\d{2}:?\d{2}|Z)$", "")
    zone = text.str.extract(r"T?.*([+-]\d{2}:?\d{2})$")
    hours = pl.select(
        pl.when(text.str.contains(r"\d:\d{2}.*[+-]\d{2}:?\d{2}$")).then(zone.str.replace(":", "")).otherwise(None)
    ).to_series()
    shift = (hours.str.slice(1, 2).cast(pl.Float64) * 60 + hours.str.slice(3, 2).cast(pl.Float64)).fill_null(0.0)
    sign = pl.select(pl.when(hours.str.starts_with("-")).then(-1.0).otherwise(1.0)).to_series().fill_null(1.0)
    forms = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
    stamps = [
        plain.str.to_datetime(form, strict=False, time_unit="us").to_physical().cast(pl.Float64) for form in forms
    ]
    return pl.select(pl.coalesce(stamps)).to_series() - sign * shift * 60e6

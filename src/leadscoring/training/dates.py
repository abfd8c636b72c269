"""The date columns of a table, and what their names imply: the outcome, a later change, a plan, or a beginning."""

import re
from collections.abc import Container, Mapping

import numpy as np
import polars as pl

from leadscoring.contract.kinds import KINDS
from leadscoring.training import names
from leadscoring.training.reading.distinct import glimpsed, spread_of
from leadscoring.training.reading.how import How
from leadscoring.training.reading.missing import MissingTokens, blank
from leadscoring.training.reading.moments import moments
from leadscoring.training.reading.serials import serial_moments
from leadscoring.training.reading.series import Vector
from leadscoring.training.reading.traits import traits_of

DATES = 0.95
"""Minimum share of dates among the values of a date column."""

OF_OUTCOME = re.compile(
    r"\b(?:close[ds]?|closing|close ?date|won|lost|convert(?:ed)?|conversion|sign(?:ed|ature)|outcome|churn(?:ed)?"
    r"|qualified|disqualified|became (?:a )?customer|customer since|win|decided|invoiced?|ordered|purchased?"
    r"|abschluss\w*|abgeschlossen|gewonnen|verloren)\b"
)
"""Names of dates on which the outcome became known."""

OF_CHANGE = re.compile(
    r"\b(?:modified|updated?|changed?|last|latest|recent|touched|activity|exported|synced|geändert|letzte\w*)\b"
)
"""Names of dates that later events overwrite."""

OF_PERSON = re.compile(r"\b(?:birth ?(?:day|date)?|born|dob|geburts\w*|founded|established|gründung\w*)\b")
"""Names of dates that have nothing to do with when the lead came."""

OF_BEGINNING = re.compile(
    r"\b(?:creat(?:ed?|ion)|create ?date|added|entered|received|arriv\w*|registered|registration|sign(?:ed)? ?up"
    r"|submitted|opened|first|start|inquir\w*|enquir\w*|lead date|erstellt|angelegt|eingang\w*|creado|date|time"
    r"|timestamp|datum)\b"
)
"""Names of dates on which a lead arrives."""


NO_DATE = r"^\s*[-+]?\d{1,3}(\.\d{1,3})?\s*$"
"""Short plain numbers, which are no dates."""


def date_of(column: pl.Series, tokens: MissingTokens, how: How | None = None) -> Vector | None:
    """A date column as microseconds since 1970 in UTC, NaN where missing; ``None`` for a column of another kind."""
    if column.dtype in (pl.Date, pl.Datetime):
        return as_moments(column.cast(pl.Datetime("us")).to_physical())
    how = how or How()
    if how.kind is not None and KINDS[how.kind].is_timed:
        serials = serial_moments(blank(column, tokens.of(column.name))[0])
        if serials is not None:
            return serials
    if column.dtype != pl.String or (how.kind is not None and not KINDS[how.kind].is_timed) or how.notation is not None:
        return None
    if not column.str.contains(r"\d").any() or column.str.contains(NO_DATE).fill_null(True).all():
        return None
    if not glimpsed(column, lambda some: share_read(some, how) > 0.0):
        return None
    text, _ = blank(column, tokens.of(column.name))
    some = spread_of(text)
    if len(some) == 0 or share_read(some, how) <= DATES:
        return None
    return moments(text, how.first).values


def named_date_of(column: pl.Series, tokens: MissingTokens, how: How | None = None) -> Vector | None:
    """The dates of a column that an option names as one of dates; they may be numbers, such as those of Excel."""
    values = date_of(column, tokens, how)
    return serial_moments(blank(column, tokens.of(column.name))[0]) if values is None else values


def as_moments(column: pl.Series) -> Vector:
    """Integers as float64, NaN for null."""
    values: Vector = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return values


def share_read(text: pl.Series, how: How) -> float:
    """The share of some texts that are dates."""
    return float((~np.isnan(moments(text, how.first).values)).mean())


def date_columns(
    frame: pl.DataFrame, tokens: MissingTokens, how: Mapping[str, How] | None = None, besides: Container[str] = ()
) -> dict[str, Vector]:
    """Every date column of a table besides some, as ``date_of`` returns it, in the order of the table."""
    ways = how or {}
    columns = [column for column in frame.iter_columns() if column.name not in besides]
    read = {
        column.name: date_of(column, tokens, ways.get(column.name))
        for column, traits in zip(columns, traits_of(columns, ("moments",)), strict=True)
        if traits.moments or column.name in ways
    }
    return {name: values for name, values in read.items() if values is not None}


def is_of_outcome(name: str) -> bool:
    """Whether a date of this name is that of the outcome."""
    plain = names.words(name)
    return OF_OUTCOME.search(plain) is not None and re.search(r"\bsign(?:ed)? ?up\b", plain) is None


def is_before_outcome(name: str) -> bool:
    """Whether a date of this name may say how a lead stood before its outcome."""
    plain = names.words(name)
    later = names.says_planned(name) or any(shape.search(plain) for shape in (OF_CHANGE, OF_PERSON))
    return not later and not is_of_outcome(name)


def is_of_beginning(name: str) -> bool:
    """Whether a date of this name is that of a lead's arrival."""
    return is_before_outcome(name) and OF_BEGINNING.search(names.words(name)) is not None

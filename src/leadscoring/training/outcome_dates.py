"""Outcomes that have dates: a target of dates, ``--won-date`` and ``--lost-date``, and when each became known."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import Dated
from leadscoring.training.dates import date_of, named_date_of
from leadscoring.training.outcome import Outcome, column_of, outcomes
from leadscoring.training.reading.how import How
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.series import Vector
from leadscoring.training.reading.table import Table

FILLED = "any date"
"""What means converted in a target of dates."""


class Decided(msgspec.Struct, frozen=True):
    """The outcome of each row, and when it became known: microseconds since 1970, NaN where that is unknown.

    ``when`` is ``None`` if no column says so. ``named`` maps the columns of these dates to that role.
    """

    outcome: Outcome
    when: Vector | None = None
    named: dict[str, str] = {}


def decided(
    table: Table,
    target: str,
    positive: Sequence[str],
    negative: Sequence[str],
    tokens: MissingTokens,
    how: Mapping[str, How],
    dated: Dated,
) -> Decided:
    """Determines the outcome of each row from the values of the target, or from dates.

    A date in a target of dates means converted. Raises ``TrainingDataError`` as ``outcomes`` does, and for a named
    date column that does not exist or does not hold dates.
    """
    won = named_dates(table, dated.won, "--won-date", tokens, how)
    lost = named_dates(table, dated.lost, "--lost-date", tokens, how)
    named = {name: "a date of the outcome, as named" for name in (dated.won, dated.lost) if name}
    column = column_of(table.frame, target, "--target")
    own = date_of(column, tokens, how.get(target)) if not negative and set(positive) <= {FILLED} else None
    if own is not None:
        outcome = of_dates(column.name, own, lost)
        won = own
    else:
        outcome = outcomes(table.frame, target, positive, negative, tokens)
    if won is None and lost is None:
        return Decided(outcome, None, named)
    blank = np.full(table.frame.height, np.nan)
    y = outcome.column.fill_null(np.nan).to_numpy()
    when = np.where(
        y == 1.0, blank if won is None else won, np.where(y == 0.0, blank if lost is None else lost, np.nan)
    )
    return Decided(outcome, when, named)


def named_dates(table: Table, name: str, option: str, tokens: MissingTokens, how: Mapping[str, How]) -> Vector | None:
    """The dates in the column that an option names; ``None`` if it names none."""
    if not name:
        return None
    column = column_of(table.frame, name, option)
    values = named_date_of(column, tokens, how.get(name))
    if values is None:
        some = column.drop_nulls()
        shown = repr(some[0]) if len(some) else "no values"
        raise TrainingDataError(f"{option} needs a column of dates, such as 2026-01-31; {name!r} has {shown}")
    return values


def of_dates(target: str, won: Vector, lost: Vector | None) -> Outcome:
    """The outcome by dates: a date of conversion, or of loss, whichever is later.

    Without dates of loss, leads without a date did not convert, with a warning. Raises ``TrainingDataError`` if one
    of the two outcomes does not occur.
    """
    has_won = ~np.isnan(won)
    if lost is None:
        y = has_won.astype(np.float64)
    else:
        has_lost = ~np.isnan(lost)
        has_won &= ~has_lost | (won >= np.where(has_lost, lost, won))
        y = np.where(has_won, 1.0, np.where(has_lost, 0.0, np.nan))
    count, against = int((y == 1.0).sum()), int((y == 0.0).sum())
    waiting = len(y) - count - against
    if not count or not against:
        if not count:
            raise TrainingDataError(f"no lead has its latest date in {target!r}: training needs leads of both outcomes")
        raise TrainingDataError(
            f"every lead with an outcome has a date in {target!r}, which means converted: training needs leads of both "
            "outcomes. If open and lost leads have a planned date, use the column of their stage or status as --target"
        )
    notes = [f"a date in {target!r} means converted: {count} leads; {against} did not"]
    if waiting:
        notes.append(f"{waiting} rows were left out: they have neither a date of conversion nor one of loss")
    column = pl.Series(target, y).fill_nan(None)
    warnings = () if lost is not None else (
        f"{against} leads without a date in {target!r} count as not converted, also those that are still open: "
        "--within 90d judges each lead by what happened in 90 days, --lost-date COLUMN leaves open ones out",
    )  # fmt: skip
    undecided = pl.Series(np.isnan(won) if lost is None else np.isnan(y))
    return Outcome(column, (FILLED,), (), tuple(notes), waiting, undecided, warnings)


def before(when: Vector | None, moment: Vector | None) -> tuple[str, ...]:
    """The warning for outcomes that were known before the moment at which their lead is seen."""
    if when is None or moment is None:
        return ()
    with np.errstate(invalid="ignore"):
        early = int((when < moment).sum())
    known = int((~np.isnan(when)).sum())
    if not early:
        return ()
    return (
        f"{early} of {known} leads have an outcome before the moment at which they are seen: the dates are wrong, or "
        "--as-of must name a date before the outcome",
    )

"""The horizon of an outcome: whether a lead converted within so many days of its moment (``--within 90d``)."""

import re
import time
from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training.outcome import Outcome
from leadscoring.training.reading.series import Vector

DAY = 86_400e6
"""Microseconds of a day."""

DAYS_OF = {"d": 1, "w": 7}


def parse_days(text: str) -> int:
    """The days of a horizon such as ``90d`` or ``12w``. Raises ``TrainingDataError`` for any other text."""
    parts = re.fullmatch(r"(\d{1,5})\s*(d|w)(?:ays?|eeks?)?", text.strip().casefold())
    days = int(parts[1]) * DAYS_OF[parts[2]] if parts else 0
    if days < 1:
        raise TrainingDataError(f"--within must be days or weeks, such as 90d or 12w, not {text!r}")
    return days


def within(outcome: Outcome, when: Vector | None, as_of: Vector | None, days: int) -> Outcome:
    """The outcome of each row within ``days`` of its moment.

    A lead that converted later, or is still open after that time, did not. Leads that are younger at the end of the
    data are left out, whatever their outcome: of them only the quick ones would count. ``when`` is the time of each
    outcome, ``as_of`` the moment of each lead, both in microseconds and NaN where unknown, shape (rows,). Raises
    ``TrainingDataError`` without dates, or if no lead is old enough.
    """
    if when is None or as_of is None:
        lacking = "when leads converted (--won-date COLUMN)" if when is None else "when leads came (--as-of COLUMN)"
        raise TrainingDataError(f"--within {days}d needs the date {lacking}")
    y = outcome.column.fill_null(np.nan).to_numpy()
    still = np.isnan(y) if outcome.undecided is None else outcome.undecided.to_numpy() & (y != 1.0)
    end = last_moment(np.r_[as_of, when])
    with np.errstate(invalid="ignore"):
        old = as_of + days * DAY <= end
        late = old & (y == 1.0) & (when > as_of + days * DAY)
    undated = old & (y == 1.0) & np.isnan(when)
    waits = old & (still if outcome.undecided is not None else np.zeros(len(y), dtype=bool))
    result = np.where(late | waits, 0.0, y)
    result = np.where(~old | undated, np.nan, result)
    young = int((~old & (~np.isnan(y) | still) & ~np.isnan(as_of)).sum())
    if not old.any():
        raise TrainingDataError(
            f"--within {days}d: no lead is {days} days old on {day(end)}, the last date of the data"
        )
    notes = [
        f"converted means within {days} days: {int((result == 1.0).sum())} leads did; {int(late.sum())} converted "
        f"later and {int(waits.sum())} have no outcome after that time, which count as not converted",
        f"{young} leads were left out: they are younger than {days} days on {day(end)}, the last date of the data",
    ]
    if undated.any():
        notes.append(f"{int(undated.sum())} rows were left out: they converted, but have no date of conversion")
    column = pl.Series(outcome.column.name, result).fill_nan(None)
    return msgspec.structs.replace(
        outcome,
        column=column,
        notes=(*outcome.notes, *notes),
        waiting=int(column.null_count()) - int((np.isnan(y) & ~still).sum()),
        warnings=tuple(words for words in outcome.warnings if "--within" not in words),
    )


def last_moment(values: Vector) -> float:
    """The latest of some moments that is not in the future, which no export can know."""
    past = values[values <= time.time() * 1e6]
    return float(past.max()) if len(past) else float("-inf")


def day(moment: float) -> str:
    """The date of a moment."""
    return "no day" if not np.isfinite(moment) else datetime.fromtimestamp(moment / 1e6, UTC).date().isoformat()

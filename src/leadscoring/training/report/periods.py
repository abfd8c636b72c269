"""Conversions over time: what was predicted and observed, by calendar period."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from leadscoring.quality.proportion import share_of, verdicts
from leadscoring.training.leads import Leads
from leadscoring.training.measured import Measured
from leadscoring.training.reading.series import Vector

UNITS = ("1w", "1mo", "1q", "1y")
MOST = 26
"""Maximum number of periods; the shortest unit that makes no more is used."""

ENOUGH = 50
"""Minimum leads of the typical period, and of one with a verdict."""

PAST = 631_152_000_000_000
"""1990 in microseconds: smaller numbers are no times, but a count of days, or an order of the leads."""

MONTH = 30.4375 * 86_400e6
FEWEST_MONTHS = 0.5


def moments_of(leads: Leads) -> Vector | None:
    """Returns when each lead arrived, in microseconds since 1970; ``None`` unless it is known of nearly all leads."""
    for values in (leads.time, leads.as_of):
        if values is not None and len(values) and np.mean(values > PAST) > 0.95:
            return values
    return None


def leads_per_month(leads: Leads) -> float | None:
    """Returns how many leads with an outcome arrive in a month; ``None`` if that is unknown."""
    when = moments_of(leads)
    if when is None:
        return None
    known = when[when > PAST]
    months = float(known.max() - known.min()) / MONTH
    return len(leads.y) / months if months >= FEWEST_MONTHS else None


def over_time(every: Leads | None, held_out: Measured) -> list[dict[str, Any]]:
    """Returns the conversions by period; empty without times.

    If the held-out leads are the latest, the periods before are shown as observed, without a prediction.
    """
    when = moments_of(held_out.leads)
    if when is None:
        return []
    y, p, before = held_out.leads.y, held_out.p, 0
    if every is not None and every.time is not None and (past := moments_of(every)) is not None:
        earlier = past < np.nanmin(when)
        before = int(earlier.sum())
        when, y = np.r_[past[earlier], when], np.r_[every.y[earlier], y]
        p = np.r_[np.full(before, np.nan), p]
    known = when > PAST
    return by_period(when[known], y[known], p[known])


def by_period(when: Vector, y: Vector, p: Vector) -> list[dict[str, Any]]:
    """Groups leads by calendar period; ``p`` is NaN where nothing was predicted."""
    frame = pl.DataFrame({"when": when.astype(np.int64), "y": y, "p": p, "unseen": np.isnan(p)})
    frame = frame.with_columns(pl.col("when").cast(pl.Datetime("us")))
    groups = frame.clear()
    for unit in UNITS:
        groups = (
            frame.group_by(started(unit), "unseen")
            .agg(pl.len(), pl.sum("y"), pl.mean("p"), pl.col("when").min().alias("first"), pl.max("when").alias("last"))
            .sort("first")
        )
        if groups.height <= MOST and np.median(groups["len"]) >= ENOUGH:
            break
    rows = groups.to_dicts()
    judged = [row for row in rows if not row["unseen"] and row["len"] >= ENOUGH]
    said = dict(zip(map(id, judged), verdicts([(r["y"], r["len"], r["p"]) for r in judged]), strict=True))
    return [facts(row, said.get(id(row))) for row in rows]


def started(unit: str) -> pl.Expr:
    """Returns the period of each lead; earlier leads in the first period of the held-out ones join the one before."""
    period = pl.col("when").dt.truncate(unit)
    shared = pl.col("unseen") & (period == period.filter(~pl.col("unseen")).min())
    return pl.when(shared).then(period.dt.offset_by(f"-{unit}")).otherwise(period).alias("period")


def facts(row: dict[str, Any], verdict: str | None) -> dict[str, Any]:
    """Returns the facts of one period; its first and last day are those of its leads."""
    return {
        "from": day(row["first"]),
        "to": day(row["last"]),
        "leads": row["len"],
        "predicted": None if row["unseen"] else row["p"],
        "observed": share_of(row["y"], row["len"]),
        "verdict": verdict,
    }


def day(moment: datetime) -> str:
    """Formats a day."""
    return moment.replace(tzinfo=UTC).date().isoformat()

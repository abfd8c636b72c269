"""Leads whose outcomes are mature, by month and week of their score: did what was predicted happen?"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec

from leadscoring.ledger.judged import Judged
from leadscoring.model.card import TIERS
from leadscoring.quality import cells
from leadscoring.quality.cells import Cell, Promised
from leadscoring.quality.daily import EPOCH_DAY
from leadscoring.quality.delays import Delays
from leadscoring.quality.figure import Figure
from leadscoring.quality.proportion import Compared, share_of, verdicts

Silence = Literal["lost", "unknown"]
"""What a mature lead without an outcome counts as (OUTCOME_SILENCE)."""

ENOUGH = 500
"""The minimum number of mature leads of a verdict."""

ENOUGH_MONTH = 50
"""The minimum number of mature leads of a month, week or tier with a verdict."""


class TierCohort(msgspec.Struct, frozen=True):
    """The mature leads of one tier; ``known`` is the share of them that have an outcome."""

    tier: str
    leads: int
    predicted: float
    observed: Figure
    known: float
    verdict: Compared | None


class Cohort(msgspec.Struct, frozen=True):
    """The mature leads of one period of scores; figures are ``None`` where they need leads of both outcomes.

    ``perfect_calibration_error`` and the other figures of ``promised`` are what these very probabilities would show on
    average if each of them is right.
    """

    start: str
    leads: int
    won: int
    known: float
    predicted: float
    observed: Figure
    verdict: Compared | None
    roc_auc: Figure | None
    log_loss: Figure | None
    calibration_error: float | None
    lift: Figure | None
    promised: Promised | None
    tiers: tuple[TierCohort, ...]


class Week(msgspec.Struct, frozen=True):
    """The leads scored in one week, the share that converted so far, and what to expect in the end.

    ``mature`` says that all of them have been waited for; younger weeks are never judged. ``in_the_end`` is the share
    so far plus the chances of those still open; ``None`` without delays.
    """

    start: str
    leads: int
    predicted: float
    so_far: Figure
    mature: bool
    in_the_end: float | None


def converted(one: Judged, horizon: int) -> bool:
    """Whether leads count as converted: won within the horizon."""
    return one.kind == "won" and one.after is not None and one.after <= horizon


def mature(leads: Iterable[Judged], horizon: int, today: int, silence: Silence) -> list[Judged]:
    """Returns the leads whose horizon is over; those without an outcome are left out if silence means nothing.

    An early loss does not make a lead mature: else the leads of young days would be those that were lost.
    """
    return [one for one in leads if is_mature(one, horizon, today, silence)]


def is_mature(one: Judged, horizon: int, today: int, silence: Silence) -> bool:
    """Whether leads are judged: their horizon is over, and they have an outcome or silence means one."""
    return one.day + horizon < today and (silence == "lost" or one.kind != "open")


def counted(leads: Iterable[Judged], horizon: int) -> list[Cell]:
    """Counts leads in cells, the best first."""
    return cells.ranked(
        [Cell(one.probability, one.leads, one.leads * converted(one, horizon)) for one in leads if one.leads]
    )


def by_month(leads: Sequence[Judged], horizon: int) -> list[Cohort]:
    """Measures mature leads by calendar month of their score, the earliest first."""
    return measured(leads, horizon, lambda day: day_of(day).strftime("%Y-%m"))


def overall(leads: Sequence[Judged], horizon: int) -> Cohort | None:
    """Measures all mature leads together; ``None`` without any."""
    first = min((one.day for one in leads), default=0)
    return next(iter(measured(leads, horizon, lambda _day: day_of(first).isoformat(), ENOUGH)), None)


def measured(
    leads: Sequence[Judged], horizon: int, start: Callable[[int], str], enough: int = ENOUGH_MONTH
) -> list[Cohort]:
    """Measures mature leads by period; of all periods together, one verdict in twenty may be wrong."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in leads:
        groups[start(one.day)].append(one)
    sums = {name: cells.totals(counted(group, horizon)) for name, group in groups.items()}
    judged = [name for name in sums if sums[name][0] >= enough]
    said = verdicts([(won, count, expected / count) for count, expected, won in map(sums.__getitem__, judged)])
    found = dict(zip(judged, said, strict=True))
    return [cohort(name, group, horizon, found.get(name)) for name, group in sorted(groups.items())]


def cohort(start: str, leads: Sequence[Judged], horizon: int, verdict: Compared | None) -> Cohort:
    """Measures the leads of one period."""
    ordered = counted(leads, horizon)
    count, expected, won = cells.totals(ordered)
    both = 0 < won < count
    return Cohort(
        start=start,
        leads=round(count),
        won=round(won),
        known=known(leads),
        predicted=expected / count,
        observed=share_of(won, count),
        verdict=verdict,
        roc_auc=cells.roc_auc(ordered) if both else None,
        log_loss=cells.log_loss(ordered) if both else None,
        calibration_error=cells.calibration_error(ordered) if both else None,
        lift=cells.lift(ordered) if both else None,
        promised=cells.promised(ordered) if both else None,
        tiers=by_tier(leads, horizon),
    )


def known(leads: Iterable[Judged]) -> float:
    """Returns the share of leads that have an outcome."""
    counts = [(one.leads, one.leads * (one.kind != "open")) for one in leads]
    return sum(known for _, known in counts) / sum(count for count, _ in counts)


def by_tier(leads: Sequence[Judged], horizon: int) -> tuple[TierCohort, ...]:
    """Measures the tiers that have leads; of all verdicts together, one set in twenty may have a wrong one."""
    groups = {tier: group for tier in TIERS if (group := [one for one in leads if one.tier == tier])}
    sums = {tier: cells.totals(counted(group, horizon)) for tier, group in groups.items()}
    judged = [tier for tier in sums if sums[tier][0] >= ENOUGH_MONTH]
    said = verdicts([(won, count, expected / count) for count, expected, won in map(sums.__getitem__, judged)])
    found = dict(zip(judged, said, strict=True))
    return tuple(
        TierCohort(
            tier=tier,
            leads=round(sums[tier][0]),
            predicted=sums[tier][1] / sums[tier][0],
            observed=share_of(sums[tier][2], sums[tier][0]),
            known=known(group),
            verdict=found.get(tier),
        )
        for tier, group in groups.items()
    )


def by_week(leads: Iterable[Judged], horizon: int, today: int, silence: Silence, delays: Delays | None) -> list[Week]:
    """Returns the leads by week of their score, mature or not, the earliest first; weeks begin on Monday."""
    groups: dict[int, list[Judged]] = defaultdict(list)
    for one in leads:
        groups[one.day - day_of(one.day).weekday()].append(one)
    found = [week(monday, group, horizon, today, silence, delays) for monday, group in sorted(groups.items())]
    return [one for one in found if one.leads]


def week(
    monday: int, leads: Sequence[Judged], horizon: int, today: int, silence: Silence, delays: Delays | None
) -> Week:
    """Measures one week."""
    is_mature = monday + 6 + horizon < today
    counting = mature(leads, horizon, today, silence) if is_mature else leads
    count, expected, won = cells.totals(counted(counting, horizon))
    rest = None if delays is None else sum(one.leads * to_come(one, horizon, today, delays) for one in leads)
    return Week(
        start=day_of(monday).isoformat(),
        leads=round(count),
        predicted=expected / count if count else 0.0,
        so_far=share_of(won, count),
        mature=is_mature,
        in_the_end=None if rest is None or is_mature or not count else (won + rest) / count,
    )


def to_come(one: Judged, horizon: int, today: int, delays: Delays) -> float:
    """Returns the chance that a lead still converts; lost leads may, as long as their horizon is not over."""
    if converted(one, horizon) or one.day + horizon < today:
        return 0.0
    within = delays.before(today - one.day)
    return one.probability * (1.0 - within) / (1.0 - one.probability * within)


def day_of(day: int) -> date:
    """Returns a day, given as days since 1970."""
    return EPOCH_DAY + timedelta(days=day)

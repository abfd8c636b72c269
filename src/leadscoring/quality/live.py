"""Live quality as one value: what was predicted, what happened, and what can be said of it so far."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from leadscoring.ledger.judged import Judged
from leadscoring.quality.cohorts import (
    ENOUGH,
    Cohort,
    Silence,
    Week,
    by_month,
    by_week,
    day_of,
    mature,
    overall,
)
from leadscoring.quality.daily import EPOCH_DAY, Day, days
from leadscoring.quality.delays import WINDOW, Delays, delays
from leadscoring.quality.evidence import PERIOD, Alarm, Evidence, Expected, alarm, evidence
from leadscoring.quality.groups import Groups, Key, Sums, where_off
from leadscoring.quality.proportion import Compared

SHOWN_WEEKS = 26
SHOWN_DAYS = 200

Verdict = Literal["too few"] | Compared


class AlarmInfo(msgspec.Struct, frozen=True):
    """An alarm that stands."""

    since: str
    evidence: float
    direction: str
    says: str


class DayInfo(msgspec.Struct, frozen=True):
    """One day: conversions expected and observed on it, and the evidence at its end."""

    day: str
    expected: float
    observed: int
    evidence: float


class DelayInfo(msgspec.Struct, frozen=True):
    """How long conversions take: the age in days by which half and nine tenths have come, and the shares by age."""

    conversions: int
    half_after: int
    most_after: int
    shares: tuple[float, ...]


class ModelName(msgspec.Struct, frozen=True):
    """The model that is judged."""

    name: str
    version: str
    sha256: str


class Live(msgspec.Struct, frozen=True):
    """The live quality of one model.

    ``verdict`` is that on all mature leads; until there are enough of them, ``verdict_from`` is the day of the first
    one, if the leads for it have been scored. ``expected`` and ``observed`` are sums of the ``evidence``'s period.
    ``training`` has the figures of the model's rehearsal, as its card has them. ``groups`` are ``None`` for a model
    without flags or categories.
    """

    at: str
    model: ModelName | None
    outcome_days: int
    outcome_silence: Silence
    leads: int
    mature: int
    verdict: Verdict
    verdict_from: str | None
    alarm: AlarmInfo | None
    evidence: float | None
    expected: float | None
    observed: int | None
    overall: Cohort | None
    months: tuple[Cohort, ...]
    weeks: tuple[Week, ...]
    days: tuple[DayInfo, ...]
    delays: DelayInfo | None
    groups: Groups | None
    training: dict[str, Any]


class Facts(msgspec.Struct, frozen=True):
    """What live quality is computed from; ``names`` and ``training`` are by the number of a model.

    ``groups`` are those of the model that is judged.
    """

    judged: Sequence[Judged]
    names: Mapping[int, ModelName]
    training: Mapping[int, dict[str, Any]]
    outcome_days: int
    outcome_silence: Silence
    groups: Mapping[Key, Sums] | None = None


class Computed(msgspec.Struct, frozen=True):
    """The live quality, the number of its model, and all sums by day, of every model."""

    live: Live
    model: int | None
    days: Sequence[Day]


def live(facts: Facts, now: datetime) -> Computed:
    """Computes the live quality of the model that scored new leads last, as of a moment; no day after it counts."""
    today = day_at(now)
    every = [one for one in known_at(facts.judged, today) if one.model in facts.names]
    model = latest_model(every)
    sums = days(every, facts.outcome_days, today - 1)
    leads = [one for one in every if one.model == model]
    ready = mature(leads, facts.outcome_days, today, facts.outcome_silence)
    of = delays_now(every, facts.outcome_days, today)
    found = evidence(expected_of(sums, model))
    total = overall(ready, facts.outcome_days)
    weeks = by_week(leads, facts.outcome_days, today, facts.outcome_silence, of)
    last = found[-1] if found else None
    count = sum(one.leads for one in ready)
    report = Live(
        at=now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        model=None if model is None else facts.names[model],
        outcome_days=facts.outcome_days,
        outcome_silence=facts.outcome_silence,
        leads=sum(one.leads for one in leads),
        mature=count,
        verdict=verdict_of(total, count),
        verdict_from=None if count >= ENOUGH else first_verdict(leads, facts.outcome_days),
        alarm=told(alarm(found, today)),
        evidence=None if last is None else last.value,
        expected=None if last is None else last.expected,
        observed=None if last is None else last.observed,
        overall=total,
        months=tuple(by_month(ready, facts.outcome_days)),
        weeks=tuple(weeks[-SHOWN_WEEKS:]),
        days=tuple(shown(found)),
        delays=described(of),
        groups=where_off(facts.groups, of, [one.day for one in found], today) if facts.groups else None,
        training=dict(facts.training.get(model, {})) if model is not None else {},
    )
    return Computed(report, model, sums)


def day_at(now: datetime) -> int:
    """Returns the day of a moment, as days since 1970."""
    return (now.astimezone(UTC).date() - EPOCH_DAY).days


def known_at(leads: Iterable[Judged], today: int) -> list[Judged]:
    """Returns leads as they were known at the start of a day: without later scores, and open until their outcome."""
    return [
        msgspec.structs.replace(one, kind="open", after=None)
        if one.after is not None and one.day + one.after >= today
        else one
        for one in leads
        if one.day < today
    ]


def latest_model(leads: Iterable[Judged]) -> int | None:
    """Returns the model that scored new leads on the latest day, most of them if there are several."""
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for one in leads:
        counts[one.day, one.model] += one.leads
    latest = max((day for day, _ in counts), default=0)
    return max((of for of in counts if of[0] == latest), key=counts.__getitem__, default=(0, None))[1]


def expected_of(sums: Iterable[Day], model: int | None) -> list[Expected]:
    """Returns the conversions of a model by day, over its tiers; days without an expectation are left out."""
    expected: dict[int, float] = defaultdict(float)
    observed: dict[int, int] = defaultdict(int)
    for one in sums:
        if one.model == model and one.expected is not None:
            expected[one.day] += one.expected
            observed[one.day] += one.won
    return [Expected(day, expected[day], observed[day]) for day in sorted(expected)]


def delays_now(leads: Iterable[Judged], horizon: int, today: int) -> Delays | None:
    """Estimates delays from the leads that were scored in the last days, up to today."""
    converted, at_risk = [0.0] * (horizon + 1), [0.0] * (horizon + 1)
    for one in leads:
        if one.day < today - max(WINDOW, horizon + 1):
            continue
        won = one.kind == "won" and one.after is not None and one.after <= horizon
        ends = one.after if won and one.after is not None else min(horizon, today - 1 - one.day)
        for age in range(ends + 1):
            at_risk[age] += one.leads
        converted[ends] += one.leads * won
    return delays(converted, at_risk)


def verdict_of(total: Cohort | None, count: int) -> Verdict:
    """Returns the verdict on all mature leads."""
    if total is None or count < ENOUGH or total.verdict is None:
        return "too few"
    return total.verdict


def first_verdict(leads: Iterable[Judged], horizon: int) -> str | None:
    """Returns the day from which enough leads are mature; ``None`` if they have not been scored yet."""
    count = 0
    for one in sorted(leads, key=lambda of: of.day):
        count += one.leads
        if count >= ENOUGH:
            return day_of(one.day + horizon + 1).isoformat()
    return None


def told(standing: Alarm | None) -> AlarmInfo | None:
    """Returns an alarm with its day as text."""
    if standing is None:
        return None
    return AlarmInfo(day_of(standing.since).isoformat(), standing.value, standing.direction, standing.says)


def shown(found: Sequence[Evidence]) -> Iterable[DayInfo]:
    """Returns the last days, each with its own conversions."""
    for place in range(max(0, len(found) - SHOWN_DAYS), len(found)):
        one, before = found[place], found[place - 1]
        expected, observed = (before.expected, before.observed) if place % PERIOD else (0.0, 0)
        yield DayInfo(
            (EPOCH_DAY + timedelta(days=one.day)).isoformat(),
            one.expected - expected,
            one.observed - observed,
            one.value,
        )


def described(of: Delays | None) -> DelayInfo | None:
    """Returns delays with the ages by which half and nine tenths of the conversions have come."""
    if of is None:
        return None
    half, most = (next(age for age, share in enumerate(of.shares) if share >= part) for part in (0.5, 0.9))
    return DelayInfo(of.conversions, half, most, of.shares)

"""A team's leads as they come: scored, scored again each week, won and lost late, as events whose truth is known.

What a live system sees is made from two things that it does not see: the true probability of each lead, and a course of
changes. Only the standard library is needed.
"""

import heapq
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from leadscoring.demo.leads import DemoLead, Values, demo_leads

START = datetime(2026, 1, 1, tzinfo=UTC)
HORIZON = 90
"""Days within which every conversion comes."""

MEDIAN_DAYS, SPREAD = 20.0, 0.9
"""Delays of conversions are log-normal: their median, and the deviation of their logarithm."""

LOST = 0.6
"""Share of the other leads that sales reports as lost; the rest is never heard of."""

REOPENED = 0.02
"""Share of lost leads that are opened again, and then never heard of."""

CHANGED = 0.05
"""Share of leads in which something has changed when they are scored again."""

COUNTS = ("website_visits_30d", "page_views_30d", "total_touchpoints", "emails_received")
"""What changes: one of these counts grows by one."""

Name = Literal["course", "scored", "outcome"]


class Change(NamedTuple):
    """From a share of all days on, the odds of converting are multiplied, of all leads or of those with a flag."""

    after: float
    odds: float
    flag: str = ""

    def at(self, days: int) -> int:
        """The number of the first day."""
        return round(self.after * days)


CHANGES = (Change(0.5, 0.5), Change(0.75, 0.25, "paid_channel_source"))
"""The rate of all leads halves after half of the days; one source goes bad after three quarters."""


class Event(NamedTuple):
    """What happens at a moment; ``fields`` are those of the event besides its name and its moment."""

    at: datetime
    name: Name
    fields: dict[str, Any]

    def plain(self) -> dict[str, Any]:
        """The event as a line of JSON has it."""
        return {"event": self.name, "at": moment(self.at), **self.fields}


def moment(at: datetime) -> str:
    """A moment in ISO 8601, in UTC."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def live_events(
    days: int, per_day: int, seed: int = 1, *, rescore_days: int = 7, changes: tuple[Change, ...] = CHANGES
) -> Iterator[Event]:
    """Generates all events of so many days in the order of their times, the same for the same arguments.

    The first describes the course: how many leads, and what changes on which day. Each lead is scored when it comes,
    and every ``rescore_days`` (0: never) at night while its outcome is open; ``scored`` has its features and the true
    probability, from which its outcome was drawn when it came. Outcomes after the last day are not there.
    """
    rng = random.Random(seed)  # noqa: S311 - synthetic leads must be repeatable, not secret
    end = START + timedelta(days=days)
    yield Event(START, "course", course(days, per_day, seed, changes))
    waiting: list[tuple[datetime, int, Event]] = []
    for number, lead in enumerate(demo_leads(days * per_day, seed)):
        day, place = divmod(number, per_day)
        comes = START + timedelta(days=day, seconds=int(86_400 * (place + 0.5) / per_day))
        while waiting and waiting[0][0] <= comes:
            yield heapq.heappop(waiting)[2]
        for order, event in enumerate(events_of(lead, comes, day / days, rng, rescore_days, changes)):
            if event.at < end:
                heapq.heappush(waiting, (event.at, number * 1000 + order, event))
    while waiting:
        yield heapq.heappop(waiting)[2]


def course(days: int, per_day: int, seed: int, changes: tuple[Change, ...]) -> dict[str, Any]:
    """Describes what happens, for those who check what a system says of it."""
    told = [
        {"at": moment(START + timedelta(days=one.at(days))), "odds": one.odds, "among": one.flag or None}
        for one in changes
    ]
    return {"days": days, "leads_per_day": per_day, "seed": seed, "horizon_days": HORIZON, "changes": told}


def events_of(
    lead: DemoLead, comes: datetime, passed: float, rng: random.Random, rescore_days: int, changes: tuple[Change, ...]
) -> list[Event]:
    """Returns everything that happens to one lead, in the order of time."""
    probability = changed(lead.probability, lead.features, passed, changes)
    outcomes = outcomes_of(lead.lead_id, comes, rng.random() < probability, rng)
    decided = outcomes[0].at if outcomes else comes + timedelta(days=HORIZON)
    found, features, at = [scored(lead.lead_id, comes, lead.features, probability)], dict(lead.features), comes
    while rescore_days:
        night = (at + timedelta(days=rescore_days)).replace(hour=2, minute=0, second=0)
        if night >= decided:
            break
        if rng.random() < CHANGED:
            name = rng.choice(COUNTS)
            features = {**features, name: (features[name] or 0) + 1}
        found.append(scored(lead.lead_id, night, features, probability))
        at = night
    return sorted(found + outcomes, key=lambda one: one.at)


def changed(probability: float, features: Values, passed: float, changes: tuple[Change, ...]) -> float:
    """Returns the true probability of a lead that comes after this share of the days."""
    odds = probability / (1.0 - probability)
    for one in changes:
        if passed >= one.after and (not one.flag or features.get(one.flag)):
            odds *= one.odds
    return odds / (1.0 + odds)


def scored(lead_id: str, at: datetime, features: Values, probability: float) -> Event:
    """A lead is scored."""
    return Event(at, "scored", {"lead_id": lead_id, "features": features, "true_probability": probability})


def outcomes_of(lead_id: str, comes: datetime, converts: bool, rng: random.Random) -> list[Event]:
    """Returns what sales reports of a lead."""
    if converts:
        return [outcome(lead_id, comes + timedelta(days=delay(rng)), "won")]
    lost_at = comes + timedelta(days=rng.uniform(3.0, 80.0))
    if rng.random() >= LOST:
        return []
    reported = [outcome(lead_id, lost_at, "lost")]
    if rng.random() < REOPENED:
        reported.append(outcome(lead_id, lost_at + timedelta(days=rng.uniform(1.0, 20.0)), "open"))
    return reported


def outcome(lead_id: str, at: datetime, kind: str) -> Event:
    """The outcome of a lead, as ``POST /api/v1/outcomes`` takes it."""
    return Event(at.replace(microsecond=0), "outcome", {"lead_id": lead_id, "outcome": kind})


def delay(rng: random.Random) -> float:
    """Draws the days until a conversion, within the horizon."""
    while True:
        days = math.exp(math.log(MEDIAN_DAYS) + rng.gauss(0.0, SPREAD))
        if days < HORIZON:
            return days

"""The conversions to expect each day, without waiting until outcomes are mature, beside those that came."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from math import floor, log

import msgspec

from leadscoring.ledger.judged import Judged
from leadscoring.quality.delays import Ages, Delays

EPOCH_DAY = date(1970, 1, 1)

CELL = 0.05
"""Leads of a day whose log-odds differ by less count as equal: their chances differ by 5 % of themselves at most."""

EDGE = 1e-9


class Day(msgspec.Struct, frozen=True):
    """One day, model and tier: leads first scored on it, conversions expected and observed on it, and losses.

    ``expected`` is the sum of the chances of all open leads to convert on this day, ``variance`` that of
    chance x (1 - chance); both are ``None`` while too little is known of delays.
    """

    day: int
    model: int
    tier: str
    leads: int
    expected: float | None
    variance: float | None
    won: int
    lost: int


class Cell(msgspec.Struct):
    """Open leads of one day of scores, model and tier with nearly the same probability."""

    model: int
    tier: str
    leads: float = 0.0
    sum: float = 0.0
    converts: dict[int, float] = msgspec.field(default_factory=lambda: defaultdict(float))

    def close(self, age: int, delays: Delays | None, sums: "Sums") -> tuple[float, float]:
        """Adds the chances and conversions at an age; returns the leads at risk, and those that converted."""
        at_risk = self.leads
        if delays is not None and at_risk:
            chance = delays.hazard(self.sum / at_risk, age)
            sums.expected += at_risk * chance
            sums.variance += at_risk * chance * (1.0 - chance)
        won = self.converts.pop(age, 0.0)
        sums.won += round(won)
        if won:
            self.sum *= (at_risk - won) / at_risk
            self.leads -= won
        return at_risk, won


class Sums(msgspec.Struct):
    """The sums of one day, model and tier."""

    leads: int = 0
    expected: float = 0.0
    variance: float = 0.0
    won: int = 0
    lost: int = 0


def days(leads: Iterable[Judged], horizon: int, until: int) -> list[Day]:
    """Computes every day from the first score to ``until``, the last day that is over, both included.

    ``horizon`` is the number of days within which a conversion counts (OUTCOME_DAYS). The delays of a day are estimated
    from the days before it, over all models: they belong to the sales team.
    """
    cohorts, lost, first = gathered(leads, horizon)
    ages = Ages(horizon)
    every: list[Day] = []
    for day in range(first if cohorts else until + 1, until + 1):
        delays, counts, sums = ages.delays(), [], defaultdict[tuple[int, str], Sums](Sums)
        for scored in range(max(first, day - horizon), day + 1):
            at_risk = won = 0.0
            for cell in cohorts.get(scored, ()):
                of = sums[cell.model, cell.tier]
                of.leads += round(cell.leads) if scored == day else 0
                leads_open, converted = cell.close(day - scored, delays, of)
                at_risk, won = at_risk + leads_open, won + converted
            counts.append((scored, at_risk, won))
        ages.close(day, counts)
        for (model, tier), losses in lost.get(day, {}).items():
            sums[model, tier].lost += losses
        every += [one_day(day, model, tier, of, delays) for (model, tier), of in sorted(sums.items())]
    return every


def one_day(day: int, model: int, tier: str, of: Sums, delays: Delays | None) -> Day:
    """Returns the sums as a day; without delays nothing is expected."""
    expected, variance = (of.expected, of.variance) if delays is not None else (None, None)
    return Day(day, model, tier, of.leads, expected, variance, of.won, of.lost)


def gathered(
    leads: Iterable[Judged], horizon: int
) -> tuple[dict[int, list[Cell]], dict[int, dict[tuple[int, str], int]], int]:
    """Gathers leads in cells by day of score, losses by the day on which they came, and the first day of all."""
    cells: dict[tuple[int, int, str, int], Cell] = {}
    lost: dict[int, dict[tuple[int, str], int]] = defaultdict(lambda: defaultdict(int))
    for one in leads:
        key = (one.day, one.model, one.tier, place(one.probability))
        cell = cells.setdefault(key, Cell(one.model, one.tier))
        cell.leads += one.leads
        cell.sum += one.leads * one.probability
        if one.kind == "won" and one.after is not None and one.after <= horizon:
            cell.converts[one.after] += one.leads
        elif one.kind == "lost" and one.after is not None:
            lost[one.day + one.after][one.model, one.tier] += one.leads
    cohorts: dict[int, list[Cell]] = {}
    for (day, *_), cell in sorted(cells.items()):
        cohorts.setdefault(day, []).append(cell)
    return cohorts, lost, min(cohorts, default=0)


def place(probability: float) -> int:
    """Returns the number of the cell of a probability."""
    share = min(1.0 - EDGE, max(EDGE, probability))
    return floor(log(share / (1.0 - share)) / CELL)

"""Simulates the daily evidence of live quality: how often it is wrong, and how soon it sees what is wrong.

Leads come each day, convert with late outcomes, and are judged with delays that are estimated from the same leads, by
the functions of the service; only the sums over leads are computed as arrays.
"""

import argparse
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.leads import demo_leads
from leadscoring.quality.cohorts import ENOUGH_MONTH
from leadscoring.quality.delays import WINDOW, delays
from leadscoring.quality.evidence import ALARM, PERIOD, Expected, alarm, evidence
from leadscoring.quality.groups import ALARM_EACH

Vector = npt.NDArray[np.float64]

HORIZON, PER_DAY, LEVELS = 90, 50, 12
YEARS = 2
SOURCE = "paid_channel_source"
BURN_IN = HORIZON + 2
STARTS = (0, 30, 60, 90)
"""Days of a period after which the odds change."""

FALSE_ALARMS = 0.05
"""The largest share of runs of two years with nothing wrong that may have an alarm."""

SEEN_WITHIN = 40
"""Days within which doubled odds are to be seen in nine of ten runs, whenever in a period they begin."""


def true_shares() -> Vector:
    """The share of eventual conversions at each age: log-normal with a median of 20 days, within the horizon."""
    draws = np.exp(np.log(20.0) + 0.9 * np.random.default_rng(0).standard_normal(1_000_000))
    counts = np.bincount(draws[draws < HORIZON].astype(np.int64), minlength=HORIZON + 1)
    shares: Vector = counts / counts.sum()
    return shares


def probabilities() -> Vector:
    """Equal shares of the leads have each of these probabilities."""
    spread = np.quantile(np.random.default_rng(0).normal(-2.3, 1.1, 200_000), (np.arange(LEVELS) + 0.5) / LEVELS)
    return 1.0 / (1.0 + np.exp(-spread))


SHARES, P = true_shares(), probabilities()


def by_day(values: Vector) -> Vector:
    """Moves what happened at an age of a day of scores, shape (days, ages, ...), to the day on which it happened."""
    moved = np.zeros_like(values)
    for age in range(values.shape[1]):
        moved[age:, age] = values[: len(values) - age, age]
    return moved


def course(random: np.random.Generator, days: int, changes: int | None = None, odds: float = 2.0) -> Iterator[Expected]:
    """Simulates days of leads; from a day of scores on, the odds of converting are multiplied."""
    true = np.tile(P, (days, 1))
    if changes is not None:
        true[changes:] = true[changes:] * odds / (1.0 - true[changes:] + true[changes:] * odds)
    still = random.poisson(PER_DAY / LEVELS, (days, LEVELS))
    won, at_risk = np.zeros((days, HORIZON + 1, LEVELS)), np.zeros((days, HORIZON + 1, LEVELS))
    before = 0.0
    for age, share in enumerate(SHARES):
        at_risk[:, age] = still
        converted = random.binomial(still, np.minimum(1.0, true * share / (1.0 - true * before)))
        won[:, age], still, before = converted, still - converted, before + share
    happened, open_leads = by_day(won).sum(axis=2), by_day(at_risk)
    sums = np.cumsum(happened, axis=0), np.cumsum(open_leads.sum(axis=2), axis=0)
    ages = np.arange(HORIZON + 1)
    for day in range(BURN_IN, days):
        gone = day - WINDOW + ages - 1
        counts = [total[day - 1] - np.where(gone >= 0, total[np.maximum(gone, 0), ages], 0.0) for total in sums]
        of = delays(counts[0].tolist(), counts[1].tolist())
        if of is None:
            continue
        within = np.array(of.shares)
        earlier = np.r_[0.0, within[:-1]]
        chances = P * (within - earlier)[:, None] / (1.0 - P * earlier[:, None])
        yield Expected(day, float((open_leads[day] * chances).sum()), int(happened[day].sum()))


def alarms(runs: int, seed: int = 1) -> int:
    """Counts the runs of two years with an alarm although nothing is wrong."""
    random, days = np.random.default_rng(seed), BURN_IN + 365 * YEARS
    return sum(any(one.value >= ALARM for one in evidence(course(random, days))) for _ in range(runs))


def days_until(runs: int, start: int, seed: int = 2, odds: float = 2.0) -> list[int]:
    """Returns for each run the days from a change on until an alarm stands; 150 if none does within them."""
    random, changes = np.random.default_rng(seed), BURN_IN + PERIOD + start
    found = []
    for _ in range(runs):
        every = [one for one in evidence(course(random, changes + 150, changes, odds)) if one.day >= changes]
        found.append(next((one.day - changes for one in every if alarm([one], one.day)), 150))
    return found


class Team:
    """Leads of the demo by day, with the groups that each is in, shape (leads, groups)."""

    def __init__(self, days: int, source: str = SOURCE) -> None:
        leads = list(demo_leads(days * PER_DAY, 3))
        flags = [feature.name for feature in CONTRACT.features if feature.kind == "flag"]
        values = {name: np.array([lead.features[name] for lead in leads], dtype=np.float64) for name in flags}
        groups = [
            (name, which, members)
            for name in flags
            for which, members in (
                ("no", values[name] == 0.0), ("yes", values[name] == 1.0), ("missing", np.isnan(values[name])),
            )
            if members.sum() >= ENOUGH_MONTH
        ]  # fmt: skip
        self.probabilities = np.array([lead.probability for lead in leads])
        self.day = np.repeat(np.arange(days), PER_DAY)
        self.members = np.array([members for *_, members in groups], dtype=np.float64).T
        self.source = next(place for place, (name, which, _) in enumerate(groups) if (name, which) == (source, "yes"))
        chances = self.by_day(self.day, self.probabilities)
        self.expected = np.zeros_like(chances)
        for age, share in enumerate(SHARES):
            self.expected[age:] += share * chances[: days - age]

    def by_day(self, day: npt.NDArray[np.int64], values: Vector, of: slice | Vector = slice(None)) -> Vector:
        """Sums values of leads, those of ``of``, by day and group."""
        sums = np.zeros((len(self.day) // PER_DAY, self.members.shape[1]))
        np.add.at(sums, day, values[:, None] * self.members[of])
        return sums

    def evidence(self, random: np.random.Generator, odds: Vector) -> list[list[float]]:
        """Draws outcomes and returns the evidence of each group by day; odds of leads are multiplied."""
        ratio = odds * self.probabilities / (1.0 - self.probabilities)
        won = np.flatnonzero(random.random(len(ratio)) < ratio / (1.0 + ratio))
        came = self.day[won] + random.choice(len(SHARES), size=len(won), p=SHARES)
        known = came <= self.day[-1]
        observed = self.by_day(came[known], np.ones(known.sum()), won[known])
        return [
            [
                one.value
                for one in evidence(Expected(day, expected[day], int(count[day])) for day in range(BURN_IN, len(count)))
            ]
            for expected, count in zip(self.expected.T.tolist(), observed.T.tolist(), strict=True)
        ]


def groups(runs: int, seed: int = 4) -> tuple[int, list[int], int]:
    """Simulates the evidence of groups.

    Returns in how many runs of two years with nothing wrong any group is off; the days until a source is, a third of
    all leads, whose odds are a quarter; and in how many of these runs it is then the group with the most evidence.
    """
    random, team = np.random.default_rng(seed), Team(BURN_IN + 365 * YEARS)
    least = ALARM_EACH * team.members.shape[1]
    steady = np.ones(len(team.day))
    wrong = sum(max(map(max, team.evidence(random, steady))) >= least for _ in range(runs))
    changes, seen, first = BURN_IN + PERIOD + STARTS[1], [], 0
    bad = np.where((team.day >= changes) & (team.members[:, team.source] > 0.0), 0.25, 1.0)
    for _ in range(max(10, runs // 4)):
        found = team.evidence(random, bad)
        after = [values[changes - BURN_IN :] for values in found]
        day = next((day for day, value in enumerate(after[team.source]) if value >= least), len(after[0]) - 1)
        seen.append(day)
        first += max(values[day] for values in after) == after[team.source][day]
    return wrong, seen, first


def main() -> int:
    """Prints both tables; returns 1 if there are more false alarms, or changes are seen later, than they may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    wrong, every = alarms(runs), list[int]()
    holds = wrong <= FALSE_ALARMS * runs
    print(f"{runs} runs of {YEARS} years with nothing wrong, {PER_DAY} leads a day: {wrong / runs:.1%} with an alarm")
    for start in STARTS:
        found = days_until(max(10, runs // 4), start)
        every += found
        median, most = np.percentile(found, [50, 90])
        print(f"odds doubled {start} days into a period: seen after {median:.0f} days, 9 in 10 after {most:.0f}")
    holds = holds and float(np.percentile(every, 90)) <= SEEN_WITHIN
    fallen = days_until(max(10, runs // 8), STARTS[1], odds=0.25)
    median, most = np.percentile(fallen, [50, 90])
    print(f"odds of all leads a quarter: seen after {median:.0f} days, 9 in 10 after {most:.0f}")
    wrong, found, first = groups(runs)
    median, most = np.percentile(found, [50, 90])
    print(f"groups: {wrong / runs:.1%} of the runs with nothing wrong have any that is off")
    print(
        f"a source gone bad: named after {median:.0f} days, 9 in 10 after {most:.0f}; first in {first} of {len(found)}"
    )
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())

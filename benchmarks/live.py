"""Simulates the daily evidence of live quality: how often it is wrong, and how soon it sees what is wrong.

Leads come each day, convert with late outcomes, and are judged with delays that are estimated from the same leads, by
the functions of the service; only the sums over leads are computed as arrays.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from leadscoring.quality.delays import WINDOW, delays
from leadscoring.quality.evidence import ALARM, PERIOD, Expected, alarm, evidence

Vector = npt.NDArray[np.float64]

HORIZON, PER_DAY, LEVELS = 90, 50, 12
YEARS = 2
BURN_IN = HORIZON + 2
STARTS = (0, 30, 60, 90)
"""Days of a period after which the odds change."""


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


def days_until(runs: int, start: int, seed: int = 2) -> list[int]:
    """Returns for each run the days from a change on until an alarm stands; 150 if none does within them."""
    random, changes = np.random.default_rng(seed), BURN_IN + PERIOD + start
    found = []
    for _ in range(runs):
        every = [one for one in evidence(course(random, changes + 150, changes)) if one.day >= changes]
        found.append(next((one.day - changes for one in every if alarm([one], one.day)), 150))
    return found


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    wrong = alarms(runs)
    print(f"{runs} runs of {YEARS} years with nothing wrong, {PER_DAY} leads a day: {wrong / runs:.1%} with an alarm")
    for start in STARTS:
        found = days_until(max(10, runs // 4), start)
        median, most = np.percentile(found, [50, 90])
        print(f"odds doubled {start} days into a period: seen after {median:.0f} days, 9 in 10 after {most:.0f}")


if __name__ == "__main__":
    main()

"""What is expected each day is the sum of the chances of all open leads, one by one."""

import numpy as np
import pytest

from leadscoring.ledger.judged import Judged
from leadscoring.quality.daily import days
from leadscoring.quality.delays import Ages

HORIZON = 15


def simulated(number: int, per_day: int, seed: int) -> list[Judged]:
    """Leads one by one; some are won, some lost before the horizon, some lost and open."""
    random = np.random.default_rng(seed)
    every = []
    for day in range(100, 100 + number):
        for _ in range(per_day):
            p = float(np.round(random.beta(2, 6), 2))
            won, lost = random.random() < p, random.random() < 0.3
            after = int(min(HORIZON, random.geometric(0.2)))
            kind = "won" if won else "lost" if lost else "open"
            every.append(Judged(day, 1, "A" if p > 0.3 else "B", p, 1, kind, None if kind == "open" else after))  # type: ignore[arg-type]  # one of three
    return every


def known_until(leads: list[Judged], until: int) -> list[Judged]:
    """The leads as they are known at the end of a day."""
    seen = [one for one in leads if one.day <= until]
    return [
        one
        if one.after is not None and one.day + one.after <= until
        else Judged(one.day, 1, one.tier, one.probability, 1, "open")
        for one in seen
    ]


def test_a_day_expects_the_sum_of_the_chances_of_open_leads() -> None:
    """Those that were lost included, with the delays of the days before it; cells differ from leads by a thousandth."""
    leads, last = simulated(60, 40, 1), 140
    found = [one for one in days(known_until(leads, last), HORIZON, last) if one.day == last]
    ages = Ages(HORIZON)
    for day in range(100, last):
        counts = []
        for scored in range(max(100, day - HORIZON), day + 1):
            group = [one for one in leads if one.day == scored]
            won = [one.after for one in group if one.kind == "won" and one.after is not None]
            counts.append(
                (
                    scored,
                    len(group) - sum(after < day - scored for after in won),
                    sum(after == day - scored for after in won),
                )
            )
        ages.close(day, counts)
    of = ages.delays()
    assert of is not None
    open_now = [
        one
        for one in leads
        if last - HORIZON <= one.day <= last
        and not (one.kind == "won" and one.after is not None and one.day + one.after < last)
    ]
    chances = [of.hazard(one.probability, last - one.day) for one in open_now]
    assert sum(one.expected or 0.0 for one in found) == pytest.approx(sum(chances), rel=1e-3)
    assert sum(one.variance or 0.0 for one in found) == pytest.approx(sum(h * (1 - h) for h in chances), rel=2e-3)


def test_what_is_expected_comes() -> None:
    """Over many days, as outcomes are drawn with the probabilities."""
    found = days(simulated(300, 30, 2), HORIZON, 399)
    judged = [one for one in found if one.expected is not None]
    expected, won = sum(one.expected or 0.0 for one in judged), sum(one.won for one in judged)
    assert abs(won - expected) < 3.0 * expected**0.5
    assert expected > 1500


def test_every_lead_and_outcome_is_counted_once() -> None:
    """On its own day, in its tier."""
    leads = simulated(60, 20, 3)
    found = days(leads, HORIZON, 400)
    assert sum(one.leads for one in found) == len(leads)
    assert sum(one.won for one in found) == sum(one.kind == "won" for one in leads)
    assert sum(one.lost for one in found) == sum(one.kind == "lost" for one in leads)
    assert {(one.model, one.tier) for one in found} == {(1, "A"), (1, "B")}


def test_late_conversions_are_none() -> None:
    """A lead that is won after the horizon counts as one that was not."""
    found = days(
        [Judged(1, 1, "A", 0.5, 1, "won", HORIZON + 1), Judged(1, 1, "A", 0.5, 1, "won", HORIZON)], HORIZON, 40
    )
    assert sum(one.won for one in found) == 1


def test_nothing_is_expected_while_delays_are_unknown() -> None:
    """Until the first leads are as old as the horizon; without leads there are no days."""
    found = days(simulated(60, 40, 4), HORIZON, 400)
    assert [one.day for one in found if one.expected is None] == sorted([*range(100, 116)] * 2)
    assert days([], HORIZON, 400) == []

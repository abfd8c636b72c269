"""The evidence is rarely wrong, however often anybody looks, and soon there when something is."""

import itertools

import numpy as np
import pytest
from benchmarks.live import alarms, days_until
from benchmarks.live_draws import Draws
from benchmarks.live_year import COURSES, DAYS, MODEL, PER_DAY, SEED, SEEN_WITHIN

from leadscoring.quality.evidence import ALARM, PERIOD, RATES, STANDS, Evidence, Expected, alarm, evidence


def course(expected: float, rate: float, days: int, seed: int, before: int = 0) -> list[Expected]:
    """Days with conversions at a rate, after some days on which all is as expected."""
    random = np.random.default_rng(seed)
    counts = [*random.poisson(expected, before), *random.poisson(rate * expected, days)]
    return [Expected(day, expected, int(count)) for day, count in enumerate(counts)]


def test_a_period_with_nothing_wrong_rarely_alarms() -> None:
    """At most one in a hundred, at a look each day."""
    alarms = sum(max(one.value for one in evidence(course(6.0, 1.0, PERIOD, seed))) >= ALARM for seed in range(600))
    assert alarms <= 12


def test_simulated_years_with_late_outcomes() -> None:
    """Nothing wrong gives no alarm, doubled odds one within 40 days; `make live-simulation` has many more of them."""
    assert alarms(4, seed=1) == 0
    assert sorted(days_until(5, 30, seed=2))[2] <= 40


def test_a_drawn_year_of_the_demo() -> None:
    """No alarm before its odds double, one soon after; `make live-simulation` has a hundred of them."""
    found = Draws(str(MODEL), DAYS, PER_DAY, SEED, COURSES["doubled"]).draw(0)
    assert not found.too_soon
    assert 0 < found.seen <= SEEN_WITHIN["doubled"]


def test_the_evidence_is_fair() -> None:
    """Its mean is 1 where the probabilities are right: exactly, over all counts of a day."""
    counts = range(60)
    chances = [np.exp(-6.0 + k * np.log(6.0) - sum(np.log(range(1, k + 1)))) for k in counts]
    mean = sum(c * evidence([Expected(0, 6.0, k)])[0].value for c, k in zip(chances, counts, strict=True))
    assert mean == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("rate", "direction"), [(0.5, "fewer"), (2.0, "more")])
@pytest.mark.parametrize("before", [0, 30, 60, 95])
def test_a_change_is_seen_on_whatever_day_it_comes(rate: float, direction: str, before: int) -> None:
    """Within 30 days of full effect at 6 expected conversions a day."""
    found = evidence(course(6.0, rate, 30, 4, before))
    assert max(one.value for one in found) >= ALARM
    assert next(one for one in found if one.value >= ALARM).direction == direction


def test_a_new_period_forgets() -> None:
    """Sums begin anew."""
    found = evidence(course(6.0, 1.0, 2 * PERIOD, 1))
    assert found[PERIOD].expected == 6.0
    assert found[PERIOD - 1].expected == pytest.approx(600.0)


def test_the_evidence_is_the_mean_over_rates_and_days() -> None:
    """As it is written down, computed the long way."""
    days = course(2.0, 1.4, 12, 3)
    total = 0.0
    for rate, start in itertools.product(RATES, range(12)):
        observed, expected = sum(day.observed for day in days[start:]), 2.0 * (12 - start)
        total += rate**observed * np.exp(-(rate - 1.0) * expected) / len(RATES) / PERIOD
    assert evidence(days)[-1].value == pytest.approx(total + 1.0 - 12 / PERIOD)


def of_values(values: dict[int, float]) -> list[Evidence]:
    """Evidence of these values by day, for fewer conversions."""
    return [Evidence(day, value, 10.0, 5, "fewer") for day, value in values.items()]


def test_an_alarm_stands_beyond_its_period() -> None:
    """It begins where the evidence was first high, and ends when it has long not been."""
    found = of_values({1: 1.0, 50: 120.0, 60: 300.0, 110: 1.0, 130: 150.0})
    standing = alarm(found, 140)
    assert standing is not None
    assert (standing.since, standing.value, standing.direction) == (50, 300.0, "fewer")
    assert "a lower rate or slower sales" in standing.says
    assert alarm(found, 130 + STANDS) is not None
    assert alarm(found, 131 + STANDS) is None
    assert alarm(of_values({1: 5.0}), 2) is None


def test_two_alarms_far_apart_are_two() -> None:
    """The first one has ended."""
    standing = alarm(of_values({1: 120.0, 2 + STANDS: 130.0}), 110)
    assert standing is not None
    assert standing.since == 2 + STANDS

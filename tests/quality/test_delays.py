"""How long conversions take is known from leads of which many are still open."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.quality.delays import Ages, Delays, delays

HORIZON = 20


def simulated(days: int, per_day: int, seed: int) -> tuple[list[list[int]], list[float]]:
    """Conversions by day of score and age, and the true shares; 30 % of the leads convert."""
    random = np.random.default_rng(seed)
    shares = np.diff(1.0 - 0.85 ** np.arange(HORIZON + 2))
    shares /= shares.sum()
    won = [random.multinomial(random.binomial(per_day, 0.3), shares).tolist() for _ in range(days)]
    return won, np.cumsum(shares).tolist()


def closed(won: list[list[int]], per_day: int, until: int, window: int = 180) -> Ages:
    """The counts after so many days."""
    ages = Ages(HORIZON, window)
    for day in range(until):
        first = max(0, day - HORIZON)
        ages.close(day, [(s, per_day - sum(won[s][: day - s]), won[s][day - s]) for s in range(first, day + 1)])
    return ages


def test_the_shares_are_those_that_conversions_were_drawn_with() -> None:
    """Within sampling error, although the leads of the last days are open."""
    won, truth = simulated(100, 200, 1)
    found = closed(won, 200, 100).delays()
    assert found is not None
    assert found.shares == pytest.approx(truth, abs=0.02)
    assert found.conversions == sum(sum(won[s][: 100 - s]) for s in range(100))


def test_the_estimate_is_that_of_whole_cohorts_where_all_are_mature() -> None:
    """Kaplan and Meier then count shares."""
    won, _ = simulated(60, 100, 2)
    whole = np.sum(won, axis=0)
    at_risk = 6000 - np.r_[0, np.cumsum(whole)[:-1]]
    found = delays(whole.tolist(), at_risk.tolist())
    assert found is not None
    assert found.shares == pytest.approx((np.cumsum(whole) / whole.sum()).tolist())


def test_old_leads_leave_the_window() -> None:
    """What is counted is what the days within it would count alone."""
    won, _ = simulated(80, 50, 3)
    moved = closed(won, 50, 80, window=40)
    alone = Ages(HORIZON, 1000)
    for day in range(80):
        first = max(40, day - HORIZON)
        alone.close(day, [(s, 50 - sum(won[s][: day - s]), won[s][day - s]) for s in range(first, day + 1)])
    assert moved.converted == alone.converted
    assert moved.at_risk == alone.at_risk


def test_too_little_gives_no_estimate() -> None:
    """Few conversions, or no lead that is old enough."""
    assert delays([10.0, 39.0], [100.0, 90.0]) is None
    assert delays([60.0, 0.0], [100.0, 0.0]) is None
    assert Ages(HORIZON).delays() is None


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30), st.floats(0.0, 1.0))
def test_hazards_make_up_the_probability(steps: list[float], probability: float) -> None:
    """A lead that is open at every age converts in the end with the probability that was predicted."""
    total = sum(steps) or 1.0
    shares = np.minimum(1.0, np.cumsum(steps) / total).tolist()
    shares[-1] = 1.0
    still = 1.0
    of = Delays(tuple(shares), 100)
    for age in range(len(steps)):
        still *= 1.0 - of.hazard(probability, age)
    assert 1.0 - still == pytest.approx(probability, abs=1e-9)
    assert of.hazard(probability, len(steps)) == 0.0

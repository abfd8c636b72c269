"""An observed share has an interval, and an alarm is rare where the predictions are right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.quality.proportion import beyond_chance, divergence, share_of, surprise, verdicts


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_share_lies_in_its_interval_which_is_never_a_point(positives: int, more: int) -> None:
    """Even of none, or all, of a few leads."""
    figure = share_of(positives, positives + more)
    assert 0.0 <= figure.low <= figure.value <= figure.high <= 1.0
    assert figure.high - figure.low > 0.0
    assert np.isnan(share_of(0, 0).value)


def test_the_interval_holds_the_truth_in_95_of_100_cases() -> None:
    """For rare conversions of few leads too."""
    for truth, leads in ((0.03, 120), (0.3, 40), (0.5, 1000)):
        counts = np.random.default_rng(0).binomial(leads, truth, 2000)
        inside = [share_of(int(k), leads).low <= truth <= share_of(int(k), leads).high for k in counts]
        assert 0.93 <= np.mean(inside) <= 0.98


@pytest.mark.parametrize(("truth", "leads"), [(0.02, 150), (0.2, 100), (0.5, 2000), (0.97, 300)])
def test_a_surprise_is_as_rare_as_it_says(truth: float, leads: int) -> None:
    """At the small chances that a verdict over many groups needs, where a z-score of rare conversions is not."""
    counts = np.random.default_rng(1).binomial(leads, truth, 40000)
    chances = np.array([surprise(int(k), leads, truth) for k in range(leads + 1)])[counts]
    for level in (0.05, 0.005, 0.001):
        assert (chances < level).mean() <= level * 1.15 + 0.0003


def test_a_surprise_sees_what_is_far_off() -> None:
    """And nothing where there is nothing to compare with."""
    assert surprise(65, 200, 0.2) < 0.001
    assert surprise(40, 200, 0.2) == pytest.approx(1.0, abs=0.1)
    assert surprise(3, 0, 0.2) == surprise(3, 10, 0.0) == surprise(3, 10, 1.0) == 1.0
    assert divergence(0.2, 0.2) == pytest.approx(0.0)


def test_the_more_are_compared_the_more_each_must_be_off() -> None:
    """By Holm's method: the clearest first."""
    assert beyond_chance([0.04]) == [True]
    assert beyond_chance([0.04, 0.9]) == [False, False]
    assert beyond_chance([0.9, 0.001, 0.02]) == [False, True, True]
    assert verdicts([(90, 100, 0.5), (10, 100, 0.5), (50, 100, 0.5)]) == [
        "more than predicted",
        "fewer than predicted",
        "as predicted",
    ]


def test_a_difference_that_no_plan_notices_is_not_off() -> None:
    """However many leads show that it is there; of rare conversions, half of the rate is noticed."""
    assert verdicts([(1_310_000, 10_000_000, 0.129)]) == ["as predicted"]
    assert verdicts([(1_510_000, 10_000_000, 0.129)]) == ["more than predicted"]
    assert verdicts([(70_000, 10_000_000, 0.01)]) == ["as predicted"]
    assert verdicts([(40_000, 10_000_000, 0.01)]) == ["fewer than predicted"]
    assert verdicts([(8_800_000, 10_000_000, 0.91)]) == ["as predicted"]

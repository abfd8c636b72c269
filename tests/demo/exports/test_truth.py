"""The truth: the probability follows from the facts alone, and smoothly."""

from dataclasses import replace

import numpy as np
import pytest

from leadscoring.demo.exports.facts import Facts, draw
from leadscoring.demo.exports.truth import INTERCEPT, SCALE, effects, known, probability

ROWS = 4_000


@pytest.fixture(scope="module")
def facts() -> Facts:
    """Some deals."""
    return draw(np.random.default_rng(5), np.arange(ROWS) / ROWS)


def test_the_effects_add_up_to_the_log_odds(facts: Facts) -> None:
    """Intercept and scaled effects are all that there is."""
    p = probability(facts)
    total = INTERCEPT + SCALE * sum(effects(facts).values())
    assert np.allclose(np.log(p / (1 - p)), total)


def test_no_effect_is_unknown_or_constant(facts: Facts) -> None:
    """Each fact matters, and an unknown one has an effect of its own."""
    for name, effect in effects(facts).items():
        assert np.isfinite(effect).all(), name
        assert effect.std() > 0.05, name


@pytest.mark.parametrize(
    ("fact", "step", "most"),
    [
        ("account_age", 1.0, 0.07),
        ("amount", 1.0, 0.07),
        ("employees", 1, 0.3),
        ("pages", 1, 0.9),
        ("opened", 0.001, 0.01),
    ],
)
def test_continuous_effects_are_smooth(facts: Facts, fact: str, step: float, most: float) -> None:
    """A small step changes the log-odds a little, for every deal."""
    moved = replace(facts, **{fact: getattr(facts, fact) + step})
    one, other = probability(facts), probability(moved)
    change = np.abs(np.log(one / (1 - one)) - np.log(other / (1 - other)))
    assert change.max() < most
    assert change.max() > 0


def test_fresh_accounts_and_high_titles_are_better(facts: Facts) -> None:
    """The directions that a salesperson expects."""
    fresh = replace(facts, account_age=np.full(ROWS, 1.0))
    stale = replace(facts, account_age=np.full(ROWS, 400.0))
    assert np.all(probability(fresh) > probability(stale))
    junior = replace(facts, titled=np.full(ROWS, fill_value=True), seniority=np.full(ROWS, 6))
    director = replace(junior, seniority=np.full(ROWS, 2))
    assert np.all(probability(director) > probability(junior))


def test_an_unknown_value_has_its_own_effect() -> None:
    """And a known one keeps its own."""
    assert known(np.array([np.nan, 0.5]), -0.2).tolist() == [-0.2, 0.5]

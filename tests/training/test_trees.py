"""Trees are grown alike on any machine, under names that XGBoost allows, and no more of them than help."""

from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.contract.features import Contract, Feature
from leadscoring.training.trees import (
    MANY,
    MAX_ROUNDS,
    RACED,
    RECIPES,
    RECIPES_OF_FEW,
    RECIPES_OVER_TIME,
    RIVALS,
    CrossFit,
    Recipe,
    best_rounds,
    cross_fit,
    grow,
    in_race,
    margins_of,
    recipes_for,
    safe_names,
)

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(240, 2)).astype(np.float32)
Y = (X[:, 0] + RANDOM.normal(size=240) > 0).astype(float)
TWO = Contract((Feature("visits", "number"), Feature("budget [k$] <net>", "number")))
STUMPS = Recipe(1, 0.3)


@given(st.lists(st.text("[]<a_ 2", min_size=1, max_size=4), min_size=1, max_size=8, unique=True))
def test_names_are_such_as_xgboost_takes_and_all_different(given_names: list[str]) -> None:
    """In the order of the contract, whatever the columns are called."""
    names = safe_names(Contract(tuple(Feature(name, "number") for name in given_names)))
    assert len(set(names)) == len(names) == len(given_names)
    assert not any(sign in name for name in names for sign in "[]< ")


def test_the_rounds_taken_are_those_with_the_least_mean_loss() -> None:
    """A fold that stopped early stands at its own best; a larger one weighs more."""
    assert best_rounds([[3.0, 1.0, 2.0], [3.0, 2.0, 1.0]], [1.0, 1.0]) == (2, 1.5)
    assert best_rounds([[3.0, 1.0], [3.0, 2.0, 0.5]], [1.0, 1.0]) == (3, 0.75)
    assert best_rounds([[1.0, 2.0], [2.0, 1.0]], [1.0, 9.0])[0] == 2


def test_every_booster_is_counted_and_every_margin_is_of_trees_that_had_not_seen_the_lead() -> None:
    """Of several recipes, that with the least loss is chosen."""
    ticks: list[None] = []
    fold = np.arange(240) % 3
    found = cross_fit(lambda _: (TWO, X), Y, fold, (STUMPS, Recipe(3, 0.3)), 0, lambda: ticks.append(None))
    assert len(ticks) == 2 * 3
    assert 1 <= found.rounds <= found.seen <= MAX_ROUNDS
    assert found.recipe in (STUMPS, Recipe(3, 0.3))
    assert found.recipe in found.rivals
    first = fold == 0
    alone = grow(TWO, X[~first], Y[~first], found.recipe, found.rounds, 0)
    np.testing.assert_allclose(margins_of(alone, TWO, X[first]), found.margins[first], rtol=1e-5, atol=1e-5)


def test_a_recipe_that_is_clearly_worse_is_not_trained_on_every_fold() -> None:
    """With many leads two folds tell; what is skipped counts as done, and the best has a margin for every lead."""
    x = RANDOM.normal(size=(MANY, 2)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(float)  # single splits learn nothing of it
    fold = np.arange(MANY) % 5
    grown: list[int] = []
    ticks: list[None] = []

    class Counted(xgb.Booster):
        def __init__(self, parameters: dict[str, Any], data: list[xgb.DMatrix]) -> None:
            grown.append(parameters["max_depth"])
            super().__init__(parameters, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xgb, "Booster", Counted)
        found = cross_fit(lambda _: (TWO, x), y, fold, (STUMPS, Recipe(3, 0.3)), 0, lambda: ticks.append(None))
    assert found.recipe.depth == 3
    assert (grown.count(1), grown.count(3)) == (RACED, 5)
    assert len(ticks) == 2 * 5
    assert np.isfinite(found.margins).all()


def test_recipes_that_chance_could_tell_apart_stay_in_the_race() -> None:
    """One that is worse by less than a standard error stays, and so does the best."""
    y = (RANDOM.random(400) < 0.5).astype(float)
    known = np.arange(400) < 300
    good = np.where(known, 2.0 * y - 1.0, np.nan)
    margins = (good, good + RANDOM.normal(size=400) * 1e-3, -good)
    assert in_race([CrossFit(STUMPS, 1, 0.0, one, 1) for one in margins], y, known)[:2] in ([0, 1], [1, 0])
    assert sorted(in_race([CrossFit(STUMPS, 1, 0.0, one, 1) for one in margins[::-1]], y, known)) == [1, 2]
    assert len(in_race([CrossFit(STUMPS, 1, 0.0, good, 1)] * 3, y, known)) == RIVALS


def test_few_leads_have_recipes_of_their_own() -> None:
    """They are smaller, and over time all are the same."""
    assert recipes_for(MANY - 1, over_time=False) == RECIPES_OF_FEW
    assert recipes_for(MANY, over_time=False) == RECIPES
    assert recipes_for(100, over_time=True) == recipes_for(10**6, over_time=True) == RECIPES_OVER_TIME


def test_the_same_leads_give_the_same_trees() -> None:
    """Byte for byte, with the same seed."""
    one, same, other = (bytes(grow(TWO, X, Y, STUMPS, 5, seed).save_raw("json")) for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("base", [0.0, 0.3, 1.0])
def test_the_base_score_is_a_share_that_has_log_odds(base: float) -> None:
    """Also of leads that all ended alike."""
    assert 0 < STUMPS.parameters(base, 0)["base_score"] < 1


def test_over_time_the_trees_are_smaller() -> None:
    """What moves is learned with more care."""
    assert max(recipe.depth for recipe in RECIPES_OVER_TIME) < max(recipe.depth for recipe in RECIPES)

import threading

import numpy as np
from past_leads import leads

from leadscoring.training.basis import basis_of
from leadscoring.training.calibrate import apply
from leadscoring.training.cross_fitted import FOLDS, fit, folded, followed
from leadscoring.training.options import TrainOptions
from leadscoring.training.prepared import prepare
from leadscoring.training.share import Share
from leadscoring.training.trees import RECIPES_OF_FEW, CrossFit, grow, margins_of

ROWS = 400


def test_every_lead_has_a_probability_by_trees_that_had_not_seen_it() -> None:
    """The calibration is fitted to these margins, and each booster is a step of the progress."""
    past = prepare(leads(ROWS), TrainOptions(target="won"))
    seen: list[tuple[str, float]] = []
    share = Share(lambda stage, done: seen.append((stage, done)), 0.0, 1.0)
    fitted = fit(past.leads, basis_of(past), RECIPES_OF_FEW, 20, share)
    assert np.array_equal(fitted.unseen, apply(fitted.calibration, fitted.cross.margins))
    assert np.isfinite(fitted.unseen).all()
    assert fitted.recent.tolist() == fitted.shown.tolist() == list(range(ROWS))
    assert [stage for stage, _ in seen] == ["folds"] * (FOLDS * len(RECIPES_OF_FEW)) + ["trees"]
    assert fitted.out_of_fold().rows == ROWS


def test_a_recipe_and_rounds_that_are_known_are_followed_by_all_trees_at_once() -> None:
    """Those of the model, those of each fold, and whatever is done beside them."""
    past = prepare(leads(ROWS), TrainOptions(target="won"))
    seen: list[tuple[str, float]] = []
    share = Share(lambda stage, done: seen.append((stage, done)), 0.0, 1.0)
    some, recipe = folded(past.leads, basis_of(past), 20), RECIPES_OF_FEW[0]
    known = CrossFit(recipe, 7, 0.5, np.empty(0), 7, (recipe,))
    result, fitted = followed(some, known, lambda: "beside", share, threading.Event())
    assert result == "beside"
    assert fitted.booster.num_boosted_rounds() == fitted.cross.rounds == 7
    assert fitted.cross.recipe == recipe
    assert [stage for stage, _ in seen] == ["trees"] * (FOLDS + 2)
    contract, x, fold = fitted.contract, fitted.x, some.folds
    for number in range(FOLDS):
        inside = fold != number
        own = grow(contract, x[inside], fitted.y[inside], recipe, 7, 20)
        assert np.array_equal(margins_of(own, contract, x[~inside]), fitted.cross.margins[~inside])

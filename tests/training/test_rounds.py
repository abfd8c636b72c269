import threading

import numpy as np
import xgboost as xgb

from leadscoring.training.rounds import grown, loss_in, of_rounds

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(400, 3))
Y = (X[:, 0] + RANDOM.normal(size=400) > 0).astype(float)
PARAMETERS = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "tree_method": "hist",
    "max_depth": 3,
    "eta": 0.3,
    "subsample": 0.8,
    "seed": 1,
    "nthread": 1,
}


def parts() -> tuple[xgb.DMatrix, xgb.DMatrix]:
    """Leads to learn from, and others."""
    return xgb.DMatrix(X[:300], Y[:300], nthread=1), xgb.DMatrix(X[300:], Y[300:], nthread=1)


def test_trees_and_losses_are_those_of_stock_xgboost_that_stops_early() -> None:
    """To the bit, and as many."""
    data, rest = parts()
    found: dict[str, dict[str, list[float]]] = {}
    stock = xgb.train(
        PARAMETERS, data, 100, evals=[(rest, "rest")], early_stopping_rounds=7, evals_result=found, verbose_eval=False
    )
    booster, losses = grown(PARAMETERS, *parts(), 100, 7, threading.Event())
    assert losses == found["rest"]["logloss"]
    assert booster.num_boosted_rounds() == stock.num_boosted_rounds() == len(losses) < 100
    assert booster.get_dump() == stock.get_dump()


def test_the_rounds_that_are_wanted_are_grown() -> None:
    """As stock XGBoost does; at most so many where the loss still falls."""
    data, rest = parts()
    assert of_rounds(PARAMETERS, data, 9, threading.Event()).get_dump() == xgb.train(PARAMETERS, data, 9).get_dump()
    assert len(grown(PARAMETERS, data, rest, 4, 50, threading.Event())[1]) == 4


def test_growing_ends_once_it_is_not_wanted() -> None:
    """No round begins after that."""
    stop = threading.Event()
    stop.set()
    assert of_rounds(PARAMETERS, parts()[0], 9, stop).num_boosted_rounds() == 0
    assert grown(PARAMETERS, *parts(), 9, 5, stop)[1] == []


def test_a_loss_that_is_no_number_is_never_the_best() -> None:
    """It compares as worse than any."""
    assert loss_in("[3]\teval-logloss:0.25") == 0.25
    assert not loss_in("[0]\teval-logloss:nan") < 1.0
    assert not loss_in("[0]\teval-logloss:inf") < 1.0

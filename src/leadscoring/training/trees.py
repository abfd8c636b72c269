"""Gradient-boosted trees: how they are trained, and how depth, learning rate and rounds are selected.

Method: Chen and Guestrin 2016 (XGBoost). Each booster is trained on one thread, and several in parallel, so that the
result does not depend on the number of cores.
"""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np
import xgboost as xgb

from leadscoring.contract.features import Contract
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.split import Indices

MAX_ROUNDS = 400
PATIENCE = 30
TOLERANCE = 5e-4
"""Of the recipes whose log-loss is within this share of the best, the one with the fewest trees is selected."""


class Recipe(msgspec.Struct, frozen=True):
    """Hyperparameters of the trees; all others are the same for every model."""

    depth: int
    rate: float
    colsample: float = 1.0
    subsample: float = 0.8
    child_weight: float = 4.0
    reg_lambda: float = 10.0

    def parameters(self, base: float, seed: int) -> dict[str, Any]:
        """XGBoost's parameters; ``base`` is the share of positives."""
        return {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "max_depth": self.depth,
            "eta": self.rate,
            "colsample_bynode": self.colsample,
            "subsample": self.subsample,
            "min_child_weight": self.child_weight,
            "reg_lambda": self.reg_lambda,
            "max_cat_to_onehot": 100,
            "base_score": float(np.clip(base, 1e-3, 1.0 - 1e-3)),
            "seed": seed,
            "nthread": 1,
        }


RECIPES = (
    Recipe(2, 0.1, 0.6, child_weight=1.0),
    Recipe(4, 0.05, 0.4, child_weight=1.0, reg_lambda=1.0),
    Recipe(6, 0.03, 0.4, child_weight=1.0),
)
RECIPES_OVER_TIME = (
    Recipe(1, 0.1, child_weight=1.0, reg_lambda=1.0),
    Recipe(2, 0.05, child_weight=1.0, reg_lambda=1.0),
    Recipe(3, 0.05, child_weight=1.0, reg_lambda=1.0),
)


View = Callable[[int], tuple[Contract, Matrix]]
"""Returns the contract and the encoded leads that a fold is fitted with; their columns are chosen without the fold."""


class CrossFit(msgspec.Struct, frozen=True):
    """A recipe evaluated on folds: its best number of rounds, its log-loss, and out-of-fold margins."""

    recipe: Recipe
    rounds: int
    loss: float
    margins: Vector
    seen: int
    """Maximum number of trees trained per fold."""


def safe_names(contract: Contract) -> list[str]:
    """Unique column names that XGBoost accepts, in contract order."""
    names: list[str] = []
    for name in contract.columns.names:
        plain = re.sub(r"[\[\]<\s]+", "_", name) or "_"
        unique, count = plain, 2
        while unique in names:
            unique, count = f"{plain}_{count}", count + 1
        names.append(unique)
    return names


def matrix(contract: Contract, x: Matrix, y: Vector | None = None) -> xgb.DMatrix:
    """Encoded leads as a DMatrix."""
    types = ["c" if column.categorical else "q" for column in contract.columns.every]
    return xgb.DMatrix(
        x, y, feature_names=safe_names(contract), feature_types=types, enable_categorical=True, nthread=1
    )


def cross_fit(
    contract: Contract,
    x: Matrix,
    y: Vector,
    fold: Indices,
    recipes: tuple[Recipe, ...],
    seed: int,
    tick: Callable[[], None],
    view: View | None = None,
) -> CrossFit:
    """Selects the best recipe by cross-validated log-loss.

    Each fold stops early on its own part; the number of rounds is the one with the lowest mean loss. ``tick`` is
    called after each trained booster. ``view`` returns the contract and the matrix of a fold, if folds have their own.
    """
    own = view or (lambda _: (contract, x))
    numbers = np.unique(fold)
    jobs = [(recipe, int(number)) for recipe in recipes for number in numbers]

    def grow_fold(job: tuple[Recipe, int]) -> tuple[list[float], xgb.Booster]:
        recipe, number = job
        inside = fold != number
        grown: dict[str, dict[str, list[float]]] = {}
        contract, x = own(number)
        rest = matrix(contract, x[~inside], y[~inside])
        booster = xgb.train(
            recipe.parameters(float(y[inside].mean()), seed),
            matrix(contract, x[inside], y[inside]),
            MAX_ROUNDS,
            evals=[(rest, "rest")],
            evals_result=grown,
            early_stopping_rounds=PATIENCE,
            verbose_eval=False,
        )
        tick()
        return grown["rest"]["logloss"], booster

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        results = list(pool.map(grow_fold, jobs))
    tried = []
    for start, recipe in zip(range(0, len(jobs), len(numbers)), recipes, strict=True):
        part = results[start : start + len(numbers)]
        rounds, loss = best_rounds([curve for curve, _ in part], [float((fold == number).sum()) for number in numbers])
        margins = np.empty(len(y))
        for number, (_, booster) in zip(numbers, part, strict=True):
            rest = fold == number
            until = min(rounds, booster.num_boosted_rounds())
            contract, x = own(int(number))
            margins[rest] = booster.predict(matrix(contract, x[rest]), output_margin=True, iteration_range=(0, until))
        tried.append(CrossFit(recipe, rounds, loss, margins, max(len(curve) for curve, _ in part)))
    least = min(fit.loss for fit in tried)
    return min((fit for fit in tried if fit.loss <= least * (1 + TOLERANCE)), key=lambda fit: fit.rounds)


def best_rounds(curves: list[list[float]], weights: list[float]) -> tuple[int, float]:
    """The number of rounds with the lowest mean loss, and that loss; folds that stopped keep their own minimum."""
    length = max(map(len, curves))
    full = np.array([curve + [min(curve)] * (length - len(curve)) for curve in curves])
    mean = np.average(full, axis=0, weights=weights)
    return int(mean.argmin()) + 1, float(mean.min())


def grow(contract: Contract, x: Matrix, y: Vector, recipe: Recipe, rounds: int, seed: int) -> xgb.Booster:
    """Trains the trees of one model."""
    return xgb.train(recipe.parameters(float(y.mean()), seed), matrix(contract, x, y), rounds, verbose_eval=False)


def margins_of(booster: xgb.Booster, contract: Contract, x: Matrix) -> Vector:
    """Margins in log-odds, shape (rows,)."""
    margins: Vector = booster.predict(matrix(contract, x), output_margin=True).astype(np.float64)
    return margins

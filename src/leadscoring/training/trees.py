"""Gradient-boosted trees: how they are trained, and how depth, learning rate and rounds are selected.

Method: Chen and Guestrin 2016 (XGBoost). Each booster is trained on one thread, and several in parallel, so that the
result does not depend on the number of cores.
"""

import re
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import xgboost as xgb

from leadscoring.contract.features import Contract
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.rounds import grown, of_rounds
from leadscoring.training.split import Indices
from leadscoring.training.workers import side_by_side

MAX_ROUNDS = 600
PATIENCE = 30
RACED = 2
"""The number of folds on which all recipes compete."""

RIVALS = 2
"""The number of recipes that stay in the race at most."""

MANY = 2000
"""From this number of leads on, trees may be deep, and two folds tell which recipe is clearly worse."""


WIDE, COARSE = 300, 32
"""From this number of columns on, numbers of few leads have so many bins."""


class Recipe(msgspec.Struct, frozen=True):
    """Hyperparameters of the trees; all others are the same for every model."""

    depth: int
    rate: float
    colsample: float = 1.0
    subsample: float = 0.8
    child_weight: float = 1.0
    reg_lambda: float = 5.0
    leaves: int = 0
    """The maximum number of leaves, if trees grow by their best leaf; 0 if they grow level by level."""

    def parameters(self, base: float, seed: int) -> dict[str, Any]:
        """XGBoost's parameters; ``base`` is the share of positives."""
        return {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "max_depth": self.depth,
            "max_leaves": self.leaves,
            "grow_policy": "lossguide" if self.leaves else "depthwise",
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
    Recipe(2, 0.07, 0.3),
    Recipe(5, 0.04, 0.2, reg_lambda=2.0),
    Recipe(10, 0.04, 0.3, child_weight=5.0, reg_lambda=10.0, leaves=31),
)
RECIPES_OF_FEW = (
    Recipe(2, 0.05, 0.3),
    Recipe(4, 0.04, 0.15),
)
RECIPES_OVER_TIME = (
    Recipe(1, 0.1, reg_lambda=1.0),
    Recipe(2, 0.05, reg_lambda=1.0),
    Recipe(3, 0.05, reg_lambda=1.0),
)


View = Callable[[int], tuple[Contract, Matrix]]
"""Returns the contract and the encoded leads that a fold is fitted with; their columns are chosen without the fold."""


def recipes_for(rows: int, *, over_time: bool) -> tuple[Recipe, ...]:
    """The recipes that compete: small trees of few sampled columns for few leads, and less shrinkage over time."""
    if over_time:
        return RECIPES_OVER_TIME
    return RECIPES if rows >= MANY else RECIPES_OF_FEW


class CrossFit(msgspec.Struct, frozen=True):
    """A recipe evaluated on folds: its best number of rounds, its log-loss, and out-of-fold margins."""

    recipe: Recipe
    rounds: int
    loss: float
    margins: Vector
    seen: int
    """Maximum number of trees trained per fold."""

    rivals: tuple[Recipe, ...] = ()
    """The recipe, and those that are worse by less than a standard error: more leads may tell them apart."""


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


def naming(contract: Contract) -> dict[str, list[str]]:
    """The names and types of the columns, as XGBoost takes them."""
    types = ["c" if column.categorical else "q" for column in contract.columns.every]
    return {"feature_names": safe_names(contract), "feature_types": types}


def matrix(contract: Contract, x: Matrix, y: Vector | None = None) -> xgb.DMatrix:
    """Encoded leads as a DMatrix."""
    return xgb.DMatrix(x, y, **naming(contract), enable_categorical=True, nthread=1)


def bins_of(x: Matrix) -> dict[str, int]:
    """XGBoost's number of bins for a table of many columns and few leads, where finding the splits takes longest."""
    return {"max_bin": COARSE} if x.shape[1] > WIDE and len(x) < MANY else {}


class Curve(msgspec.Struct, frozen=True):
    """The trees of a recipe for one fold, trained on the others, and the log-loss on the fold after each round."""

    number: int
    booster: xgb.Booster
    losses: list[float]


def cross_fit(
    view: View,
    y: Vector,
    fold: Indices,
    recipes: tuple[Recipe, ...],
    seed: int,
    tick: Callable[[], None],
    stop: threading.Event | None = None,
) -> CrossFit:
    """Selects the best recipe by cross-validated log-loss.

    Each fold stops early on its own part; the number of rounds is the one with the lowest mean loss. Where there are
    many leads, recipes that are clearly worse on the first ``RACED`` folds are not trained on the others; over time,
    those folds are the latest. ``tick`` is called for each booster that is trained or skipped.
    ``view`` returns the contract and the matrix of a fold. All fits end once ``stop`` is set.
    """
    stop = stop or threading.Event()
    numbers = [int(number) for number in np.unique(fold)[::-1]]

    def grow_fold(job: tuple[Recipe, int]) -> Curve:
        recipe, number = job
        inside = fold != number
        contract, x = view(number)
        parameters = recipe.parameters(float(y[inside].mean()), seed) | bins_of(x)
        curve = grown_without(number, contract, x, y, inside, parameters, stop)
        tick()
        return curve

    def grow_folds(recipes: list[Recipe], numbers: list[int]) -> list[list[Curve]]:
        jobs = [(recipe, number) for recipe in recipes for number in numbers]
        curves = side_by_side(grow_fold, jobs, stop)
        return [curves[start : start + len(numbers)] for start in range(0, len(jobs), len(numbers))]

    first = RACED if len(recipes) > 1 and len(y) >= MANY else len(numbers)
    tried = grow_folds(list(recipes), numbers[:first])
    raced = [summed_up(view, y, fold, *one) for one in zip(recipes, tried, strict=True)]
    if first < len(numbers):
        left = in_race(raced, y, np.isin(fold, numbers[:first]))
        more = grow_folds([recipes[place] for place in left], numbers[first:])
        raced = [
            summed_up(view, y, fold, recipes[place], tried[place] + curves)
            for place, curves in zip(left, more, strict=True)
        ]
        for _ in range((len(recipes) - len(left)) * (len(numbers) - first)):
            tick()
    rivals = tuple(raced[place].recipe for place in in_race(raced, y, np.ones(len(y), dtype=bool)))
    return msgspec.structs.replace(min(raced, key=lambda fit: fit.loss), rivals=rivals)


def grown_without(
    number: int,
    contract: Contract,
    x: Matrix,
    y: Vector,
    inside: npt.NDArray[np.bool_],
    parameters: dict[str, Any],
    stop: threading.Event,
) -> Curve:
    """Trains on the leads that are ``inside``, until the loss on the others, those of a fold, no longer falls."""
    data, rest = matrix(contract, x[inside], y[inside]), matrix(contract, x[~inside], y[~inside])
    return Curve(number, *grown(parameters, data, rest, MAX_ROUNDS, PATIENCE, stop))


def summed_up(view: View, y: Vector, fold: Indices, recipe: Recipe, curves: list[Curve]) -> CrossFit:
    """Evaluates a recipe at its best number of rounds; leads of other folds than those of ``curves`` have no margin."""
    weights = [float((fold == curve.number).sum()) for curve in curves]
    rounds, _ = best_rounds([curve.losses for curve in curves], weights)
    margins = np.full(len(y), np.nan)
    for curve in curves:
        rest = fold == curve.number
        until = min(rounds, curve.booster.num_boosted_rounds())
        contract, x = view(curve.number)
        margins[rest] = curve.booster.predict(matrix(contract, x[rest]), output_margin=True, iteration_range=(0, until))
    loss = float(np.nanmean(losses_of(margins, y)))
    return CrossFit(recipe, rounds, loss, margins, max(len(curve.losses) for curve in curves))


def losses_of(margins: Vector, y: Vector) -> Vector:
    """The log-loss of each lead, shape (leads,); NaN for leads without a margin."""
    with np.errstate(invalid="ignore"):
        losses: Vector = np.logaddexp(0.0, margins) - y * margins
    return losses


def in_race(raced: list[CrossFit], y: Vector, known: npt.NDArray[np.bool_]) -> list[int]:
    """The places of the best recipe and of the next ones, ``RIVALS`` at most, that are worse by up to a standard error.

    The error is that of the mean difference in log-loss over the leads that are ``known``, lead by lead.
    """
    losses = [losses_of(fit.margins, y)[known] for fit in raced]
    best = min(losses, key=np.mean)
    worse = [loss - best for loss in losses]
    near = [place for place, gap in enumerate(worse) if gap.mean() <= gap.std() / np.sqrt(len(gap))]
    return sorted(near, key=lambda place: float(worse[place].mean()))[:RIVALS]


def best_rounds(curves: list[list[float]], weights: list[float]) -> tuple[int, float]:
    """The number of rounds with the lowest mean loss, and that loss; folds that stopped keep their own minimum."""
    length = max(map(len, curves))
    full = np.array([curve + [min(curve)] * (length - len(curve)) for curve in curves])
    mean = np.average(full, axis=0, weights=weights)
    return int(mean.argmin()) + 1, float(mean.min())


def grow(
    contract: Contract,
    x: Matrix,
    y: Vector,
    recipe: Recipe,
    rounds: int,
    seed: int,
    stop: threading.Event | None = None,
) -> xgb.Booster:
    """Trains the trees of one model; fewer once ``stop`` is set."""
    data = matrix(contract, x, y)
    parameters = recipe.parameters(float(y.mean()), seed) | bins_of(x)
    return of_rounds(parameters, data, rounds, stop or threading.Event())


def margins_of(booster: xgb.Booster, contract: Contract, x: Matrix) -> Vector:
    """Margins in log-odds, shape (rows,)."""
    margins: Vector = booster.predict(matrix(contract, x), output_margin=True).astype(np.float64)
    return margins

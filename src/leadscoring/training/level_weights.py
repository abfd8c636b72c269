"""Weights for categories of very many levels: a second column beside the codes, where cross-validation says it helps.

Levels that are too rare for a code of their own share one. Together they may still tell much: the weight of a level is
how much more or less often its leads convert, smoothed, from other leads than the one that it is given to. Whether it
helps is measured by quick models of the leads that the columns are chosen by: for each fold without its leads.
"""

import threading
from collections.abc import Collection, Sequence

import msgspec
import numpy as np
import polars as pl
import xgboost as xgb

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.training.column import FEWEST
from leadscoring.training.derived.kind import WEIGHT
from leadscoring.training.derived.tokens import Rows, Tokens, tokens_of
from leadscoring.training.derived.weights import weights_of
from leadscoring.training.learned import Learned
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.split import Indices
from leadscoring.training.trees import Recipe, losses_of, matrix
from leadscoring.training.workers import Watch, side_by_side

CODE = Aspect("code")

MANY = 50
"""Minimum number of levels."""

RARE = 0.1
"""Minimum share of leads with a level that has no code of its own."""

LEAST = 3
"""Minimum number of leads of a level with a weight."""

MOST = 3
"""Maximum number of categories that are tried, those with the most rare levels."""

SIGMAS = 1.0
"""Minimum gain in log-loss, in standard errors of the mean over the leads."""

ROWS = 5000
"""Maximum number of leads that quick models are trained and tested on."""

HELPS = "the model also gets how often the leads of each level convert, which helps in cross-validation"

QUICK = Recipe(3, 0.1, 0.4)
ROUNDS = 80


class Level(msgspec.Struct, frozen=True):
    """A category of very many levels: its feature, its column, and which lead has which level."""

    feature: Feature
    column: pl.Series
    tokens: Tokens

    def weights(self, rows: Rows, y: Vector) -> dict[str, float]:
        """Returns the weight of each level, by the outcomes of some leads."""
        return weights_of(self.tokens, rows, y, LEAST)

    def given(self, weights: dict[str, float]) -> Vector:
        """Returns the weight of each lead's level as it is served: 0 for others, NaN where the level is unknown."""
        column = self.column.replace_strict(weights, default=0.0, return_dtype=pl.Float64)
        known = self.column.is_not_null()
        values: Vector = pl.select(pl.when(known).then(column)).to_series().fill_null(np.nan).to_numpy()
        return values

    def honest(self, rows: Rows, y: Vector, fold: Indices) -> Vector:
        """Returns the weights as they are served, but for ``rows`` from the leads of other folds among them."""
        values = self.given(self.weights(rows, y)).copy()
        for number in np.unique(fold[rows]):
            inside = rows & (fold == number)
            values[inside] = self.given(self.weights(rows & ~inside, y))[inside]
        return values


def weigh(learned: Learned, y: Vector, fold: Indices, viewed: Collection[int] | None = None) -> Learned:
    """Adds a column of weights to the categories of very many levels for which it helps, in each fold and in all.

    ``viewed`` are the folds that get columns of their own, by default all.
    """
    tried = wide(learned.inferred.contract, learned.inferred.frame)
    if not tried:
        return learned
    every = np.ones(len(y), dtype=bool)
    whole, x = learned.inferred.contract, learned.x
    chosen = helpful(tried, whole, x, y, fold, every)
    own = {}
    for number in np.unique(fold).tolist() if viewed is None else viewed:
        rows = fold != number
        levels = helpful(tried, *learned.view(number), y, fold, rows)
        own[number] = (levels, [level.honest(rows, y, fold) for level in levels], rows)
    contract, x = extended(whole, x, chosen, [level.honest(every, y, fold) for level in chosen], every, y)
    as_served = [level.given(level.weights(every, y)) for level in chosen]
    _, served = extended(whole, learned.served, chosen, as_served, every, y)
    notes = (f"{level.feature.name!r}: {HELPS}" for level in chosen)
    inferred = msgspec.structs.replace(learned.inferred, contract=contract, notes=(*learned.inferred.notes, *notes))

    def view(number: int) -> tuple[Contract, Matrix]:
        levels, values, rows = own[number]
        return extended(*learned.view(number), levels, values, rows, y)

    return Learned(inferred, x, served, view)


def wide(contract: Contract, frame: pl.DataFrame) -> list[Level]:
    """Returns the categories that have very many levels, of which many leads have rare ones."""
    found = []
    for feature in contract.features:
        if not (feature.form.is_category and feature.is_text) or feature.aspects or not feature.other:
            continue
        column = frame[feature.name]
        rare = column.drop_nulls().is_in(list(feature.values)).not_().sum()
        if column.n_unique() >= MANY and rare >= max(RARE * len(column), FEWEST):
            found.append((int(rare), Level(feature, column, tokens_of(column, lambda text: (text,), least=LEAST))))
    return [level for _, level in sorted(found, key=lambda one: -one[0])[:MOST]]


def extended(
    contract: Contract, x: Matrix, levels: Sequence[Level], values: Sequence[Vector], rows: Rows, y: Vector
) -> tuple[Contract, Matrix]:
    """Returns a contract and its matrix with a column of weights, from ``values``, after the codes of each category."""
    features, places = list(contract.features), []
    for level in levels:
        place = contract.names.index(level.feature.name)
        features[place] = msgspec.structs.replace(
            features[place], aspects=(CODE, WEIGHT), weights=level.weights(rows, y)
        )
        places.append(contract.columns.first[place] + 1)
    wider = np.insert(x, places, np.array(values, dtype=np.float32).T, axis=1) if places else x
    return msgspec.structs.replace(contract, features=tuple(features)), np.ascontiguousarray(wider)


def helpful(tried: Sequence[Level], contract: Contract, x: Matrix, y: Vector, fold: Indices, rows: Rows) -> list[Level]:
    """Returns the categories whose weights lower the log-loss of quick models, by the leads in ``rows`` alone."""
    some = thinned(rows)
    numbers = np.unique(fold[some])
    if len(numbers) < 2:
        return []
    before = losses(contract, x, y, fold, some, rows, None)
    gains = [(level, before - losses(contract, x, y, fold, some, rows, level)) for level in tried]
    return [level for level, gain in gains if gain.mean() > SIGMAS * gain.std() / np.sqrt(len(gain))]


def thinned(rows: Rows) -> Rows:
    """Returns at most ``ROWS`` of some leads, evenly spaced."""
    numbers = np.flatnonzero(rows)
    some = np.zeros(len(rows), dtype=bool)
    some[numbers[np.unique(np.linspace(0, len(numbers) - 1, min(len(numbers), ROWS)).astype(int))]] = True
    return some


def losses(
    contract: Contract, x: Matrix, y: Vector, fold: Indices, some: Rows, rows: Rows, level: Level | None
) -> Vector:
    """Returns the log-loss of each of ``some`` leads by a quick model of other folds, with the weights of a category.

    The weights in a model come from ``rows``, without the fold that is tested.
    """
    stop = threading.Event()

    def tested(number: int) -> Vector:
        inside, rest = some & (fold != number), some & (fold == number)
        wider, own = contract, x
        if level is not None:
            others = rows & (fold != number)
            wider, own = extended(contract, x, [level], [level.honest(others, y, fold)], others, y)
        parameters = QUICK.parameters(float(y[inside].mean()), 0)
        data = matrix(wider, own[inside], y[inside])
        booster = xgb.train(parameters, data, ROUNDS, callbacks=[Watch(stop)])
        margins = booster.predict(matrix(wider, own[rest]), output_margin=True).astype(np.float64)
        return losses_of(margins, y[rest])

    return np.concatenate(side_by_side(tested, np.unique(fold[some]).tolist(), stop))

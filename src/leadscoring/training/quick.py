"""Quick models: what some columns are worth, by a small cross-validated XGBoost on a sample of the leads."""

import math
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
import xgboost as xgb

from leadscoring.quality.figures import roc_auc
from leadscoring.training.rates import bins, levels, rated
from leadscoring.training.reading.series import Matrix, Vector, counts_of
from leadscoring.training.split import Indices, random_folds

ROWS = 6000
"""Maximum number of leads in the sample."""

RARE = 300
"""Number of leads with each outcome that the sample has, if there are so many."""

FOLDS = 3
LEVELS = 60
"""Number of levels of a text that have a code of their own; the others share one."""

ALONE_ROUNDS = 12
ROUNDS = 24
RATE = 0.35
MAX_BIN = 64
"""With 60 rounds at a rate of 0.15 and 256 bins, ROC-AUCs differ as those of another seed do, in twice the time."""


WIDE = 300
"""Number of columns from which a quick model is fitted only to columns whose conversion rates tell something."""

TELLING = 0.56
"""The ROC-AUC of conversion rates from which they do."""

Mask = npt.NDArray[np.bool_]


class Quick(msgspec.Struct, frozen=True):
    """A sample of leads: columns as numbers, shape (rows, columns), NaN where missing; outcomes, folds, and rows."""

    x: Matrix
    texts: tuple[bool, ...]
    y: Vector
    fold: Indices
    rows: Indices
    known: dict[tuple[int, ...], float] = {}
    """What was measured before, by the columns."""

    def auc(self, places: Sequence[int]) -> float:
        """The cross-validated ROC-AUC of a small model of some columns; 0.5 of none."""
        key = tuple(sorted(places))
        if key not in self.known:
            self.known[key] = self.measured(key)
        return self.known[key]

    def measured(self, places: Sequence[int], rounds: int = ROUNDS, depth: int = 4) -> float:
        """The same of a model of some rounds and depth."""
        if not places:
            return 0.5
        margins = np.empty(len(self.y))
        for number in range(int(self.fold.max()) + 1):
            rest = self.fold == number
            margins[rest] = self.margins(rest, places, rounds, depth)
        return roc_auc(self.y, margins)

    def margins(self, rest: Mask, places: Sequence[int], rounds: int = ROUNDS, depth: int = 4) -> Vector:
        """The margins of some leads, a mask of shape (rows,), by a model of the others."""
        train = self.matrix(~rest, places, self.y)
        booster = xgb.Booster(self.parameters(~rest, depth), [train])
        for number in range(rounds):
            booster.update(train, number)
        margins: Vector = booster.predict(self.matrix(rest, places), output_margin=True)
        return margins

    def alone(self, place: int) -> float:
        """The cross-validated ROC-AUC of a single column."""
        return self.measured([place], ALONE_ROUNDS, 3)

    def each(self, every: Iterable[Sequence[int]]) -> list[float]:
        """The ROC-AUC of several choices of columns."""
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            return list(pool.map(self.auc, every))

    def each_alone(self) -> list[float]:
        """The ROC-AUC of each column alone; of very many, that of its conversion rates where these say little."""
        every = range(self.x.shape[1])
        rates = {} if len(every) <= WIDE else {place: self.rated(place) for place in every}
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            return list(pool.map(lambda place: self.at_least(place, rates.get(place, 1.0)), every))

    def at_least(self, place: int, rate: float) -> float:
        """The ROC-AUC of a single column: ``rate``, what its conversion rates say, if that is little."""
        return rate if rate < TELLING else self.alone(place)

    def rated(self, place: int) -> float:
        """The cross-validated ROC-AUC of the conversion rates of a column's levels or bins."""
        values = self.x[:, place].astype(np.float64)
        return rated(levels(values) if self.texts[place] else bins(values, text=False), self.y, self.fold)

    def parameters(self, inside: Mask, depth: int) -> dict[str, object]:
        """XGBoost's parameters."""
        return {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "max_depth": depth,
            "max_bin": MAX_BIN,
            "eta": RATE,
            "min_child_weight": 1.0,
            "colsample_bynode": 0.6,
            "max_cat_to_onehot": 100,
            "base_score": float(np.clip(self.y[inside].mean(), 1e-3, 1.0 - 1e-3)),
            "seed": 0,
            "nthread": 1,
        }

    def matrix(self, rows: Mask, places: Sequence[int], y: Vector | None = None) -> xgb.DMatrix:
        """Some leads and columns as a DMatrix."""
        types = ["c" if self.texts[place] else "q" for place in places]
        part = self.x[rows][:, list(places)]
        outcome = None if y is None else y[rows]
        return xgb.DMatrix(part, outcome, feature_types=types, enable_categorical=True, nthread=1)


def quick_models(frame: pl.DataFrame, y: Vector, seed: int, most: int = ROWS) -> Quick:
    """A sample of leads with outcomes ``y`` (0 or 1), shape (rows,), ready for quick models of its columns."""
    rows = sample(y, seed, most)
    some = frame[rows]
    coded = [codes(column) for column in some.iter_columns()]
    x = np.array([values for values, _ in coded], dtype=np.float32).T.reshape(len(rows), frame.width)
    fold = random_folds(np.arange(len(rows)), y[rows], FOLDS, seed)
    return Quick(np.ascontiguousarray(x), tuple(text for _, text in coded), y[rows], fold, rows)


def sample(y: Vector, seed: int, most: int) -> Indices:
    """Rows in random order: ``most`` of them, and more of a rare outcome, of which chance would leave too few."""
    order = np.random.default_rng(seed).permutation(len(y))
    first, rest = order[:most], order[most:]
    more = [rest[y[rest] == outcome][: max(0, RARE - int((y[first] == outcome).sum()))] for outcome in (0.0, 1.0)]
    return np.concatenate([first, *more])


def codes(column: pl.Series) -> tuple[Vector, bool]:
    """A column as numbers, and whether it is a text; its levels are numbered by frequency."""
    if column.dtype != pl.String:
        values: Vector = column.cast(pl.Float64).to_numpy().astype(np.float64)  # null is NaN
        return np.where(np.isinf(values), np.nan, values), False
    code_of = {text: float(place) for place, (text, _) in enumerate(counts_of(column)[:LEVELS])}
    coded = column.replace_strict({**code_of, None: math.nan}, default=float(LEVELS), return_dtype=pl.Float64)
    return coded.to_numpy(), True

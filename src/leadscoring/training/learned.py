"""Chooses the columns of derived features by the outcomes: once for the model, and for each fold without its leads.

What is chosen by the outcomes of some leads must not be judged on the same leads. Each fold of the cross-validation
therefore has its own columns, chosen without it; and the weights of tokens, which are outcomes themselves, come from
other leads than those that they are given to, in training, too.
"""

from collections.abc import Callable, Collection, Sequence

import msgspec
import numpy as np

from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import TrainingDataError
from leadscoring.training.column import FEWEST
from leadscoring.training.derived.kind import WEIGHT, Evidence
from leadscoring.training.derived.rows import row_of
from leadscoring.training.derived.tokens import Rows, Tokens
from leadscoring.training.derived.weights import is_worth, weights_of
from leadscoring.training.encode import encode_table
from leadscoring.training.infer import Inferred, without
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.split import Indices

NO_SIGNAL = "nothing in it is related to the outcome"


class Learned(msgspec.Struct, frozen=True):
    """The contract and the matrix of the model, and for each fold those that were chosen without it.

    In ``x``, weights of tokens come from other leads; ``served`` are the same leads as the service encodes them.
    """

    inferred: Inferred
    x: Matrix
    served: Matrix
    view: Callable[[int], tuple[Contract, Matrix]]


def learn(
    inferred: Inferred,
    x: Matrix,
    y: Vector,
    as_of: Vector | None,
    fold: Indices,
    viewed: Collection[int] | None = None,
) -> Learned:
    """Chooses the columns of the features that have none yet; ``x`` are the columns of the others.

    ``as_of`` is the moment of each lead, and ``fold`` its fold; ``viewed`` are the folds that get columns of their own,
    by default all. Raises ``TrainingDataError`` if no feature is left.
    """
    if all(feature.columns for feature in inferred.contract.features):
        return Learned(inferred, x, x, lambda _: (inferred.contract, x))
    choice = Choice(inferred, x, y, as_of, fold)
    folds = np.unique(fold).tolist() if viewed is None else viewed
    views = {number: choice.made(number) for number in folds}
    final = choice.made(None)
    left = {feature.name for feature in final.contract.features}
    idle = [name for name in inferred.contract.names if name not in left]
    settled = without(inferred, dict.fromkeys(idle, NO_SIGNAL))
    settled = msgspec.structs.replace(settled, contract=final.contract)
    x = final.matrix()
    served = final.matrix(served=True) if final.honest else x
    return Learned(settled, x, served, lambda number: (views[number].contract, views[number].matrix()))


class View(msgspec.Struct, frozen=True):
    """A contract, with the columns of its derived features; the others are those of ``plain``, by name.

    ``rows`` are the leads that it was chosen by; ``honest`` has their weights from other leads, by feature.
    """

    contract: Contract
    plain: dict[str, Matrix]
    derived: dict[str, Matrix]
    rows: Rows
    honest: dict[str, Vector]

    def matrix(self, served: bool = False) -> Matrix:
        """Returns all columns, in the order of the contract; as the service encodes them if ``served``."""
        parts = [self.derived.get(name, self.plain.get(name)) for name in self.contract.names]
        whole: Matrix = np.ascontiguousarray(np.concatenate([part for part in parts if part is not None], axis=1))
        if not served:
            for place, column in zip(self.of_weights(), self.honest.values(), strict=True):
                whole[self.rows, place] = column[self.rows]
        return whole

    def of_weights(self) -> list[int]:
        """Returns the columns of the weights in ``honest``."""
        return [self.contract.columns.names.index(f"{name} {WEIGHT.what}") for name in self.honest]


class Choice:
    """What is known of derived features before the outcomes are looked at."""

    def __init__(self, inferred: Inferred, x: Matrix, y: Vector, as_of: Vector | None, fold: Indices) -> None:
        self.inferred, self.y, self.as_of, self.fold = inferred, y, as_of, fold
        contract, columns = inferred.contract, inferred.contract.columns
        settled = [place for place, feature in enumerate(contract.features) if feature.columns]
        self.plain = {contract.names[place]: x[:, columns.places(place)] for place in settled}
        self.open = [feature for feature in contract.features if not feature.columns]
        rows = {feature.name: row_of(feature) for feature in self.open}
        self.rows = {name: row for name, row in rows.items() if row is not None}
        self.tokens = {name: row.tokens(inferred.frame[name]) for name, row in self.rows.items()}
        candidates = [
            msgspec.structs.replace(
                feature,
                aspects=self.rows[feature.name].candidates(feature, contract.features, self.tokens[feature.name]),
            )
            for feature in self.open
        ]
        values = self.encoded(candidates)
        self.values = {
            feature.name: dict(zip(feature.aspects, values[feature.name].T.astype(np.float64), strict=True))
            for feature in candidates
        }

    def encoded(self, features: Sequence[Feature], rows: Rows | None = None) -> dict[str, Matrix]:
        """Returns the columns of each feature, as the engine encodes them, for some leads."""
        if not features:
            return {}
        frame, as_of = self.inferred.frame, self.as_of
        if rows is not None:
            frame, as_of = frame.filter(rows), None if as_of is None else as_of[rows]
        contract = Contract(tuple(features))
        x = encode_table(contract, frame, as_of)
        return {feature.name: x[:, contract.columns.places(place)] for place, feature in enumerate(features)}

    def made(self, out: int | None) -> View:
        """Chooses the columns without the leads of a fold; with all leads for ``None``."""
        rows = np.ones(len(self.y), dtype=bool) if out is None else self.fold != out
        taken = {column.name for one in self.inferred.contract.features for column in one.columns}
        chosen = [
            without_columns(
                self.rows[feature.name].choose(
                    feature, Evidence(rows, self.y, self.values[feature.name], self.tokens[feature.name])
                ),
                taken,
            )
            for feature in self.open
        ]
        honest: dict[str, Vector] = {}
        for place, feature in enumerate(chosen):
            if feature.weights:
                chosen[place] = self.weighted(feature, rows, honest)
        with_columns = {feature.name: feature for feature in chosen if feature.columns}
        if not self.plain and not with_columns:
            raise TrainingDataError("no column is left to train on: no word of the texts is related to the outcome")
        derived = self.encoded(list(with_columns.values()))
        every = (with_columns.get(one.name, one) for one in self.inferred.contract.features)
        contract = Contract(tuple(one for one in every if one.columns))
        return View(contract, self.plain, derived, rows, honest)

    def weighted(self, feature: Feature, rows: Rows, honest: dict[str, Vector]) -> Feature:
        """Returns the feature, with its column of weights only if weights from other leads carry signal.

        Adds those, of shape (leads,), to ``honest``.
        """
        tokens = self.tokens[feature.name]
        weights = self.crossed(feature, tokens, rows) if tokens is not None else np.full(len(rows), np.nan)
        if is_worth(weights[rows], self.y[rows]):
            honest[feature.name] = weights
            return feature
        aspects = tuple(aspect for aspect in feature.aspects if aspect != WEIGHT)
        return msgspec.structs.replace(feature, aspects=aspects, weights={})

    def crossed(self, feature: Feature, tokens: Tokens, rows: Rows) -> Vector:
        """Returns for each lead the mean weight of its tokens, from the leads of other folds; NaN for other rows."""
        found = np.full(len(rows), np.nan)
        for number in np.unique(self.fold[rows]):
            inside = rows & (self.fold == number)
            weights = weights_of(tokens, rows & ~inside, self.y, FEWEST)
            if weights:
                alone = msgspec.structs.replace(feature, aspects=(WEIGHT,), weights=weights)
                found[inside] = self.encoded([alone], inside)[feature.name][:, 0]
        return found


def without_columns(feature: Feature, taken: Collection[str]) -> Feature:
    """Returns the feature without columns of names that the data has already, such as a ``signup age`` of its own."""
    columns = zip(feature.aspects, feature.columns, strict=True)
    aspects = tuple(aspect for aspect, column in columns if column.name not in taken)
    weights = feature.weights if WEIGHT in aspects else {}
    return msgspec.structs.replace(feature, aspects=aspects, weights=weights)

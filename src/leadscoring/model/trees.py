"""A model's trees: loaded from XGBoost's file, validated, and scored by the engine."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from leadscoring import _engine
from leadscoring.errors import ModelUnreadable, ModelUnsupported
from leadscoring.model.categories import Values, category_values
from leadscoring.model.content import read_content
from leadscoring.model.document import SINGLES, Document, Learner, Tree, Trees, read_document, whole
from leadscoring.model.rounds import Choice, Rounds, rounds_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


class Reasons(Protocol):
    """Computes the strongest contributions of rows."""

    def __call__(self, rows: _engine.Rows, limit: int, first: int = 0, last: int = -1) -> list[list[Any]]:
        """Computes reasons as ``Forest.reasons`` does or, of features with aspects, as ``ReasonFinder.reasons``."""


class Importance(msgspec.Struct, frozen=True):
    """Importance of each column, or of each feature, in their order: sums over the splits that use it."""

    gain: tuple[float, ...]
    weight: tuple[int, ...]
    cover: tuple[float, ...]


class TreeEnsemble:
    """The trees of one binary XGBoost model. Immutable and thread-safe.

    Scores are in log-odds. The result for a lead does not depend on the other leads of the call and is bit-identical
    on all machines; margins are bit-identical to XGBoost's. Contributions are the exact Shapley values of
    path-dependent TreeSHAP (Lundberg et al. 2020, "From local explanations to global understanding with explainable
    AI for trees"). They are computed as the integral that Linear TreeSHAP (Yu et al. 2022) solves with polynomials,
    here by Gauss-Legendre quadrature, which is exact for them.
    """

    def __init__(
        self,
        header: Learner,
        forest: _engine.Forest,
        base_margin: float,
        digest: str,
        rounds: Rounds,
        values: dict[int, Values],
    ) -> None:
        self._forest = forest
        self.digest = digest
        """SHA-256 of everything that determines scores and reasons; the same for JSON, UBJ and a file saved again by
        XGBoost."""
        self._header = header
        self.base_margin = base_margin
        self.rounds = rounds
        """How many rounds of the file count; the ensemble contains only the trees of those."""
        self.category_values = values
        """The values of categorical features by column, in code order, if the file has them."""
        self.predict = forest.predict
        self.explain = forest.explain
        self.reasons = forest.reasons
        """
        ``predict(rows)`` returns one margin per row, ``explain(rows)`` all contributions of each row followed by the
        base value, and ``reasons(rows, limit)`` the ``limit`` strongest contributions of each row as
        (feature, contribution), without zeros. All take ``Rows`` and work without numpy. ValueError if the rows have
        another number of features.
        """

    def finding(self, numbers: memoryview[float] | None, widths: Sequence[int] | None = None) -> Reasons:
        """``reasons`` by feature of a contract, where ``widths`` is the number of columns of each (``None``: one each).

        Also counts its results in ``numbers``, if given: two per feature, raised and lowered scores.
        """
        return _engine.ReasonFinder(self._forest, numbers, widths).reasons

    def finder(self, widths: Sequence[int] | None = None) -> _engine.ReasonFinder:
        """Returns what computes reasons, for ``TableScorer``; ``widths`` as for ``finding``."""
        return _engine.ReasonFinder(self._forest, None, widths)

    @classmethod
    def load(cls, path: str | Path, rounds: Choice = "auto") -> TreeEnsemble:
        """Loads the JSON or UBJ file at ``path``, with all rounds or those up to the best one.

        Raises ModelNotFound if it cannot be read, ModelUnreadable if it is damaged, and ModelUnsupported if it is a
        valid model of another kind.
        """
        return cls.from_bytes(read_content(path), str(path), rounds)

    @classmethod
    def from_bytes(cls, data: bytes, source: str = "model", rounds: Choice = "auto") -> TreeEnsemble:
        """Loads trees from bytes; raises as ``load`` does, with messages prefixed by ``source``."""
        try:
            return _read(read_document(data), rounds)
        except (ModelUnreadable, ModelUnsupported) as error:
            raise type(error)(f"{source}: {error}") from error

    @property
    def n_features(self) -> int:
        """Number of columns per row."""
        return self._forest.n_features

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return self._forest.n_trees

    @property
    def max_depth(self) -> int:
        """Maximum number of splits between the root of a tree and a leaf."""
        return self._forest.max_depth

    @property
    def base_value(self) -> float:
        """The margin of the average training lead, to which a lead's contributions are added."""
        return self._forest.base_value

    @property
    def objective(self) -> str:
        """One of OBJECTIVES."""
        return self._header.objective.name

    @property
    def attributes(self) -> dict[str, str]:
        """The text attributes stored in the model, including the card."""
        return dict(self._header.attributes)

    @property
    def wrapper(self) -> dict[str, Any] | None:
        """The attributes saved by XGBoost's scikit-learn wrapper, if any."""
        return self._header.wrapper

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The column names, if the file has them."""
        return tuple(self._header.feature_names) or None

    @property
    def feature_types(self) -> tuple[str, ...] | None:
        """XGBoost's column types (``q``, ``float``, ``int``, ``i``, ``c``), if the file has them."""
        return tuple(self._header.feature_types) or None

    @property
    def categories(self) -> dict[int, int]:
        """Categorical features: how many categories the splits distinguish (largest code + 1), by column."""
        declared = {i: 0 for i, kind in enumerate(self._header.feature_types) if kind == "c"}
        seen = {i: count for i, count in enumerate(self._forest.categories) if count >= 0}
        return dict(sorted((declared | seen).items()))

    @property
    def importance(self) -> Importance:
        """Gain, number of splits and cover of each feature, summed over the trees."""
        gain, weight, cover = zip(*self._forest.importance, strict=True)
        return Importance(gain, weight, cover)

    def margins(self, rows: ArrayLike) -> NDArray[np.float32]:
        """The margin of each lead: float32 of shape (leads,), from rows of shape (leads, features).

        NaN means missing. Raises ValueError if the rows have another shape, TypeError if they are not numbers.
        """
        import numpy as np

        rows = self._rows(rows)
        margins = np.empty(len(rows), np.float32)
        self._forest.margins_into(rows, margins)
        return margins

    def contributions(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Each feature's contribution to each lead's margin: float32 of shape (leads, features + 1).

        The last column is the base value, and each row sums to the margin. Input and errors as for ``margins``.
        """
        import numpy as np

        rows = self._rows(rows)
        contributions = np.empty((len(rows), self.n_features + 1), np.float32)
        self._forest.contributions_into(rows, contributions)
        return contributions

    def _rows(self, rows: ArrayLike) -> NDArray[np.float32]:
        import numpy as np

        values = np.asarray(rows)
        if values.dtype.kind not in "fiub" and values.size:
            raise TypeError(f"rows must be numbers, with NaN for missing, not of type {values.dtype}")
        if values.ndim != 2 or values.shape[1] != self.n_features:
            raise ValueError(f"rows must have the shape (leads, {self.n_features}), not {values.shape}")
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(values, np.float32)


def _read(document: Document, choice: Choice) -> TreeEnsemble:
    header, model = document.header, document.trees
    _check_trees(model)
    rounds = rounds_of(document, choice)
    trees = model.trees[: rounds.trees]
    forest = _forest(trees, document)
    digest = _digest(header, document.base_margin, trees)
    return TreeEnsemble(
        header, forest, document.base_margin, digest, rounds, category_values(model.cats, document.version)
    )


def _digest(header: Learner, base_margin: float, checked: list[Tree]) -> str:
    """Computes ``TreeEnsemble.digest`` from validated trees, with numbers in float32."""
    trees = [tree.arrays() for tree in checked]
    sizes = [[len(values) for values in tree] for tree in trees]
    about = (header.objective.name, base_margin, header.feature_names, header.feature_types, sizes)
    digest = hashlib.sha256(msgspec.json.encode(about))
    for place, values in enumerate(zip(*trees, strict=True)):
        every = list(chain.from_iterable(values))
        digest.update(_singles(every) if place in SINGLES else array("q", every))
    return digest.hexdigest()


def _singles(values: list[float | None]) -> array[float]:
    """Converts numbers to float32, with all NaNs alike."""
    if None in values or math.isnan(sum(values)):  # type: ignore[arg-type]  # sum is not called when None is present
        values = [math.nan if value is None or math.isnan(value) else value for value in values]
    return array("f", values)  # type: ignore[arg-type]  # all are numbers here


def _check_trees(model: Trees) -> None:
    count = whole("num_trees", model.gbtree_model_param.num_trees)
    if count != len(model.trees) or count != len(model.tree_info):
        raise ModelUnreadable(
            f"num_trees is {count}, but there are {len(model.trees)} trees and {len(model.tree_info)} in tree_info"
        )
    if any(model.tree_info):
        raise ModelUnsupported("tree_info assigns trees to several classes; supported are binary models only")
    for i, tree in enumerate(model.trees):
        _check_tree(i, tree)


def _forest(trees: list[Tree], document: Document) -> _engine.Forest:
    features = whole("num_feature", document.header.learner_model_param.num_feature)
    try:
        return _engine.Forest(features, document.base_margin, [tree.arrays() for tree in trees])
    except NotImplementedError as error:
        raise ModelUnsupported(str(error)) from error
    except ValueError as error:
        raise ModelUnreadable(f"learner.gradient_booster.model: {error}") from error


def _check_tree(i: int, tree: Tree) -> None:
    vector = whole("size_leaf_vector", tree.tree_param.size_leaf_vector)
    if vector > 1:
        raise ModelUnsupported(f"trees[{i}] has leaves of {vector} values; supported is one value a leaf")
    nodes = whole("num_nodes", tree.tree_param.num_nodes)
    if nodes != len(tree.left_children):
        raise ModelUnreadable(f"trees[{i}]: num_nodes is {nodes}, but left_children has {len(tree.left_children)}")
    if tree.id is not None and tree.id != i:
        raise ModelUnreadable(f"trees[{i}] has the id {tree.id}: trees must be in the order of their ids")

"""The trees of a model: read from XGBoost's own file, checked, and scored by the engine."""

from __future__ import annotations

import hashlib
import math
import os
from array import array
from itertools import chain
from pathlib import Path
from struct import pack, unpack
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from leadscoring import _engine
from leadscoring.errors import ModelNotFound, ModelUnreadable, ModelUnsupported
from leadscoring.model import ubjson
from leadscoring.regular_file import opened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

Kind = TypeVar("Kind")

MAX_BYTES = 1 << 30
"""The largest model file that is read."""

OBJECTIVES = ("binary:logistic", "binary:logitraw", "reg:logistic")
"""Objectives whose margin is the log-odds of one outcome."""


class Reasons(Protocol):
    """What finds the strongest contributions of rows."""

    def __call__(self, rows: _engine.Rows, limit: int, first: int = 0, last: int = -1) -> list[list[tuple[int, float]]]:
        """As ``Forest.reasons``."""


class _Named(msgspec.Struct):
    name: str


class _Parameters(msgspec.Struct):
    base_score: str | float
    num_feature: str | int
    num_class: str | int = 0
    num_target: str | int = 1


class _Learner(msgspec.Struct):
    gradient_booster: _Named
    learner_model_param: _Parameters
    objective: _Named
    attributes: dict[str, str] = {}
    feature_names: list[str] = []
    feature_types: list[str] = []


class _Header(msgspec.Struct):
    """What a file says of itself, read before its trees so that other kinds of model are named as such."""

    learner: _Learner


class _TreeParameters(msgspec.Struct):
    num_nodes: str | int
    size_leaf_vector: str | int = 0


SINGLES = (5, 6, 7)
"""Those of a tree's arrays that hold float32."""


class _Tree(msgspec.Struct):
    tree_param: _TreeParameters
    left_children: list[int]
    right_children: list[int]
    split_indices: list[int]
    default_left: list[bool | int]
    split_conditions: list[float | None]
    sum_hessian: list[float | None]
    loss_changes: list[float | None]
    split_type: list[int] = []
    categories: list[int] = []
    categories_nodes: list[int] = []
    categories_segments: list[int] = []
    categories_sizes: list[int] = []
    id: int | None = None

    def arrays(self) -> tuple[list[Any], ...]:
        """In the order that ``Forest`` takes them."""
        return (
            self.left_children,
            self.right_children,
            self.split_indices,
            self.default_left,
            self.split_type,
            self.split_conditions,
            self.sum_hessian,
            self.loss_changes,
            self.categories,
            self.categories_nodes,
            self.categories_segments,
            self.categories_sizes,
        )


class _ForestParameters(msgspec.Struct):
    num_trees: str | int


class _Trees(msgspec.Struct):
    gbtree_model_param: _ForestParameters
    tree_info: list[int]
    trees: list[_Tree]


class _Booster(msgspec.Struct):
    model: _Trees


class _BodyLearner(msgspec.Struct):
    gradient_booster: _Booster


class _Body(msgspec.Struct):
    learner: _BodyLearner


class Importance(msgspec.Struct, frozen=True):
    """What each feature did for the trees, in column order: sums over the splits that use it."""

    gain: tuple[float, ...]
    weight: tuple[int, ...]
    cover: tuple[float, ...]


class TreeEnsemble:
    """The trees of one binary XGBoost model. Immutable; safe to share between threads.

    Scores are in log-odds. The result for a lead does not depend on the other leads of the call, and is the
    same to the bit on every machine; margins are XGBoost's own, to the bit. Contributions are the exact
    Shapley values of path-dependent TreeSHAP (Lundberg et al. 2020, "From local explanations to global
    understanding with explainable AI for trees"), by the integral that Linear TreeSHAP (Yu et al. 2022)
    solves with polynomials, here with Gauss-Legendre quadrature, which is exact for them.
    """

    def __init__(self, header: _Learner, forest: _engine.Forest, base_margin: float, digest: str) -> None:
        self._forest = forest
        self.digest = digest
        """SHA-256 of all that scores and reasons depend on, the same in JSON and UBJ, also when XGBoost saves again."""
        self._header = header
        self.base_margin = base_margin
        self.predict = forest.predict
        self.explain = forest.explain
        self.reasons = forest.reasons
        """
        ``predict(rows)`` gives a margin a row; ``explain(rows)`` all contributions of each row, the base value
        last; ``reasons(rows, limit)`` the ``limit`` strongest of each row as (feature, contribution), zeros
        left out. They take ``Rows``, and need no numpy. ValueError if the rows have another number of features.
        """

    def counting(self, numbers: memoryview[float]) -> Reasons:
        """``reasons`` that also counts what it gives into these doubles: two a feature, for raised and for lowered."""
        return _engine.ReasonCounter(self._forest, numbers).reasons

    @classmethod
    def load(cls, path: str | Path) -> TreeEnsemble:
        """The trees in the file at ``path``, JSON or UBJ.

        ModelNotFound if it cannot be read, ModelUnreadable if it is damaged, ModelUnsupported if it is a
        sound model of another kind.
        """
        try:
            with opened(path) as file:
                size = os.fstat(file.fileno()).st_size
                if size > MAX_BYTES:
                    raise ModelUnreadable(f"{path}: a model file may have at most {MAX_BYTES} bytes, not {size}")
                data = file.read()
        except FileNotFoundError as error:
            raise ModelNotFound(str(path)) from error
        except (OSError, ValueError) as error:
            raise ModelNotFound(str(path), getattr(error, "strerror", None) or str(error)) from error
        return cls.from_bytes(data, str(path))

    @classmethod
    def from_bytes(cls, data: bytes, source: str = "model") -> TreeEnsemble:
        """The trees in ``data``; errors as in ``load``, beginning with ``source``."""
        try:
            return _read(data)
        except (ModelUnreadable, ModelUnsupported) as error:
            raise type(error)(f"{source}: {error}") from error

    @property
    def n_features(self) -> int:
        """How many columns a row has."""
        return self._forest.n_features

    @property
    def n_trees(self) -> int:
        """How many trees are added up."""
        return self._forest.n_trees

    @property
    def max_depth(self) -> int:
        """The most splits between the root of a tree and a leaf."""
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
        """The texts that travel with the model, the card among them."""
        return dict(self._header.attributes)

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the columns, if the file has them."""
        return tuple(self._header.feature_names) or None

    @property
    def feature_types(self) -> tuple[str, ...] | None:
        """XGBoost's types of the columns (``q``, ``float``, ``int``, ``i``, ``c``), if the file has them."""
        return tuple(self._header.feature_types) or None

    @property
    def categories(self) -> dict[int, int]:
        """The categorical features, by column: how many categories the splits know (largest code + 1)."""
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

        NaN is missing. ValueError or TypeError if the rows have another shape or are not numbers.
        """
        import numpy as np

        rows = self._rows(rows)
        margins = np.empty(len(rows), np.float32)
        self._forest.margins_into(rows, margins)
        return margins

    def contributions(self, rows: ArrayLike) -> NDArray[np.float32]:
        """What each feature adds to each lead's margin: float32 of shape (leads, features + 1).

        The last column is the base value, and a row adds up to the margin. Input and errors as ``margins``.
        """
        import numpy as np

        rows = self._rows(rows)
        contributions = np.empty((len(rows), self.n_features + 1), np.float32)
        self._forest.contributions_into(rows, contributions)
        return contributions

    def _rows(self, rows: ArrayLike) -> NDArray[np.float32]:
        import numpy as np

        given = np.asarray(rows)
        if given.dtype.kind not in "fiub" and given.size:
            raise TypeError(f"rows must be numbers, with NaN for missing, not of type {given.dtype}")
        if given.ndim != 2 or given.shape[1] != self.n_features:
            raise ValueError(f"rows must have the shape (leads, {self.n_features}), not {given.shape}")
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(given, np.float32)


def _read(data: bytes) -> TreeEnsemble:
    if not data.lstrip()[:1] == b"{":
        raise ModelUnreadable(f"not an XGBoost model: JSON or UBJ starts with '{{', not with {data[:8]!r}")
    document = _decode_ubj(data) if data[1:2] in (b"i", b"U", b"I", b"l", b"L", b"#", b"$") else data
    header = _decode(document, _Header).learner
    base_margin = _check_header(header)
    body = _decode(document, _Body)
    forest = _forest(body, header, base_margin)
    return TreeEnsemble(header, forest, base_margin, _digest(header, base_margin, body.learner.gradient_booster.model))


def _digest(header: _Learner, base_margin: float, model: _Trees) -> str:
    """What ``TreeEnsemble.digest`` is; of trees that were checked. Numbers count as the float32 that they are."""
    trees = [tree.arrays() for tree in model.trees]
    sizes = [[len(values) for values in tree] for tree in trees]
    about = (header.objective.name, base_margin, header.feature_names, header.feature_types, sizes)
    digest = hashlib.sha256(msgspec.json.encode(about))
    for place, values in enumerate(zip(*trees, strict=True)):
        every = list(chain.from_iterable(values))
        digest.update(_singles(every) if place in SINGLES else array("q", every))
    return digest.hexdigest()


def _singles(values: list[float | None]) -> array[float]:
    """Numbers as float32, each kind of NaN as the same."""
    if None in values or math.isnan(sum(values)):  # type: ignore[arg-type]  # with None it is not asked for
        values = [math.nan if value is None or math.isnan(value) else value for value in values]
    return array("f", values)  # type: ignore[arg-type]  # they are numbers by now


def _decode_ubj(data: bytes) -> Any:
    try:
        return ubjson.decode(data)
    except ubjson.UBJError as error:
        raise ModelUnreadable(f"not a UBJ file: {error}") from error


def _decode(document: Any, kind: type[Kind]) -> Kind:
    try:
        if not isinstance(document, bytes):
            return msgspec.convert(document, kind)
        try:
            return msgspec.json.decode(document, type=kind)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            # XGBoost writes NaN, which JSON lacks, as the threshold of some category splits.
            return msgspec.json.decode(_engine.nan_to_null(document), type=kind)
    except msgspec.ValidationError as error:
        raise ModelUnreadable(f"not an XGBoost model: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelUnreadable(f"not a JSON file: {error}") from error


def _check_header(learner: _Learner) -> float:
    """Refuses what is not a binary model of plain trees; gives the margin before the first tree."""
    booster, parameters = learner.gradient_booster.name, learner.learner_model_param
    supported = f"supported are binary models ({', '.join(OBJECTIVES)}) of the booster gbtree with one output"
    if booster != "gbtree":
        raise ModelUnsupported(f"the booster is {booster!r}; {supported}")
    classes = _whole("num_class", parameters.num_class)
    if classes > 1:
        raise ModelUnsupported(f"the model tells {classes} classes apart; {supported}")
    targets = _whole("num_target", parameters.num_target)
    if targets > 1:
        raise ModelUnsupported(f"the model has {targets} targets; {supported}")
    if learner.objective.name not in OBJECTIVES:
        raise ModelUnsupported(f"the objective is {learner.objective.name!r}; {supported}")
    features = _whole("num_feature", parameters.num_feature)
    for name, given in (("feature_names", learner.feature_names), ("feature_types", learner.feature_types)):
        if given and len(given) != features:
            raise ModelUnreadable(f"learner.{name} has {len(given)} entries, but num_feature is {features}")
    return _base_margin(parameters.base_score, learner.objective.name)


def _whole(name: str, value: str | int) -> int:
    try:
        return int(value)
    except ValueError as error:
        raise ModelUnreadable(f"{name} is {value[:40]!r}, not a whole number") from error  # type: ignore[index]  # only a text fails


def _single(value: float) -> float:
    """The nearest float32."""
    return float(unpack("f", pack("f", value))[0])


def _base_margin(text: str | float, objective: str) -> float:
    """XGBoost's own steps from the base score to the margin before the first tree, each rounded to float32."""
    shown = str(text)[:40]
    inner = str(text).strip().removeprefix("[").removesuffix("]")
    if "," in inner:
        raise ModelUnsupported(f"base_score is {shown!r}: models with several outputs are not supported")
    try:
        score = _single(float(inner))
    except (ValueError, OverflowError) as error:
        raise ModelUnreadable(f"base_score is {shown!r}, not a number") from error
    if objective == "binary:logitraw":  # there it is a margin already
        if not math.isfinite(score):
            raise ModelUnreadable(f"base_score is {shown!r}, not finite")
        return score
    if not 0 <= score <= 1:
        raise ModelUnreadable(f"base_score is {shown!r}, not from 0 to 1")
    tiny = _single(1e-6)
    score = min(max(score, tiny), _single(1.0 - tiny))
    return 0.0 - _single(math.log(_single(_single(1.0 / score) - 1.0)))


def _forest(body: _Body, header: _Learner, base_margin: float) -> _engine.Forest:
    model = body.learner.gradient_booster.model
    count = _whole("num_trees", model.gbtree_model_param.num_trees)
    if count != len(model.trees) or count != len(model.tree_info):
        raise ModelUnreadable(
            f"num_trees is {count}, but there are {len(model.trees)} trees and {len(model.tree_info)} in tree_info"
        )
    if any(model.tree_info):
        raise ModelUnsupported("tree_info assigns trees to several classes; supported are binary models only")
    for i, tree in enumerate(model.trees):
        _check_tree(i, tree)
    features = _whole("num_feature", header.learner_model_param.num_feature)
    try:
        return _engine.Forest(features, base_margin, [tree.arrays() for tree in model.trees])
    except NotImplementedError as error:
        raise ModelUnsupported(str(error)) from error
    except ValueError as error:
        raise ModelUnreadable(f"learner.gradient_booster.model: {error}") from error


def _check_tree(i: int, tree: _Tree) -> None:
    vector = _whole("size_leaf_vector", tree.tree_param.size_leaf_vector)
    if vector > 1:
        raise ModelUnsupported(f"trees[{i}] has leaves of {vector} values; supported is one value a leaf")
    nodes = _whole("num_nodes", tree.tree_param.num_nodes)
    if nodes != len(tree.left_children):
        raise ModelUnreadable(f"trees[{i}]: num_nodes is {nodes}, but left_children has {len(tree.left_children)}")
    if tree.id is not None and tree.id != i:
        raise ModelUnreadable(f"trees[{i}] has the id {tree.id}: trees must be in the order of their ids")

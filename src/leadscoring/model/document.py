"""Parses XGBoost's model files: the header, and the trees in file order.

JSON or UBJ of any version since 1.0. The content is untrusted: the header is validated here, the trees when the
engine loads them.
"""

import math
from array import array
from itertools import accumulate, chain
from struct import pack, unpack
from typing import Any, TypeVar

import msgspec

from leadscoring import _engine
from leadscoring.errors import ModelUnreadable, ModelUnsupported
from leadscoring.model import ubjson
from leadscoring.model.foreign import CONFIGURATION, name_json, refuse_foreign

Kind = TypeVar("Kind")

OBJECTIVES = ("binary:logistic", "binary:logitraw", "reg:logistic")
"""Objectives whose margin is the log-odds of a single outcome."""

BOOSTERS = ("gbtree", "dart")

RAW_SINCE = (1, 3, 1)
"""Since this version the base score of ``binary:logitraw`` is a margin; before, it is a probability."""

UNKNOWN_BY_DEFAULT, UNKNOWN_LEFT = (1, 5), (1, 7, 3)
"""From the first version until before the second, a category beyond the bit field of a split follows the default
direction of missing values; since then it goes left, like any category that is not in the set."""

MOST_NAMED = 10_000_000
"""Maximum number of categories added to sets for that: a small file must not expand to a large one."""

WORD = 32
"""Categories in one word of a bit field."""

WRAPPER = "scikit_learn"
"""The attribute that XGBoost's scikit-learn wrapper saves with a model."""


class Named(msgspec.Struct):
    """An object with a name."""

    name: str


class Parameters(msgspec.Struct):
    """``learner_model_param``: numbers, most of them written as text."""

    base_score: str | float
    num_feature: str | int
    num_class: str | int = 0
    num_target: str | int = 1


class Learner(msgspec.Struct):
    """The header of a model file."""

    gradient_booster: Named
    learner_model_param: Parameters
    objective: Named
    attributes: dict[str, str] = {}
    feature_names: list[str] = []
    feature_types: list[str] = []

    @property
    def wrapper(self) -> dict[str, Any] | None:
        """The attributes saved by the scikit-learn wrapper, if any; XGBoost before 2.0 saves every parameter."""
        text = self.attributes.get(WRAPPER)
        if text is None:
            return None
        try:
            return msgspec.json.decode(_engine.plain_json(text.encode()), type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return {}


class Header(msgspec.Struct):
    """Decoded before the trees, so that an unsupported kind of model is reported as such."""

    learner: Learner
    version: list[int] = []


class TreeParameters(msgspec.Struct):
    """``tree_param`` of one tree."""

    num_nodes: str | int
    size_leaf_vector: str | int = 0


SINGLES = (5, 6, 7)
"""Positions of those arrays of a tree that contain float32."""


class Tree(msgspec.Struct):
    """One tree, with its arrays as in the file."""

    tree_param: TreeParameters
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
        """The arrays in the order that ``Forest`` expects."""
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

    def weigh(self, weight: float) -> None:
        """Multiplies the leaf values by a float32 weight in float32, as XGBoost does for dart."""
        singles = array("f", [math.nan if value is None else value for value in self.split_conditions])
        weighed = array("f", [value * weight for value in singles])
        leaves = [left == -1 for left in self.left_children]
        self.split_conditions = [
            weighed[place] if place < len(leaves) and leaves[place] else value
            for place, value in enumerate(self.split_conditions)
        ]

    def sets(self) -> dict[int, list[int]]:
        """The categories that go right, by node; empty if the file is inconsistent, which is rejected later."""
        places = zip(self.categories_nodes, self.categories_segments, self.categories_sizes, strict=False)
        known = range(min(len(self.split_indices), len(self.default_left)))
        sets = {node: self.categories[first : first + size] for node, first, size in places if node in known}
        return sets if sum(map(len, sets.values())) == len(self.categories) else {}

    def keep(self, sets: dict[int, list[int]]) -> None:
        """Replaces the categories that go right."""
        if not sets:
            return
        self.categories_nodes = list(sets)
        self.categories_sizes = [len(codes) for codes in sets.values()]
        self.categories_segments = [0, *accumulate(self.categories_sizes)][:-1]
        self.categories = list(chain.from_iterable(sets.values()))


class ForestParameters(msgspec.Struct, forbid_unknown_fields=True):
    """``gbtree_model_param``.

    Unknown fields are rejected, here and in the next three structs, because they might change scores.
    """

    num_trees: str | int
    num_parallel_tree: str | int = 0
    size_leaf_vector: str | int = 0


class Encoding(msgspec.Struct):
    """The categories of one feature in code order: numbers, or the bytes of texts with their end offsets."""

    values: list[int | float] = []
    offsets: list[int] | None = None


class Categories(msgspec.Struct):
    """Categorical columns, as stored by XGBoost 3.1 and later."""

    enc: list[Encoding] = []


class Trees(msgspec.Struct, forbid_unknown_fields=True):
    """The trees in summation order, their division into rounds and, since 3.4, the weights of dart."""

    gbtree_model_param: ForestParameters
    tree_info: list[int]
    trees: list[Tree]
    iteration_indptr: list[int] = []
    cats: Categories | None = None
    weight_drop: list[float] = []


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    """The trees of a dart booster before 3.4."""

    name: str
    model: Trees


class Booster(msgspec.Struct, forbid_unknown_fields=True):
    """``gbtree``, or before 3.4 a ``dart`` that wraps one, with a weight per tree."""

    name: str
    model: Trees | None = None
    gbtree: Inner | None = None
    weight_drop: list[float] = []


class BodyLearner(msgspec.Struct):
    """The part of the learner that contains the trees."""

    gradient_booster: Booster


class Body(msgspec.Struct):
    """The file without its header."""

    learner: BodyLearner


class Document(msgspec.Struct, frozen=True):
    """A model file with a validated header; its trees are not validated yet."""

    header: Learner
    version: tuple[int, ...]
    base_margin: float
    trees: Trees


def read_document(data: bytes) -> Document:
    """Parses a model file.

    Raises ModelUnreadable if it is damaged or not a model, ModelUnsupported if it is another kind of model.
    """
    document = parsed(data)
    about = decode(document, Header)
    version = tuple(about.version)
    base_margin = check_header(about.learner, version)
    trees = trees_of(decode(document, Body).learner.gradient_booster)
    if UNKNOWN_BY_DEFAULT <= version < UNKNOWN_LEFT:
        send_unknown_by_default(trees.trees)
    return Document(about.learner, version, base_margin, trees)


def read_header(data: bytes) -> Learner:
    """Parses the header only, without validating it.

    Raises ModelUnreadable or ModelUnsupported if the bytes are not an XGBoost model file.
    """
    return decode(parsed(data), Header).learner


def parsed(data: bytes) -> Any:
    """The decoded value of a UBJ file, or the bytes of a JSON file. Rejects other formats by name."""
    refuse_foreign(data)
    return decode_ubj(data) if data[1:2] in (b"i", b"U", b"I", b"l", b"L", b"#", b"$") else data


def trees_of(booster: Booster) -> Trees:
    """The trees of a booster; weights of dart are multiplied into the leaves."""
    trees = booster.gbtree.model if booster.gbtree else booster.model
    if trees is None:
        raise ModelUnsupported(CONFIGURATION)
    if not trees.trees and whole("num_trees", trees.gbtree_model_param.num_trees) == 0:
        raise ModelUnsupported("the model has no trees: it was saved before it was trained")
    weights = booster.weight_drop or trees.weight_drop
    if booster.gbtree is None and not weights:
        return trees
    if len(weights) != len(trees.trees):
        raise ModelUnreadable(f"weight_drop has {len(weights)} weights for {len(trees.trees)} trees")
    for tree, weight in zip(trees.trees, array("f", weights), strict=True):
        tree.weigh(weight)
    return trees


def send_unknown_by_default(trees: list[Tree]) -> None:
    """Extends the sets so that unknown categories take the default direction, as in XGBoost before 1.7.3.

    Covers all categories that any split names; the first code beyond them stands for all others. Raises
    ModelUnsupported if that would add more than ``MOST_NAMED`` categories.
    """
    room = MOST_NAMED
    most: dict[int, int] = {}
    for tree in trees:
        for node, codes in tree.sets().items():
            feature = tree.split_indices[node]
            most[feature] = max(most.get(feature, 0), *codes, 0)
    for tree in trees:
        sets = tree.sets()
        for node, codes in sets.items():
            if not tree.default_left[node]:
                words = max(codes, default=0) // WORD + 1
                beyond = range(words * WORD, most[tree.split_indices[node]] + 2)
                room -= len(beyond)
                if room < 0:
                    raise ModelUnsupported("the model has more categories than those of XGBoost before 1.7.3 may have")
                codes.extend(beyond)
        tree.keep(sets)


def decode_ubj(data: bytes) -> Any:
    """Decodes UBJ. Raises ModelUnreadable."""
    try:
        return ubjson.decode(data)
    except ubjson.UBJError as error:
        raise ModelUnreadable(f"not a UBJ file: {error}") from error


def decode(document: Any, kind: type[Kind]) -> Kind:
    """Converts JSON bytes or a decoded UBJ value to a struct.

    Raises ModelUnreadable, or ModelUnsupported for another kind of model or an unknown field.
    """
    try:
        if not isinstance(document, bytes):
            return msgspec.convert(document, kind)
        try:
            return msgspec.json.decode(document, type=kind)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            # XGBoost writes NaN and infinities as the thresholds of some category splits.
            return msgspec.json.decode(_engine.plain_json(document), type=kind)
    except msgspec.ValidationError as error:
        if isinstance(document, bytes) and (named := name_json(document)):
            raise ModelUnsupported(named) from error
        if "unknown field" in str(error):
            raise ModelUnsupported(f"its trees have a field that this version does not know: {error}") from error
        raise ModelUnreadable(f"not an XGBoost model: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if "truncated" in str(error):
            raise ModelUnreadable(f"the file ends in the middle, after {len(document)} bytes; copy it again") from error
        raise ModelUnreadable(f"not a JSON file: {error}") from error


def check_header(learner: Learner, version: tuple[int, ...]) -> float:
    """Rejects anything but a binary model of plain trees; returns the margin before the first tree."""
    booster, parameters = learner.gradient_booster.name, learner.learner_model_param
    kinds = f"binary models ({', '.join(OBJECTIVES)}) of the boosters {' and '.join(BOOSTERS)} with one output"
    supported = f"supported are {kinds}"
    if booster not in BOOSTERS:
        raise ModelUnsupported(f"the booster is {booster!r}; {supported}")
    classes = whole("num_class", parameters.num_class)
    if classes > 1:
        raise ModelUnsupported(f"the model has {classes} classes; {supported}")
    targets = whole("num_target", parameters.num_target)
    if targets > 1:
        raise ModelUnsupported(f"the model has {targets} targets; {supported}")
    if learner.objective.name not in OBJECTIVES:
        raise ModelUnsupported(f"the objective is {learner.objective.name!r}; {supported}")
    features = whole("num_feature", parameters.num_feature)
    for name, entries in (("feature_names", learner.feature_names), ("feature_types", learner.feature_types)):
        if entries and len(entries) != features:
            raise ModelUnreadable(f"learner.{name} has {len(entries)} entries, but num_feature is {features}")
    raw = learner.objective.name == "binary:logitraw" and version >= RAW_SINCE
    return base_margin_of(parameters.base_score, raw)


def whole(name: str, value: str | int) -> int:
    """Converts a whole number that may be written as text. Raises ModelUnreadable."""
    try:
        return int(value)
    except ValueError as error:
        raise ModelUnreadable(f"{name} is {value[:40]!r}, not a whole number") from error  # type: ignore[index]  # only text raises ValueError


def rounded(value: float) -> float:
    """The nearest float32."""
    return float(unpack("f", pack("f", value))[0])


def base_margin_of(text: str | float, raw: bool) -> float:
    """Converts the base score to the initial margin as XGBoost does, rounding each step to float32.

    With ``raw``, the score is already a margin. Raises ModelUnreadable or ModelUnsupported.
    """
    shown = str(text)[:40]
    inner = str(text).strip().removeprefix("[").removesuffix("]")
    if "," in inner:
        raise ModelUnsupported(f"base_score is {shown!r}: models with several outputs are not supported")
    try:
        score = rounded(float(inner))
    except (ValueError, OverflowError) as error:
        raise ModelUnreadable(f"base_score is {shown!r}, not a number") from error
    if raw:
        if not math.isfinite(score):
            raise ModelUnreadable(f"base_score is {shown!r}, not finite")
        return score
    if not 0 <= score <= 1:
        raise ModelUnreadable(f"base_score is {shown!r}, not from 0 to 1")
    tiny = rounded(1e-6)
    score = min(max(score, tiny), rounded(1.0 - tiny))
    return 0.0 - rounded(math.log(rounded(rounded(1.0 / score) - 1.0)))

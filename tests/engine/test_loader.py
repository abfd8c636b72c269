"""Damaged and hostile model files are refused with a message: never a crash, a hang or a wild allocation."""

import json
import random
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from grown import Grow
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring import _engine
from leadscoring.errors import ModelUnreadable, ModelUnsupported
from leadscoring.model.trees import TreeEnsemble

Document = dict[str, Any]


def spoil_tree(field: str, index: int, value: Any) -> Callable[[Document], None]:
    """Replaces one entry of one array of the second tree."""

    def spoil(document: Document) -> None:
        document["learner"]["gradient_booster"]["model"]["trees"][1][field][index] = value

    return spoil


def spoil(path: str, value: Any) -> Callable[[Document], None]:
    """Replaces what is at a dotted path."""

    def spoil(document: Document) -> None:
        *way, last = path.split(".")
        place: Any = document
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[int(last) if last.isdigit() else last] = value

    return spoil


MODEL = "learner.gradient_booster.model"
TREE = f"{MODEL}.trees.1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoil_tree("left_children", 0, 10**6), r"trees\[1\]: left_children\[0\] is 1000000, not one of"),
        (spoil_tree("right_children", 0, -7), r"right_children\[0\] is -7"),
        (spoil_tree("left_children", 0, -1), "node 0 has only one child"),
        (spoil_tree("left_children", 0, 0), "node 0 is the child of more than one node"),
        (spoil_tree("left_children", 0, 2), "child of more than one node"),
        (spoil_tree("left_children", 1, 0), "child of more than one node"),
        (spoil_tree("left_children", 0, 2**40), "not a 32-bit integer"),
        (spoil_tree("left_children", 0, 10**30), "not an? .*32-bit|Expected"),
        (spoil_tree("left_children", 0, 1.5), "Expected `int`"),
        (spoil_tree("split_indices", 0, 6), r"split_indices\[0\] is 6, but the model has 6 features"),
        (spoil_tree("split_indices", 0, -1), r"split_indices\[0\] is -1"),
        (spoil_tree("default_left", 0, 2), r"default_left\[0\] is neither 0 nor 1"),
        (spoil_tree("split_type", 0, 3), r"split_type\[0\] is neither 0"),
        (spoil_tree("split_conditions", 0, None), r"split_conditions\[0\] is not a number"),
        (spoil_tree("split_conditions", -1, 1e300), "is not a finite number"),
        (spoil_tree("split_conditions", 0, "1"), r"Expected `float \| null`"),
        (spoil_tree("sum_hessian", 0, -1.0), r"sum_hessian\[0\]"),
        (spoil_tree("sum_hessian", -1, None), "sum_hessian"),
        (spoil_tree("loss_changes", 0, None), r"loss_changes\[0\]"),
        (spoil_tree("categories", 0, -1), "categories holds -1"),
        (spoil_tree("categories", 0, 2**24), "categories holds 16777216"),
        (spoil_tree("categories_nodes", 0, 10**6), r"categories_nodes\[0\] is 1000000"),
        (spoil_tree("categories_segments", 0, 10**6), r"categories_segments\[0\] lies outside"),
        (spoil_tree("categories_segments", 0, -1), r"categories_segments\[0\] lies outside"),
        (spoil_tree("categories_sizes", 0, 2**31 - 1), r"categories_segments\[0\] lies outside"),
        (spoil_tree("categories_sizes", 0, 10), "lies outside|categories_sizes add up to more"),
        (spoil(f"{TREE}.categories_sizes", []), "different lengths"),
        (spoil(f"{TREE}.categories_nodes", [0]), "different lengths"),
        (spoil(f"{TREE}.right_children", []), "right_children has 0 entries for"),
        (spoil(f"{TREE}.sum_hessian", [1.0]), "sum_hessian has 1 entries for"),
        (spoil(f"{TREE}.split_type", [1]), "split_type has 1 entries"),
        (spoil(f"{TREE}.left_children", []), "num_nodes is .* but left_children has 0"),
        (spoil(f"{TREE}.tree_param.num_nodes", "x"), "num_nodes is 'x'"),
        (spoil(f"{TREE}.id", 5), r"trees\[1\] has the id 5"),
        (spoil(f"{TREE}", {}), r"missing required field.*trees"),
        (spoil(f"{MODEL}.trees", []), "there are 0 trees"),
        (spoil(f"{MODEL}.tree_info", [0]), "1 in tree_info"),
        (spoil(f"{MODEL}.gbtree_model_param.num_trees", "99"), "num_trees is 99"),
        (spoil("learner.learner_model_param.num_feature", "3"), "split_indices|feature_types"),
        (spoil("learner.learner_model_param.num_feature", "0"), "feature_types has 6|num_feature is 0"),
        (spoil("learner.learner_model_param.num_feature", "many"), "num_feature is 'many'"),
        (spoil("learner.learner_model_param.base_score", "[nan]"), "not from 0 to 1"),
        (spoil("learner.learner_model_param.base_score", "[2]"), "not from 0 to 1"),
        (spoil("learner.learner_model_param.base_score", "half"), "base_score is 'half', not a number"),
        (spoil("learner.feature_names", ["a"]), "feature_names has 1 entries, but num_feature is 6"),
        (spoil("learner.attributes", {"a": 1}), "Expected `str`, got `int`.*attributes"),
        (spoil("learner.objective", None), "objective"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(change: Callable[[Document], None], said: str, grow: Grow) -> None:
    """One wrong number anywhere in the file is a refusal that names the array, the place and the reason."""
    document = json.loads(grow(4, 3, categories=20).raw())
    change(document)
    with pytest.raises(ModelUnreadable, match=said):
        TreeEnsemble.from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoil("learner.learner_model_param.base_score", "[1E-1,2E-1]"), "several outputs"),
        (spoil(f"{MODEL}.tree_info", [0, 1, 0]), "several classes"),
        (spoil(f"{TREE}.tree_param.size_leaf_vector", "2"), "leaves of 2 values"),
        (spoil("learner.objective.name", "rank:pairwise"), "'rank:pairwise'"),
    ],
)
def test_other_kinds_of_tree_are_unsupported(change: Callable[[Document], None], said: str, grow: Grow) -> None:
    """A sound file of another kind is told from a damaged one."""
    document = json.loads(grow(4, 3, categories=20).raw())
    change(document)
    with pytest.raises(ModelUnsupported, match=said):
        TreeEnsemble.from_bytes(json.dumps(document).encode())


def chain(depth: int, features: int = 3) -> tuple[Any, ...]:
    """A tree that is one long chain of splits, in the order that Forest takes its arrays."""
    nodes = 2 * depth + 1
    left = [i + 1 if i % 2 == 0 and i + 2 < nodes else -1 for i in range(nodes)]
    right = [i + 2 if i % 2 == 0 and i + 2 < nodes else -1 for i in range(nodes)]
    numbers = [float(nodes - i) for i in range(nodes)]
    indices = [i // 2 % features for i in range(nodes)]
    return (left, right, indices, [0] * nodes, [], [0.5] * nodes, numbers, [0.0] * nodes, [], [], [], [])


def test_the_deepest_chain_is_scored_and_a_deeper_one_refused(variant: str) -> None:
    """512 levels of any number of features work; the limit is said to be one of support, not of soundness."""
    for features in (1, 3, 512):
        forest = _engine.Forest(features, 0.0, [chain(512, features)])
        row = _engine.Rows([[1.0] * features])
        assert forest.max_depth == 512
        assert sum(forest.explain(row)[0]) == pytest.approx(forest.predict(row)[0], abs=1e-5)
    with pytest.raises(NotImplementedError, match="deeper than 512 levels"):
        _engine.Forest(3, 0.0, [chain(513)])


def test_a_long_hostile_chain_is_refused_at_once() -> None:
    """A file that announces a million levels neither overflows a stack nor takes long."""
    with pytest.raises(NotImplementedError, match="deeper"):
        _engine.Forest(3, 0.0, [chain(300_000)])


def test_far_categories_take_little_memory() -> None:
    """The largest category code is stored as a number, not as a field of two million bytes."""
    tree = ([1, -1, -1], [2, -1, -1], [0] * 3, [0] * 3, [1, 0, 0], [0.0, 1.0, 2.0], [2.0, 1.0, 1.0], [0.0] * 3)
    forest = _engine.Forest(1, 0.0, [(*tree, [16777214], [0], [0], [1])])
    rows = _engine.Rows([[16777214.0], [16777213.0], [0.0], [None]])
    assert forest.predict(rows) == [2.0, 1.0, 1.0, 2.0]
    assert forest.n_bytes < 10_000
    assert forest.categories == [16777215]


@pytest.mark.parametrize("features", [0, -1, 65536, 2**40])
def test_the_number_of_features_is_capped(features: int) -> None:
    """Tables are as wide as the features: an absurd number is refused before anything is allocated."""
    with pytest.raises(ValueError, match="num_feature is"):
        _engine.Forest(features, 0.0, [])


@pytest.mark.parametrize(
    "trees",
    [(), [None], [()], [([],) * 12], [(None,) * 12], [([1], [2], [0], [0], [], [0.5], [1.0], [0.0], [], [], [], [])]],
)
def test_the_engine_trusts_nobody(trees: Any) -> None:
    """Also what does not come from a file is checked."""
    with pytest.raises(ValueError, match="trees"):
        _engine.Forest(1, 0.0, trees)


def test_covers_of_nothing_still_add_up(grow: Grow, variant: str) -> None:
    """Where no training lead ever came, both sides weigh the same, and contributions still add up."""
    model = grow(4, 20)
    document = json.loads(model.raw())
    for tree in document["learner"]["gradient_booster"]["model"]["trees"][::2]:
        tree["sum_hessian"] = [0.0] * len(tree["sum_hessian"])
    for tree in document["learner"]["gradient_booster"]["model"]["trees"][1::2]:
        tree["sum_hessian"] = [0.0 if i % 3 else cover for i, cover in enumerate(tree["sum_hessian"])]
    trees = TreeEnsemble.from_bytes(json.dumps(document).encode())
    contributions = trees.contributions(model.rows)
    np.testing.assert_allclose(contributions.sum(1, dtype=float), model.margins(), rtol=0, atol=1e-5)


def score_or_refuse(data: bytes) -> None:
    """Either the file is refused with one of our errors, or what it holds can be scored."""
    try:
        trees = TreeEnsemble.from_bytes(data)
    except (ModelUnreadable, ModelUnsupported):
        return
    rows = np.random.default_rng(1).normal(size=(20, trees.n_features)).astype(np.float32) * 3
    for leads in (rows, rows[:1]):
        trees.margins(leads)
        trees.contributions(leads)


@pytest.mark.parametrize("form", ["json", "ubj"])
@pytest.mark.parametrize("depth", [3, 9])
def test_flipped_bytes_never_crash(depth: int, form: str, grow: Grow) -> None:
    """Hundreds of files with a few bytes changed, cut or repeated are scored or refused."""
    raw = grow(depth, 2, categories=20, leads=200).raw(form)
    chance = random.Random(depth)
    for _ in range(400):
        data = bytearray(raw)
        for _ in range(chance.choice([1, 1, 2, 8])):
            place = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    data[place] ^= 1 << chance.randrange(8)
                case 2:
                    del data[place : place + chance.randrange(1, 9)]
                case _:
                    data[place:place] = data[chance.randrange(len(data)) :][: chance.randrange(1, 40)]
        score_or_refuse(bytes(data))


@pytest.mark.parametrize("form", ["json", "ubj"])
def test_files_cut_short_are_unreadable(form: str, grow: Grow) -> None:
    """A file that ends early is refused wherever it ends."""
    raw = grow(3, 2, categories=20, leads=200).raw(form)
    for end in range(0, len(raw) - 1, 1 + len(raw) // 300):
        with pytest.raises(ModelUnreadable):
            TreeEnsemble.from_bytes(raw[:end])


wild = st.one_of(
    st.integers(-3, 40),
    st.integers(-(2**70), 2**70),
    st.sampled_from([2**31 - 1, -(2**31), 2**24, 65535, 2147483647]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
    st.text(max_size=3),
    st.booleans(),
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each number, text and list of a document."""
    found = [way] if way else []
    if isinstance(value, dict):
        return found + [place for key, item in value.items() for place in places(item, (*way, key))]
    if isinstance(value, list):
        return found + [place for i, item in enumerate(value) for place in places(item, (*way, i))]
    return found


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_wild_values_never_crash(data: st.DataObject, grow: Grow) -> None:
    """Any value of the document replaced by any other, up to three at once, is scored or refused."""
    raw = grow(3, 2, categories=20, leads=200).raw()
    ways = places(json.loads(raw))
    document = json.loads(raw)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(ways))
        place = document
        try:
            for step in way:
                place = place[step]
            place[last] = data.draw(wild | st.lists(wild, max_size=4))
        except (IndexError, KeyError, TypeError):
            continue  # an earlier change took this place away
    score_or_refuse(msgspec.json.encode(document) if _encodable(document) else json.dumps(document).encode())


def _encodable(document: Any) -> bool:
    try:
        msgspec.json.encode(document)
    except (OverflowError, ValueError):
        return False
    return True

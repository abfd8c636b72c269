"""XGBoost's own file is read in every form that a version has written, and what is no such model is refused by name."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
import xgboost as xgb
from grown import Grow

from leadscoring.errors import ModelUnreadable, ModelUnsupported
from leadscoring.model.document import (
    MOST_NAMED,
    Tree,
    TreeParameters,
    read_document,
    read_header,
    send_unknown_by_default,
)
from leadscoring.model.file import open_model
from leadscoring.model.trees import TreeEnsemble

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(400, 3)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] + RANDOM.normal(size=400) > 0).astype(int)


@pytest.mark.parametrize("score", [0.0, 1e-7, 0.001, 0.123, 0.25, 0.5, 0.75, 0.9, 0.999, 0.999999, 1.0])
def test_base_margin_is_xgboosts_to_the_bit(score: float, grow: Grow) -> None:
    """The base score becomes a margin by XGBoost's own float32 steps."""
    model = grow(1, 1, gamma=1e9)
    document = json.loads(model.raw())
    document["learner"]["learner_model_param"]["base_score"] = f"[{score}]"
    document["learner"]["gradient_booster"]["model"]["trees"][0]["split_conditions"] = [0.0]
    raw = json.dumps(document).encode()
    margin = xgboost.Booster(model_file=bytearray(raw)).predict(model.matrix(model.rows[:1]), output_margin=True)
    assert margin[0] == TreeEnsemble.from_bytes(raw).base_margin


@pytest.mark.parametrize("text", ["5E-1", "[5E-1]", "0.5", "[5E-01]", 0.5])
def test_every_notation_of_the_base_score(text: str | float, grow: Grow) -> None:
    """A number, a text and a text in brackets mean the same."""
    document = json.loads(grow(3, 5, base_score=0.5).raw())
    document["learner"]["learner_model_param"]["base_score"] = text
    trees = TreeEnsemble.from_bytes(json.dumps(document).encode())
    assert trees.base_margin == 0.0


def test_the_base_score_of_raw_margins_was_a_probability_once(tmp_path: Path) -> None:
    """Before XGBoost 1.3.1; the file names the version that trained it."""
    options = {"objective": "binary:logitraw", "base_score": 0.3, "nthread": 1}
    document = json.loads(bytes(xgb.train(options, xgb.DMatrix(X, Y), 2).save_raw("json")))
    del document["learner"]["gradient_booster"]["model"]["cats"]
    for version, margin in (([1, 3, 0], math.log(0.3 / 0.7)), ([1, 3, 1], 0.3), ([3, 2, 0], 0.3)):
        document["version"] = version
        (tmp_path / "m.json").write_text(json.dumps(document))
        assert open_model(tmp_path / "m.json").trees.base_margin == pytest.approx(margin)


def test_older_files_are_read(grow: Grow) -> None:
    """Files of XGBoost 1.x lack the newer fields and spell default_left as true and false."""
    model = grow(4, 10)
    document = json.loads(model.raw())
    document["version"] = [1, 2, 0]
    booster = document["learner"]["gradient_booster"]["model"]
    for field in ("cats", "iteration_indptr"):
        booster.pop(field, None)
    for field in ("feature_names", "feature_types", "attributes"):
        document["learner"].pop(field)
    for field in ("num_target", "boost_from_average"):
        document["learner"]["learner_model_param"].pop(field)
    for tree in booster["trees"]:
        for field in [field for field in tree if field.startswith("categories")] + ["split_type"]:
            tree.pop(field)
        tree["default_left"] = [bool(flag) for flag in tree["default_left"]]
        tree["tree_param"]["size_leaf_vector"] = "0"
    trees = TreeEnsemble.from_bytes(json.dumps(document).encode())
    np.testing.assert_array_equal(trees.margins(model.rows), model.margins())
    assert trees.feature_names is None
    assert trees.feature_types is None
    assert trees.attributes == {}


@pytest.mark.parametrize("depth", [4, 7, 12])
def test_json_and_ubj_agree(depth: int, grow: Grow, tmp_path: Path) -> None:
    """Both forms of a file give the same trees, whatever the file is called."""
    model = grow(depth, 20, categories=40)
    (tmp_path / "a.model").write_bytes(model.raw("json"))
    (tmp_path / "b.model").write_bytes(model.raw("ubj"))
    first, second = TreeEnsemble.load(tmp_path / "a.model"), TreeEnsemble.load(tmp_path / "b.model")
    np.testing.assert_array_equal(first.contributions(model.rows), second.contributions(model.rows))
    np.testing.assert_array_equal(first.margins(model.rows), second.margins(model.rows))
    assert first.importance == second.importance
    assert first.feature_types == second.feature_types == ("q", "q", "q", "q", "c", "c")


def test_a_threshold_that_json_cannot_say_is_read(grow: Grow) -> None:
    """XGBoost may write NaN as the threshold of a category split; it means nothing there."""
    model = grow(4, 10, categories=40, max_cat_to_onehot=1)
    document = json.loads(model.raw())
    document["learner"]["attributes"]["note"] = 'NaN "quoted\\" NaN'
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        kinds = zip(tree["split_type"], tree["left_children"], tree["split_conditions"], strict=True)
        tree["split_conditions"] = [np.nan if kind == 1 and left >= 0 else cut for kind, left, cut in kinds]
    raw = json.dumps(document).encode()
    assert b" NaN," in raw
    trees = TreeEnsemble.from_bytes(raw)
    np.testing.assert_array_equal(trees.margins(model.rows), model.margins())
    assert trees.attributes == {"note": 'NaN "quoted\\" NaN'}


@pytest.mark.parametrize("end", [math.inf, -math.inf])
@pytest.mark.parametrize("form", ["json", "ubj"])
def test_splits_at_infinity_part_what_is_missing_from_the_rest(end: float, form: str, tmp_path: Path) -> None:
    """As training on a GPU writes them; margins and contributions are stock XGBoost's, and NaN stays refused."""
    x = np.where(RANDOM.random(X.shape) < 0.3, np.nan, X).astype(np.float32)
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 4, "nthread": 1}, xgb.DMatrix(x, Y), 12)
    document = json.loads(bytes(booster.save_raw("json")))
    for number, tree in enumerate(document["learner"]["gradient_booster"]["model"]["trees"]):
        for node, left in enumerate(tree["left_children"]):
            if left >= 0 and (node + number) % 2 == 0:
                tree["split_conditions"][node] = end
    owner = xgb.Booster(model_file=bytearray(json.dumps(document).encode()))
    owner.save_model(tmp_path / f"m.{form}")
    if form == "json":
        assert b"Infinity" in (tmp_path / "m.json").read_bytes()
    trees = open_model(tmp_path / f"m.{form}").trees
    rows = np.concatenate([x[:80], np.array([[3.4e38] * 3, [-3.4028234663852886e38] * 3, [np.nan] * 3], np.float32)])
    np.testing.assert_array_equal(trees.margins(rows), owner.predict(xgb.DMatrix(rows), output_margin=True))
    np.testing.assert_allclose(
        trees.contributions(rows), owner.predict(xgb.DMatrix(rows), pred_contribs=True), rtol=0, atol=1e-5
    )


def test_weights_of_dart_inside_of_the_trees_count(tmp_path: Path) -> None:
    """XGBoost 3.4 writes a dart booster so, and calls it gbtree; what nobody knows yet there is refused."""
    data = xgb.DMatrix(X, Y)
    options = {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5, "nthread": 1}
    booster = xgb.train(options, data, 8)
    document = json.loads(bytes(booster.save_raw("json")))
    old = document["learner"]["gradient_booster"]
    new = {"name": "gbtree", "model": old["gbtree"]["model"] | {"weight_drop": old["weight_drop"]}}
    for gradient_booster in (old, new):
        document["learner"]["gradient_booster"] = gradient_booster
        (tmp_path / "m.json").write_text(json.dumps(document))
        margins = open_model(tmp_path / "m.json").trees.margins(X)
        np.testing.assert_array_equal(margins, booster.predict(data, output_margin=True))
    new["model"]["something_new"] = [1]
    (tmp_path / "m.json").write_text(json.dumps(document))
    with pytest.raises(ModelUnsupported, match="something_new"):
        open_model(tmp_path / "m.json")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"booster": "gblinear"}, "'gblinear'"),
        ({"objective": "multi:softprob", "num_class": 3}, "3 classes"),
        ({"objective": "reg:squarederror"}, "'reg:squarederror'"),
        ({"objective": "binary:hinge"}, "'binary:hinge'"),
    ],
)
@pytest.mark.parametrize("form", ["json", "ubj"])
def test_other_kinds_of_model_are_refused_by_name(options: dict[str, Any], said: str, form: str) -> None:
    """The refusal says what the model is and what is supported."""
    matrix = xgboost.DMatrix(np.arange(40.0).reshape(20, 2), np.arange(20) % 2)
    booster = xgboost.train({"nthread": 1, **options}, matrix, 2)
    with pytest.raises(ModelUnsupported, match=r"supported are binary models \(binary:logistic") as refused:
        TreeEnsemble.from_bytes(bytes(booster.save_raw(form)))
    assert said in str(refused.value)


@pytest.mark.parametrize("strategy", ["one_output_per_tree", "multi_output_tree"])
def test_several_targets_are_refused_by_name(strategy: str) -> None:
    """Also when the trees have vectors as leaves."""
    matrix = xgboost.DMatrix(np.arange(40.0).reshape(20, 2), np.arange(40).reshape(20, 2) % 2)
    options = {"objective": "binary:logistic", "multi_strategy": strategy, "tree_method": "hist", "nthread": 1}
    with pytest.raises(ModelUnsupported, match="2 targets"):
        TreeEnsemble.from_bytes(bytes(xgboost.train(options, matrix, 2).save_raw("json")))


@pytest.mark.parametrize("data", [b"[]", b"{}", b"null", b"{L", b"{" * 99999])
def test_other_files_are_unreadable(data: bytes) -> None:
    """A file that is not a model is rejected as that."""
    with pytest.raises(ModelUnreadable, match="model: not a"):
        TreeEnsemble.from_bytes(data)


def test_the_header_alone_is_read_without_the_trees(grow: Grow) -> None:
    """What a file says of itself is known though its trees are of no use."""
    document = json.loads(grow(2, 3).raw())
    document["learner"]["attributes"] = {"note": "mine"}
    document["learner"]["gradient_booster"]["model"]["trees"] = "none"
    raw = json.dumps(document).encode()
    assert read_header(raw).attributes == {"note": "mine"}
    with pytest.raises(ModelUnreadable):
        read_document(raw)


def test_the_notes_of_the_wrapper_may_be_anything(grow: Grow) -> None:
    """Numbers that JSON does not know are read; what is no object says nothing."""
    document = json.loads(grow(2, 3).raw())
    for note, read in (('{"missing": NaN}', {"missing": None}), ("[]", {}), ("{", {}), (None, None)):
        document["learner"]["attributes"] = {} if note is None else {"scikit_learn": note}
        assert read_header(json.dumps(document).encode()).wrapper == read


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("num_feature", "many", "num_feature is 'many', not a whole number"),
        ("base_score", "half", "not a number"),
        ("base_score", "1.5", "not from 0 to 1"),
        ("base_score", "NaN", "not from 0 to 1"),
        ("base_score", "1e99", "not from 0 to 1"),
    ],
)
def test_a_number_of_the_header_that_is_none_is_named(name: str, value: str, said: str, grow: Grow) -> None:
    """With its value."""
    document = json.loads(grow(2, 3).raw())
    document["learner"]["learner_model_param"][name] = value
    with pytest.raises(ModelUnreadable, match=said):
        read_document(json.dumps(document).encode())


def test_names_of_another_number_than_the_features_are_refused(grow: Grow) -> None:
    """They would name the wrong columns."""
    document = json.loads(grow(2, 3).raw())
    document["learner"]["feature_names"] = ["one"]
    with pytest.raises(ModelUnreadable, match="1 entries, but num_feature is 6"):
        read_document(json.dumps(document).encode())


def split(codes: list[int], default_left: bool) -> Tree:
    """A tree of one question: whether a category is among these."""
    return Tree(
        tree_param=TreeParameters(3),
        left_children=[1, -1, -1],
        right_children=[2, -1, -1],
        split_indices=[0, 0, 0],
        default_left=[default_left, False, False],
        split_conditions=[None, 0.1, 0.2],
        sum_hessian=[2.0, 1.0, 1.0],
        loss_changes=[1.0, 0.0, 0.0],
        split_type=[1, 0, 0],
        categories=list(codes),
        categories_nodes=[0],
        categories_segments=[0],
        categories_sizes=[len(codes)],
    )


def test_before_1_7_3_categories_beyond_a_set_went_the_way_of_missing_values() -> None:
    """So they are written into the set where that is right: up to one beyond all that any split names."""
    few, many, left = split([1, 3], False), split([2, 70], False), split([1, 3], True)
    send_unknown_by_default([few, many, left])
    assert few.categories == [1, 3, *range(32, 72)]
    assert many.categories == [2, 70]  # its words end at 95
    assert left.categories == [1, 3]


def test_a_small_file_never_becomes_a_large_one() -> None:
    """Of sets that would be written out so."""
    with pytest.raises(ModelUnsupported, match="more categories"):
        send_unknown_by_default([split([1], False), split([MOST_NAMED + 100], False)])

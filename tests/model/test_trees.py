"""Trees give what XGBoost gives, for every kind of binary model, and refuse the others by name."""

import json
import subprocess
import sys
from itertools import combinations
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grown import Grow, Grown
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leadscoring import _engine
from leadscoring.model.trees import TreeEnsemble


def check(model: Grown, leads: int = 60) -> TreeEnsemble:
    """Margins to the bit, contributions within rounding, and both add up."""
    trees = TreeEnsemble.from_bytes(model.raw())
    margins, contributions = trees.margins(model.rows), trees.contributions(model.rows[:leads])
    np.testing.assert_array_equal(margins, model.margins())
    size = 1e-6 * np.abs(contributions).sum(1).max() + 1e-6
    np.testing.assert_allclose(contributions, model.contributions(leads), rtol=0, atol=10 * size)
    np.testing.assert_allclose(contributions.sum(1, dtype=float), margins[:leads], rtol=0, atol=5 * size)
    return trees


@pytest.mark.parametrize("depth", range(1, 17))
def test_every_depth_scores_as_xgboost(depth: int, grow: Grow, variant: str) -> None:
    """Depths 1 to 16, padded or not, have XGBoost's margins and contributions on every instruction set."""
    trees = check(grow(depth, 18, min_child_weight=0.1, eta=0.7), leads=30)
    assert trees.max_depth <= depth
    assert trees.n_trees == 18


@pytest.mark.parametrize("onehot", [1, 1000])
@pytest.mark.parametrize("categories", [40, 200, 450])
@pytest.mark.parametrize("depth", [2, 5, 11])
def test_categories_score_as_xgboost(depth: int, categories: int, onehot: int, grow: Grow, variant: str) -> None:
    """Sets of few and many categories, and single ones, split as XGBoost splits them."""
    trees = check(grow(depth, 18, categories=categories, max_cat_to_onehot=onehot, min_child_weight=0.1))
    assert set(trees.categories) == {4, 5}
    assert 1 <= trees.categories[4] <= categories


@pytest.mark.parametrize("categories", [40, 63, 450])
@pytest.mark.parametrize("onehot", [1, 1000])
def test_odd_category_codes_go_where_xgboost_sends_them(categories: int, onehot: int, grow: Grow) -> None:
    """Codes that are negative, fractional, unknown or huge are decided as XGBoost decides them."""
    model = grow(4, 20, categories=categories, max_cat_to_onehot=onehot)
    trees = TreeEnsemble.from_bytes(model.raw())
    odd = [-1, -0.5, -0.0, 0.4, 2.9, 39, 40, 61, 62, 63, 64, 449.5, 1e6, 16777214, 16777215, 3e38]
    rows = np.repeat(model.rows[:5], len(odd), 0)
    rows[:, 4] = np.tile(odd, 5).astype(np.float32)
    margins = [model.booster.inplace_predict(row[None], predict_type="margin")[0] for row in rows]
    np.testing.assert_array_equal(trees.margins(rows), np.array(margins, np.float32))


@pytest.mark.parametrize(
    "options",
    [
        {"num_parallel_tree": 3, "subsample": 0.5},
        {"tree_method": "exact", "gamma": 2.0},
        {"tree_method": "approx", "gamma": 5.0, "max_bin": 8},
        {"grow_policy": "lossguide", "max_leaves": 90, "depth": 0, "min_child_weight": 0},
        {"gamma": 1e9},
        {"objective": "binary:logitraw"},
        {"objective": "reg:logistic", "base_score": 0.2},
        {"base_score": 0.5},
        {"base_score": 1e-6},
        {"base_score": 0.9999},
        {"scale_pos_weight": 30.0, "max_delta_step": 1.0},
        {"missing": 0.0},
        {"missing": 0.9},
        {"features": 200, "depth": 6},
    ],
    ids=str,
)
def test_every_way_of_training_scores_as_xgboost(options: dict[str, Any], grow: Grow, variant: str) -> None:
    """Forests a round, pruned, leaf-wise, stumps and all base scores give XGBoost's results."""
    check(grow(**{"depth": 5, **options}))


def test_leafwise_chains_deeper_than_the_padding(grow: Grow, variant: str) -> None:
    """A long chain of splits, as leaf-wise growth makes it, is scored node by node."""
    model = grow(0, 5, grow_policy="lossguide", max_leaves=60, min_child_weight=0, eta=1.0, features=3, gamma=0)
    assert check(model).max_depth > 8


def test_what_the_file_says_of_itself(grow: Grow) -> None:
    """Names, attributes and importance are those of the booster."""
    model = grow(3, 10, categories=40)
    booster = model.booster.copy()
    booster.feature_names = ["a", "b c", "d[", "e", "f", "ü"]
    booster.set_attr(lead_scoring="{}", best_iteration="7")
    trees = TreeEnsemble.from_bytes(bytes(booster.save_raw("json")))
    assert trees.feature_names == ("a", "b c", "d[", "e", "f", "ü")
    assert trees.attributes == {"lead_scoring": "{}", "best_iteration": "7"}
    assert trees.n_features == 6
    assert trees.objective == "binary:logistic"
    for kind, ours in (("total_gain", trees.importance.gain), ("total_cover", trees.importance.cover)):
        theirs = booster.get_score(importance_type=kind)
        np.testing.assert_allclose(ours, [theirs.get(name, 0) for name in trees.feature_names], rtol=1e-5)
    weight = booster.get_score(importance_type="weight")
    assert trees.importance.weight == tuple(weight.get(name, 0) for name in trees.feature_names)


def brute_force(document: dict[str, Any], row: list[float], features: int) -> list[float]:
    """Shapley values by their definition: every subset of features, every tree, in double precision."""

    def expect(tree: dict[str, Any], node: int, known: frozenset[int]) -> float:
        left, right = tree["left_children"][node], tree["right_children"][node]
        if left < 0:
            return float(tree["split_conditions"][node])
        feature, value = tree["split_indices"][node], row[tree["split_indices"][node]]
        if feature in known:
            threshold = np.float32(tree["split_conditions"][node])
            goes_left = bool(tree["default_left"][node]) if np.isnan(value) else value < threshold
            return expect(tree, left if goes_left else right, known)
        cover = tree["sum_hessian"]
        share: float = cover[left] / (cover[left] + cover[right])
        return share * expect(tree, left, known) + (1 - share) * expect(tree, right, known)

    totals = [0.0] * (features + 1)
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        worth = {
            subset: expect(tree, 0, frozenset(subset))
            for size in range(features + 1)
            for subset in combinations(range(features), size)
        }
        totals[-1] += worth[()]
        for feature in range(features):
            others = [other for other in range(features) if other != feature]
            for size in range(features):
                weight = factorial(size) * factorial(features - size - 1) / factorial(features)
                for subset in combinations(others, size):
                    gain = worth[tuple(sorted((*subset, feature)))] - worth[subset]
                    totals[feature] += weight * gain
    return totals


@pytest.mark.parametrize("depth", [1, 2, 4, 6, 9])
def test_contributions_are_shapley_values_by_definition(depth: int, grow: Grow, variant: str) -> None:
    """Contributions equal the sum over all subsets of features, computed in double precision."""
    model = grow(depth, 4, features=4, eta=1.0, min_child_weight=0.01)
    trees = TreeEnsemble.from_bytes(model.raw())
    document = json.loads(model.raw())
    for row in model.rows[:4]:
        expected = brute_force(document, row.tolist(), 4)
        expected[-1] += trees.base_margin
        np.testing.assert_allclose(trees.contributions(row[None])[0], expected, rtol=0, atol=3e-6)


@pytest.mark.parametrize("depth", [1, 4, 6, 8, 10])
@pytest.mark.parametrize("leads", [1, 2, 3, 9, 10, 15, 16, 17, 33, 300])
def test_a_lead_scores_alike_in_any_company(depth: int, leads: int, grow: Grow, variant: str) -> None:
    """One lead alone and the same lead in a batch have the same bits, wherever in the batch it stands."""
    model = grow(depth, 37, categories=20, min_child_weight=0.1)
    trees = TreeEnsemble.from_bytes(model.raw())
    together = trees.contributions(model.rows[:leads]), trees.margins(model.rows[:leads])
    for i in range(0, leads, 1 + leads // 12):
        np.testing.assert_array_equal(together[0][i], trees.contributions(model.rows[i : i + 1])[0])
        np.testing.assert_array_equal(together[1][i], trees.margins(model.rows[i : i + 1])[0])


@pytest.mark.parametrize("depth", [3, 6, 8, 12])
def test_all_instruction_sets_give_the_same_bits(depth: int, grow: Grow) -> None:
    """Scores do not depend on the machine: narrow and wide registers round alike."""
    model = grow(depth, 30, categories=20, min_child_weight=0.1)
    trees = TreeEnsemble.from_bytes(model.raw())
    before, results = _engine.variant(), set()
    for name in _engine.variants():
        _engine.use_variant(name)
        results.add((trees.contributions(model.rows).tobytes(), trees.margins(model.rows).tobytes()))
    _engine.use_variant(before)
    assert len(results) == 1


@pytest.mark.parametrize("features", [3, 5, 40])
@pytest.mark.parametrize("depth", [5, 6, 7, 8])
def test_what_many_leads_look_up_is_what_one_lead_computes(depth: int, features: int, grow: Grow) -> None:
    """Lookup tables have the bits of the computation, however often a path asks the same feature."""
    model = grow(depth, 20, features=features, min_child_weight=0.1)
    trees = check(model, leads=40)
    alone = np.concatenate([trees.contributions(row[None]) for row in model.rows[:40]])
    before = _engine.variant()
    for name in _engine.variants():
        _engine.use_variant(name)
        np.testing.assert_array_equal(trees.contributions(model.rows[:40]), alone)
    _engine.use_variant(before)


@settings(max_examples=60, deadline=None)
@given(rows=arrays(np.float32, st.tuples(st.integers(0, 40), st.just(6)), elements=st.floats(width=32)))
def test_any_numbers_at_all_add_up(rows: np.ndarray[Any, np.dtype[np.float32]], grow: Grow) -> None:
    """For any float32 input, infinities too, contributions are finite and add up to the margin."""
    trees = TreeEnsemble.from_bytes(grow(6, 20, categories=40).raw())
    contributions = trees.contributions(rows)
    assert np.isfinite(contributions).all()
    np.testing.assert_allclose(contributions.sum(1, dtype=float), trees.margins(rows), rtol=0, atol=1e-5)


def test_rows_are_converted(grow: Grow) -> None:
    """Doubles, integers, lists and slices of larger tables are taken; the result is float32."""
    model = grow(4, 20)
    trees = TreeEnsemble.from_bytes(model.raw())
    expected = trees.margins(model.rows)
    assert expected.dtype == np.float32
    wide = np.zeros((len(model.rows), 12))
    wide[:, ::2] = model.rows
    np.testing.assert_array_equal(trees.margins(wide[:, ::2]), expected)
    np.testing.assert_array_equal(trees.margins(np.asfortranarray(model.rows)), expected)
    np.testing.assert_array_equal(trees.margins(model.rows[:3].tolist()), expected[:3])
    assert trees.margins(np.empty((0, 6))).shape == (0,)
    assert trees.contributions(np.empty((0, 6))).shape == (0, 7)


@pytest.mark.parametrize("rows", [np.zeros(6), np.zeros((2, 5)), np.zeros((2, 7)), np.zeros((1, 2, 6)), 1.0])
def test_rows_of_another_shape_are_refused(rows: Any, grow: Grow) -> None:
    """The message names the shape that is needed."""
    trees = TreeEnsemble.from_bytes(grow(4, 20).raw())
    for score in (trees.margins, trees.contributions):
        with pytest.raises(ValueError, match=r"shape \(leads, 6\)"):
            score(rows)


def test_rows_that_are_no_numbers_are_refused(grow: Grow) -> None:
    """Text and objects are a TypeError, not a score."""
    trees = TreeEnsemble.from_bytes(grow(4, 20).raw())
    for rows in (np.array([["a"] * 6]), np.array([[None] * 6]), np.zeros((1, 6), complex)):
        with pytest.raises(TypeError, match="must be numbers"):
            trees.margins(rows)


def test_scoring_leads_needs_no_numpy(grow: Grow, tmp_path: Path) -> None:
    """Loading and the service's way of scoring import neither numpy nor xgboost."""
    (tmp_path / "model.json").write_bytes(grow(4, 20).raw())
    program = (
        "import sys; before = set(sys.modules); from leadscoring import _engine; from leadscoring.model.trees import TreeEnsemble\n"
        "trees = TreeEnsemble.load(sys.argv[1]); rows = _engine.Rows([[1.0, None, 2.0, 0.5, 1.0, 0.0]])\n"
        "trees.predict(rows); trees.reasons(rows, 3); trees.explain(rows); trees.importance\n"
        "sys.exit(sorted({'numpy', 'xgboost', 'json'} & (set(sys.modules) - before)) or None)"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path / "model.json"], check=True)

from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from leadscoring.contract.features import Contract, Feature
from leadscoring.training import binned
from leadscoring.training.binned import binned as bins_of
from leadscoring.training.binned import blocks, margins_in_blocks
from leadscoring.training.trees import Recipe, grow, margins_of, matrix

RANDOM = np.random.default_rng(2)
ROWS = 3000
X = RANDOM.normal(size=(ROWS, 3)).astype(np.float32)
X[RANDOM.random(X.shape) < 0.1] = np.nan
X[:, 2] = RANDOM.integers(0, 4, ROWS)
Y = (RANDOM.random(ROWS) < 1 / (1 + np.exp(-np.nan_to_num(X[:, 0]) - (X[:, 2] == 1)))).astype(float)
CONTRACT = Contract(
    (Feature("visits", "number"), Feature("budget <k>", "number"), Feature("source", "category", values=tuple("abcd")))
)
RECIPE = Recipe(3, 0.3)


def trees(data: xgb.QuantileDMatrix) -> bytes:
    """A model of some bins, as its file."""
    return bytes(xgb.train(RECIPE.parameters(float(Y.mean()), 0), data, 5).save_raw("json"))


def test_bins_make_the_trees_that_the_plain_matrix_makes() -> None:
    """Names and kinds of columns included."""
    plain = grow(CONTRACT, X, Y, RECIPE, 5, 0)
    assert trees(bins_of(CONTRACT, X, Y)) == bytes(plain.save_raw("json"))


def test_some_rows_are_binned_as_if_there_were_no_others() -> None:
    """Those that are named, in their order."""
    rows = np.flatnonzero(RANDOM.random(ROWS) < 0.5)
    assert trees(bins_of(CONTRACT, X, Y, rows)) == trees(bins_of(CONTRACT, X[rows], Y[rows]))


def test_a_file_of_rows_is_read_a_block_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory map makes the same trees and margins as the matrix, and no block is larger than asked."""
    monkeypatch.setattr(binned, "BLOCK", 700)
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert [len(block) for block in blocks(mapped)] == [700, 700, 700, 700, 200]
    assert [len(block) for block in blocks(mapped, np.arange(0, ROWS, 2))] == [700, 700, 100]
    assert trees(bins_of(CONTRACT, mapped, Y)) == trees(bins_of(CONTRACT, X, Y))
    booster = grow(CONTRACT, X, Y, RECIPE, 5, 0)
    rows = np.arange(5, ROWS, 3)
    assert np.array_equal(margins_in_blocks(booster, CONTRACT, mapped, rows), margins_of(booster, CONTRACT, X[rows]))
    assert np.array_equal(margins_in_blocks(booster, CONTRACT, mapped), margins_of(booster, CONTRACT, X))
    assert len(margins_in_blocks(booster, CONTRACT, X, rows[:0])) == 0


def test_leads_to_stop_by_are_in_the_bins_of_those_to_learn_from() -> None:
    """The loss after each round is that of the plain matrices."""
    half = np.arange(ROWS) < 2000
    learn, rest = np.flatnonzero(half), np.flatnonzero(~half)
    found: list[dict[str, dict[str, list[float]]]] = [{}, {}]
    data = bins_of(CONTRACT, X, Y, learn)
    pairs = (
        (data, bins_of(CONTRACT, X, Y, rest, data)),
        (matrix(CONTRACT, X[half], Y[half]), matrix(CONTRACT, X[~half], Y[~half])),
    )
    for (learned, judged), curve in zip(pairs, found, strict=True):
        parameters = RECIPE.parameters(float(Y.mean()), 0)
        xgb.train(parameters, learned, 8, evals=[(judged, "rest")], evals_result=curve, verbose_eval=False)
    assert found[0]["rest"]["logloss"] == pytest.approx(found[1]["rest"]["logloss"], abs=1e-6)

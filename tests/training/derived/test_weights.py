"""Weights say how a token moves the odds, more carefully the rarer it is."""

import numpy as np
import polars as pl

from leadscoring.quality.figures import roc_auc
from leadscoring.training.derived.tokens import tokens_of
from leadscoring.training.derived.weights import is_worth, standing, weights_of

RANDOM = np.random.default_rng(5)


def test_a_weight_tends_to_the_odds_of_its_leads_and_to_none_for_few() -> None:
    """Two tokens with the same rate differ by how often they were seen."""
    texts = pl.Series(["often"] * 400 + ["seldom"] * 20 + ["rest"] * 580)
    y = np.concatenate([np.tile([1.0, 0.0], 200), np.tile([1.0, 0.0], 10), np.tile([1.0, 0, 0, 0], 145)])
    every = np.ones(1000, dtype=bool)
    found = weights_of(tokens_of(texts, str.split), every, y, 20)
    assert 0.0 < found["seldom"] < 0.6 * found["often"]
    assert found["rest"] < 0.0
    assert weights_of(tokens_of(texts, str.split), every, y, 500).keys() == {"rest"}
    assert weights_of(tokens_of(texts, str.split), ~every, y, 20) == {}


def test_the_rank_sum_agrees_with_the_area_under_the_curve() -> None:
    """No difference is no standing; the sign is that of the area above a half."""
    y = (RANDOM.random(500) < 0.4).astype(float)
    values = np.round(RANDOM.normal(size=500) + y, 1)
    assert standing(values, y) > 5
    assert roc_auc(y, values) > 0.5
    assert standing(-values, y) < -5
    assert standing(np.ones(500), y) == 0.0
    assert is_worth(np.where(RANDOM.random(500) < 0.1, np.nan, values), y)
    assert not is_worth(RANDOM.permutation(values), y)

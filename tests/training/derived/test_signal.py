"""Signal is distinguished from chance."""

import math

import numpy as np
import pytest

from leadscoring.training.derived.signal import BINS, CLEAR, SURE, against_rest, binned, standing_of

RANDOM = np.random.default_rng(3)


def test_the_statistic_is_that_of_the_textbook() -> None:
    """G2 of a table of two by two, by hand."""
    table = np.array([[30.0, 70.0], [10.0, 190.0]])
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    by_hand = 2.0 * float((table * np.log(table / expected)).sum())
    found = against_rest(np.array([100.0]), np.array([30.0]), 300, 40)
    assert found[0] == pytest.approx(by_hand)
    assert against_rest(np.array([0.0, 300.0]), np.array([0.0, 40.0]), 300, 40).tolist() == [0.0, 0.0]


def test_chance_is_hardly_ever_taken_for_signal() -> None:
    """Of a thousand tokens and of a thousand columns without signal, at most a few pass."""
    y = (RANDOM.random(2000) < 0.3).astype(float)
    has = RANDOM.random((2000, 1000)) < 0.05
    clear = against_rest(has.sum(axis=0).astype(float), y @ has, len(y), float(y.sum()))
    assert (clear >= CLEAR).sum() <= 4
    assert sum(standing_of(RANDOM.normal(size=2000), y) > SURE for _ in range(1000)) <= 4


def test_signal_of_any_shape_is_found() -> None:
    """Rising, in the middle, or in whether there is a value at all."""
    values = RANDOM.normal(size=2000)
    chance = RANDOM.random(2000)
    for likely in (values > 0.5, np.abs(values) < 0.4, RANDOM.random(2000) < 0.5):
        y = (chance < np.where(likely, 0.4, 0.25)).astype(float)
        seen = np.where(likely, np.nan, values) if likely.mean() > 0.45 else values
        assert standing_of(seen, y) > SURE
    assert standing_of(np.full(2000, 7.0), chance.round()) == 0.0


def test_few_values_have_a_bin_each_and_many_share_ten() -> None:
    """Missing values have their own."""
    assert binned(np.array([1.0, 2.0, 2.0, math.nan])).tolist() == [0, 1, 1, 2]
    assert len(np.unique(binned(RANDOM.normal(size=500)))) == BINS

import numpy as np
import pytest

from leadscoring.training.rates import BINS, bins, levels, rated

RANDOM = np.random.default_rng(6)
Y = (RANDOM.random(600) < 0.4).astype(float)
FOLD = np.arange(600) % 3


def test_codes_that_go_with_the_outcome_tell_it_and_others_do_not() -> None:
    """Whether values are missing is a code, too."""
    told = np.where(RANDOM.random(600) < 0.1, 1.0 - Y, Y)
    assert rated(told.astype(np.int64), Y, FOLD) == pytest.approx(0.9, abs=0.05)
    assert rated(RANDOM.integers(0, 9, 600), Y, FOLD) < 0.58
    missing = np.where(told == 1.0, np.nan, RANDOM.normal(size=600))
    assert rated(bins(missing, text=False), Y, FOLD) > 0.85
    assert rated(levels(np.where(told == 1.0, np.nan, 3.0)), Y, FOLD) > 0.85


def test_every_value_has_a_code() -> None:
    """Numbers in bins of equal size, texts by frequency, and the last for what is missing."""
    codes = bins(np.r_[RANDOM.normal(size=500), [np.nan] * 4], text=False)
    assert set(codes.tolist()) <= set(range(BINS + 1))
    assert codes[-1] == BINS
    assert bins(np.array([0.0, 40.0, np.nan]), text=True).tolist() == [0, BINS - 1, BINS]
    assert levels(np.array([0.0, 40.0, np.nan])).tolist() == [0, 40, 41]
    assert levels(np.array([np.nan, np.nan])).tolist() == [0, 0]

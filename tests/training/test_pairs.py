"""Two columns that only together tell the outcome are found."""

import numpy as np
import polars as pl
import pytest

from leadscoring.training.pairs import telling_pairs
from leadscoring.training.quick import quick_models

ROWS = 1200
RANDOM = np.random.default_rng(8)
Y = (RANDOM.random(ROWS) < 0.4).astype(float)
AMOUNT = RANDOM.gamma(2.0, 1000.0, ROWS)
FLAG = RANDOM.integers(0, 2, ROWS).astype(float)


def pairs_of(one: object, two: object) -> list[tuple[int, int, float, str]]:
    """The telling pairs among two columns and one of chance."""
    frame = pl.DataFrame({"one": one, "noise": RANDOM.normal(size=ROWS), "two": two})
    return telling_pairs(quick_models(frame, Y, 1), [0, 1, 2], dict.fromkeys(range(3), 0.6))


@pytest.mark.parametrize(
    ("one", "two", "how"),
    [
        (AMOUNT, AMOUNT * (0.3 + 0.5 * Y), "ratio"),
        (AMOUNT, AMOUNT + 5.0 * Y + 1.0, "difference"),
        (AMOUNT, (0.8 + Y) / AMOUNT, "product"),
        (FLAG, np.abs(FLAG - Y), "together"),
        (np.where(FLAG == 1.0, "x", "y"), pl.Series([None if k else "u" for k in np.abs(FLAG - Y)]), "together"),
    ],
)
def test_a_pair_that_tells_the_outcome_is_found(one: object, two: object, how: str) -> None:
    """By their ratio, difference or product, or by the combination of their values."""
    (found,) = pairs_of(one, two)
    assert found[:2] == (0, 2)
    assert found[2] > 0.97
    assert how in found[3]


def test_an_honest_pair_is_not() -> None:
    """However much each says."""
    assert pairs_of(Y + RANDOM.normal(size=ROWS), Y + RANDOM.normal(size=ROWS)) == []

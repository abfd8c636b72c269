"""Quick models tell what columns are worth, the same in every run."""

import numpy as np
import polars as pl

from leadscoring.training.quick import LEVELS, RARE, Quick, codes, quick_models, sample

ROWS = 900
RANDOM = np.random.default_rng(3)
Y = (RANDOM.random(ROWS) < 0.4).astype(float)
FRAME = pl.DataFrame(
    {
        "signal": Y + RANDOM.normal(size=ROWS),
        "noise": RANDOM.normal(size=ROWS),
        "text": np.where(Y == 1.0, RANDOM.choice(["a", "b"], ROWS), RANDOM.choice(["b", "c"], ROWS)),
        "filled": pl.Series([1.0 if y and k % 3 else None for k, y in enumerate(Y)]),
    }
)


def quick(most: int = ROWS) -> Quick:
    """Quick models of the frame."""
    return quick_models(FRAME, Y, 20, most)


def test_each_column_alone_is_worth_what_it_says() -> None:
    """A number, a text, and one that says it by where it has a value; nothing is worth nothing."""
    signal, noise, text, filled = quick().each_alone()
    assert 0.7 < signal < 0.8
    assert abs(noise - 0.5) < 0.07
    assert text > 0.85
    assert 0.8 < filled < 0.87
    assert quick().auc([]) == 0.5


def test_more_columns_are_worth_more() -> None:
    """Several choices at once, in order."""
    one, both = quick().each([[0], [0, 2]])
    assert both > one


def test_the_same_seed_gives_the_same_figures() -> None:
    """Of the sample too."""
    assert quick(800).auc([0, 1, 2]) == quick(800).auc([0, 1, 2])
    assert len(quick(800).y) == 800


def test_the_levels_of_a_text_are_numbered_by_frequency() -> None:
    """Rare ones share a number; missing is missing."""
    column = pl.Series(["b", "b", "a", None, *(f"r{k}" for k in range(LEVELS))])
    values, text = codes(column)
    assert text
    assert values[:3].tolist() == [0.0, 0.0, 1.0]
    assert np.isnan(values[3])
    assert np.nanmax(values) == LEVELS
    assert not codes(pl.Series([1.0, None]))[1]


def test_a_rare_outcome_is_in_the_sample() -> None:
    """However many leads have the other."""
    y = (np.arange(50_000) % 500 == 0).astype(float)
    rows = sample(y, 1, 1000)
    assert int(y[rows].sum()) == 100
    assert len(np.unique(rows)) == len(rows)
    y = (np.arange(50_000) % 5 == 0).astype(float)
    assert len(sample(y, 1, 6000)) == 6000
    assert min(y[sample(y, 1, 6000)].sum(), 6000) >= RARE

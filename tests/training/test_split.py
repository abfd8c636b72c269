import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.training.split import groups_of_frame, random_folds, time_folds


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(50, 400), kinds=st.integers(5, 400))
def test_duplicates_stay_together(seed: int, rows: int, kinds: int) -> None:
    """Rows of one group are never in two folds, and every row has a fold."""
    random = np.random.default_rng(seed)
    group = np.unique(random.integers(0, kinds, rows), return_inverse=True)[1]
    y = (random.random(rows) < 0.3).astype(float)
    fold = random_folds(group, y, 5, seed)
    assert all(len(np.unique(fold[group == number])) == 1 for number in np.unique(group))
    assert set(fold) <= set(range(5))


def test_folds_are_alike_in_size_and_conversions() -> None:
    """Folds differ little, even where some groups are large."""
    random = np.random.default_rng(0)
    group = np.r_[np.repeat(np.arange(10), 60), np.arange(10, 1410)]
    y = (random.random(len(group)) < 0.2).astype(float)
    fold = random_folds(group, y, 5, 1)
    assert np.ptp(np.bincount(fold)) <= 20
    assert np.ptp(np.bincount(fold, y)) <= 8


def test_folds_repeat_with_their_seed() -> None:
    """The same seed gives the same folds, another seed others."""
    group, y = np.arange(100), (np.arange(100) % 2).astype(np.float64)
    assert (random_folds(group, y, 5, 1) == random_folds(group, y, 5, 1)).all()
    assert (random_folds(group, y, 5, 1) != random_folds(group, y, 5, 2)).any()


def test_rows_are_alike_when_every_column_is() -> None:
    """Missing values are alike, and so are rows of several types."""
    frame = pl.DataFrame({"a": ["x", "x", None, None], "b": [1.0, 1.0, None, 2.0]})
    group = groups_of_frame(frame)
    assert group[0] == group[1]
    assert len(set(group)) == 3


@settings(max_examples=50, deadline=None)
@given(times=st.lists(st.integers(0, 40), min_size=5, max_size=200))
def test_folds_over_time_are_in_order(times: list[int]) -> None:
    """No lead of a later fold came before one of an earlier fold, and all folds are there."""
    time = np.array(times, dtype=float)
    fold = time_folds(time, 5)
    assert set(fold) == set(range(5))
    for number in range(4):
        assert time[fold == number].max() <= time[fold == number + 1].min()


def test_equal_times_stay_together() -> None:
    """Leads of one day are not cut apart."""
    time = np.repeat(np.arange(50), 7).astype(float)
    fold = time_folds(time, 5)
    assert all(len(np.unique(fold[time == day])) == 1 for day in range(50))

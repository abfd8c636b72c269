"""Which leads are trained on together, which are kept aside: by random with duplicates together, or by time."""

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.training.encode import Vector

Indices = npt.NDArray[np.int64]


def groups_of_frame(frame: pl.DataFrame) -> Indices:
    """A number for each row, shape (rows,), the same for rows that are alike in every column."""
    if frame.width == 0:
        return np.arange(frame.height, dtype=np.int64)
    return frame.select(pl.struct(pl.all()).rank("dense")).to_series().to_numpy().astype(np.int64) - 1


def random_folds(group: Indices, y: Vector, count: int, seed: int) -> Indices:
    """The fold of each row, 0..count-1: rows of a group together, each fold with the same share of positives.

    Groups are shuffled, ordered by their own share of positives, and dealt out in turn.
    """
    size = np.bincount(group)
    share = np.bincount(group, y) / size
    shuffled = np.random.default_rng(seed).permutation(len(size))
    order = shuffled[np.lexsort((size[shuffled], share[shuffled]))]
    deal = np.empty(len(size), dtype=np.int64)
    rounds = np.random.default_rng(seed + 1)
    for start in range(0, len(order), count):
        hand = order[start : start + count]
        deal[hand] = rounds.permutation(count)[: len(hand)]
    return deal[group]


def time_folds(time: Vector, count: int) -> Indices:
    """The fold of each row, 0 the earliest: of about equal size, and equal times together where that leaves every
    fold some rows."""
    order = np.argsort(time, kind="stable")
    place = np.empty(len(time), dtype=np.int64)
    place[order] = np.arange(len(time))
    by_place = place * count // len(time)
    first = np.searchsorted(time[order], time)
    together = first * count // len(time)
    return together if len(np.unique(together)) == count else by_place

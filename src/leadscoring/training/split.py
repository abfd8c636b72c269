"""Splits leads into folds: randomly with duplicates in the same fold, or by time."""

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.training.reading.series import Vector

Indices = npt.NDArray[np.int64]


def groups_of_frame(frame: pl.DataFrame) -> Indices:
    """A group number per row, shape (rows,), equal for rows that are equal in all columns."""
    if frame.width == 0:
        return np.arange(frame.height, dtype=np.int64)
    return frame.select(pl.struct(pl.all()).rank("dense")).to_series().to_numpy().astype(np.int64) - 1


def numbered(group: Indices) -> Indices:
    """Groups as consecutive numbers from 0, shape (rows,)."""
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def random_folds(group: Indices, y: Vector, count: int, seed: int) -> Indices:
    """The fold of each row, 0..count-1: groups stay together; folds are balanced in size and share of positives.

    Groups of several rows are assigned first, in descending size, each to the fold with the fewest similar rows;
    single rows then fill the folds.
    """
    random = np.random.default_rng(seed)
    size, won = np.bincount(group), np.bincount(group, y)
    kinds = np.column_stack([won, size - won])
    whole = kinds.sum(axis=0)
    dealt = np.zeros((count, 2))
    fold_of = np.empty(len(size), dtype=np.int64)
    shuffled = random.permutation(len(size))
    several = shuffled[size[shuffled] > 1]
    for number in several[np.argsort(-size[several], kind="stable")]:
        fold = int(np.argmin(dealt @ (kinds[number] / np.maximum(whole, 1.0) ** 2)))
        fold_of[number] = fold
        dealt[fold] += kinds[number]
    for kind in (0, 1):
        single = shuffled[(size[shuffled] == 1) & (kinds[shuffled, kind] == 1)]
        fold_of[single] = random.permutation(filling(dealt[:, kind], len(single)))
    return fold_of[group]


def filling(have: Vector, more: int) -> Indices:
    """Fold numbers for ``more`` rows that level the sizes of folds with ``have`` rows as far as possible."""
    level = have.copy()
    order = np.argsort(level, kind="stable")
    room = more
    for place in range(1, len(order) + 1):  # raise the lowest folds together, step by step
        lowest = order[:place]
        ceiling = level[order[place]] if place < len(order) else np.inf
        step = min(ceiling - level[order[0]], room / place)
        level[lowest] += step
        room -= step * place
    wanted = np.floor(level - have + 1e-9).astype(np.int64)
    wanted[order[: more - int(wanted.sum())]] += 1
    return np.repeat(np.arange(len(have), dtype=np.int64), wanted)


def time_folds(time: Vector, count: int) -> Indices:
    """The fold of each row, in time order with 0 the earliest, of about equal size.

    Equal times stay together unless that would leave a fold empty.
    """
    order = np.argsort(time, kind="stable")
    place = np.empty(len(time), dtype=np.int64)
    place[order] = np.arange(len(time))
    by_place = place * count // len(time)
    first = np.searchsorted(time[order], time)
    together = first * count // len(time)
    return together if len(np.unique(together)) == count else by_place

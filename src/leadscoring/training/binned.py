"""Encoded leads in bins, as the trees see them: a quarter of their size, made of blocks of rows without a copy of all.

The matrix may be a memory map of a file, of which only one block at a time has to be in memory.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xgboost as xgb

from leadscoring.contract.features import Contract
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.split import Indices
from leadscoring.training.trees import matrix, naming

BLOCK = 1 << 17
"""Number of leads that are read at once."""


def blocks(x: Matrix, rows: Indices | None = None) -> Iterator[Matrix]:
    """Yields some rows of encoded leads, all by default, a block at a time."""
    count = len(x) if rows is None else len(rows)
    for start in range(0, count, BLOCK):
        part = slice(start, start + BLOCK)
        yield np.asarray(x[part] if rows is None else x[rows[part]])


class Reader(xgb.DataIter):
    """Hands blocks of encoded leads and their outcomes to XGBoost, as often as it asks."""

    def __init__(self, contract: Contract, x: Matrix, y: Vector, rows: Indices | None) -> None:
        super().__init__()
        self.naming, self.x, self.rows = naming(contract), x, rows
        self.y = y if rows is None else y[rows]
        self.reset()

    def reset(self) -> None:
        """Starts again."""
        self.left, self.at = blocks(self.x, self.rows), 0

    def next(self, input_data: Callable[..., Any]) -> bool:
        """Hands over the next block; returns whether there was one."""
        block = next(self.left, None)
        if block is None:
            return False
        input_data(data=block, label=self.y[self.at : self.at + len(block)], **self.naming)
        self.at += len(block)
        return True


def binned(
    contract: Contract,
    x: Matrix,
    y: Vector,
    rows: Indices | None = None,
    like: xgb.QuantileDMatrix | None = None,
    threads: int = 1,
) -> xgb.QuantileDMatrix:
    """Bins some rows of encoded leads, all by default; in the bins of ``like``, if given.

    Trees depend on the number of threads, since they add up the same numbers in another order: it has to be fixed.
    """
    return xgb.QuantileDMatrix(Reader(contract, x, y, rows), ref=like, nthread=threads, enable_categorical=True)


def margins_in_blocks(booster: xgb.Booster, contract: Contract, x: Matrix, rows: Indices | None = None) -> Vector:
    """Margins of some rows in log-odds, all by default, shape (rows,)."""
    parts = [booster.predict(matrix(contract, block), output_margin=True) for block in blocks(x, rows)]
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)

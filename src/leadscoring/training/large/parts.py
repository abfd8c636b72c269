"""Leads in a file, of which only a part of the rows, or of the columns, is in memory at a time."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.table import Table, named
from leadscoring.training.split import Indices

VALUES = 5_000_000
"""Maximum number of values of a part: 100,000 leads of 50 columns, which take 0.1 to 0.5 GB while they are parsed."""

Tick = Callable[[float], None]
"""Called with the completed share of a pass over the file, 0..1."""


def still(_share: float) -> None:
    """Ignores progress."""


class Parts(ABC):
    """The rows of a file by the names that its columns have in training.

    ``facts`` is a table without rows: names, labels, notes and the hash of the file. ``path`` is what messages call it.
    """

    path: Path
    facts: Table
    columns: list[str]
    rows: int

    @abstractmethod
    def parts(self, names: Collection[str], tick: Tick = still) -> Iterator[tuple[int, pl.DataFrame]]:
        """Some columns, part by part, each with the number of its first row."""

    def whole(self, names: Collection[str]) -> pl.DataFrame:
        """Some columns of all rows."""
        return pl.concat([frame for _, frame in self.parts(names)], rechunk=True)

    def some(self, rows: Indices, tick: Tick = still) -> pl.DataFrame:
        """Some rows, by their numbers in ascending order."""
        found = []
        for start, frame in self.parts(self.columns, tick):
            first, last = np.searchsorted(rows, [start, start + frame.height])
            found.append(frame[rows[first:last] - start])
        return pl.concat(found, rechunk=True)


class Parquet(Parts):
    """The rows of a Parquet file. Raises ``TrainingDataError`` if it is not readable."""

    def __init__(self, path: Path, values: int = VALUES) -> None:
        self.path = path
        scan = pl.scan_parquet(path, glob=False)
        head = collected(scan.head(0), path)
        self.facts = named(head)
        self.columns = self.facts.frame.columns
        different = self.columns != head.columns
        self.scan = scan.rename(dict(zip(head.columns, self.columns, strict=True))) if different else scan
        self.rows = int(collected(scan.select(pl.len()), path).item())
        self.step = max(1, values // max(1, len(self.columns)))

    def parts(self, names: Collection[str], tick: Tick = still) -> Iterator[tuple[int, pl.DataFrame]]:
        """Some columns, part by part, each with the number of its first row."""
        wanted = self.scan.select([name for name in self.columns if name in names])
        for start in range(0, self.rows, self.step):
            yield start, collected(wanted.slice(start, self.step), self.path)
            tick(min(1.0, (start + self.step) / self.rows))


class Blocks(Parts):
    """The rows of a file that was read block by block, each of which is in an open temporary Parquet file."""

    def __init__(self, path: Path, facts: Table, blocks: list[tuple[BinaryIO, int]]) -> None:
        self.path, self.facts, self.blocks = path, facts, blocks
        self.columns = facts.frame.columns
        self.rows = sum(rows for _, rows in blocks)

    def parts(self, names: Collection[str], tick: Tick = still) -> Iterator[tuple[int, pl.DataFrame]]:
        """Some columns, part by part, each with the number of its first row."""
        wanted, start = [name for name in self.columns if name in names], 0
        for file, rows in self.blocks:
            file.seek(0)
            yield start, collected(pl.scan_parquet(file).select(wanted), self.path)
            start += rows
            tick(start / self.rows)


def collected(scan: pl.LazyFrame, path: Path) -> pl.DataFrame:
    """The rows of a query. Raises ``TrainingDataError`` where they cannot be read."""
    try:
        return scan.collect().rechunk()  # expressions of polars 2.1 may panic where columns are cut differently
    except (pl.exceptions.PolarsError, OSError) as failure:
        raise TrainingDataError(
            f"{path} is not a readable Parquet file: {str(failure).splitlines()[0]}; write it anew, or as CSV"
        ) from failure

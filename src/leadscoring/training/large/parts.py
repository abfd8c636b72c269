"""Leads in a Parquet file, of which only a part of the rows, or of the columns, is in memory at a time."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.header import clean, header_of
from leadscoring.training.split import Indices

VALUES = 5_000_000
"""Maximum number of values of a part: 100,000 leads of 50 columns, which take 0.1 to 0.5 GB while they are parsed."""

Tick = Callable[[float], None]
"""Called with the completed share of a pass over the file, 0..1."""


def still(_share: float) -> None:
    """Ignores progress."""


class Parts:
    """The rows of a Parquet file, or of an open one, by the names that its columns have in training.

    ``labels`` are those of the file where they differ, as in ``Table``, and ``notes`` describe how it was read;
    ``path`` is what messages call it. Raises ``TrainingDataError`` if it is not readable.
    """

    def __init__(self, path: Path, file: BinaryIO | None = None, values: int = VALUES) -> None:
        self.path = path
        scan = pl.scan_parquet(path if file is None else file, glob=False)
        labels = [one.name for one in self.collected(scan.head(0)).iter_columns()]
        self.labels: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        self.columns = labels
        if labels != [clean(label) for label in labels]:
            header = header_of(labels, "the header")
            self.labels, self.notes, self.columns = header.labels, tuple(header.notes), header.names
            scan = scan.rename(dict(zip(labels, header.names, strict=True)))
        self.scan = scan
        self.rows = int(self.collected(scan.select(pl.len())).item())
        self.step = max(1, values // max(1, len(self.columns)))

    def collected(self, scan: pl.LazyFrame) -> pl.DataFrame:
        """The rows of a query. Raises ``TrainingDataError`` where they cannot be read."""
        try:
            return scan.collect().rechunk()  # expressions of polars 2.1 may panic where columns are cut differently
        except (pl.exceptions.PolarsError, OSError) as failure:
            raise TrainingDataError(
                f"{self.path} is not a readable Parquet file: {str(failure).splitlines()[0]}; write it anew, or as CSV"
            ) from failure

    def whole(self, names: Collection[str]) -> pl.DataFrame:
        """Some columns of all rows."""
        return self.collected(self.scan.select([name for name in self.columns if name in names]))

    def parts(self, names: Collection[str], tick: Tick = still) -> Iterator[tuple[int, pl.DataFrame]]:
        """Some columns, part by part, each with the number of its first row."""
        wanted = self.scan.select([name for name in self.columns if name in names])
        for start in range(0, self.rows, self.step):
            yield start, self.collected(wanted.slice(start, self.step))
            tick(min(1.0, (start + self.step) / self.rows))

    def some(self, rows: Indices, tick: Tick = still) -> pl.DataFrame:
        """Some rows, by their numbers in ascending order."""
        found = []
        for start, frame in self.parts(self.columns, tick):
            first, last = np.searchsorted(rows, [start, start + frame.height])
            found.append(frame[rows[first:last] - start])
        return pl.concat(found, rechunk=True)

"""What readers hand on: some leads of a file, with where each of them stands in it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

Indices = npt.NDArray[np.int64]


class Position(msgspec.Struct, frozen=True):
    """Where the next batch of a file begins.

    ``offset`` counts the bytes of its text (decompressed, and as UTF-8 where it is UTF-16), or the rows of a Parquet
    file; ``line`` is the number of its next line or row, from 1.
    """

    offset: int = 0
    line: int = 1


class Refused(NamedTuple):
    """A line that is no row: its number, its text, and what is wrong with it."""

    line: int
    content: str
    message: str


class Batch(NamedTuple):
    """Some rows of a file in order.

    ``frame`` has the columns that were asked for, ``lines`` the line or row number of each row, shape (rows,).
    ``short`` has, for each row with fewer values than the header has names, how many it has. ``texts`` returns rows
    again with all columns as text, where the file is text; ``contents`` returns what stands in the file for them.
    ``empty`` counts lines without any value, and ``headers`` repeated headers, which are no leads. ``end`` is where
    the next batch begins. ``foreign`` are the numbers of lines that are not UTF-8, and so were read as Windows-1252.
    """

    frame: pl.DataFrame
    lines: Indices
    refused: Sequence[Refused]
    short: dict[int, int]
    texts: Callable[[Sequence[int]], pl.DataFrame]
    contents: Callable[[Sequence[int]], list[str]]
    empty: int
    headers: int
    end: Position
    foreign: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """The number of leads in it, refused lines included."""
        return self.frame.height + len(self.refused)

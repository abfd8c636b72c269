"""Writes scores batch by batch, as CSV or Parquet, into a file that grows at its end."""

import io
from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec
import polars as pl

from leadscoring._engine import csv_lines
from leadscoring.bulk.appended import Appended, Standard
from leadscoring.bulk.parquet_footer import MAGIC, Part, footer_of, groups_of
from leadscoring.bulk.row_group import Scores, group_of, whole
from leadscoring.bulk.spreadsheet import harmless_frame, writable

NUMBERS, TEXTS, GUARDED = 0, 1, 2
"""What the engine writes: numbers, texts that are harmless, and texts that get an apostrophe if they are not."""

WRITTEN = (
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
    *(pl.Float64, pl.Boolean, pl.Null),
)
"""The types of numbers that the engine writes."""

Written = tuple[int, pl.Series] | tuple[int, pl.Series, list[str]]
"""A column as the engine writes it: what it is, its cells, and for places the names."""

Groups = tuple[tuple[int, bytes], ...]
"""Row groups that were written: the rows in each, and its bytes in the footer."""


class Piece(msgspec.Struct, frozen=True):
    """Scores ready to be appended: lines of CSV, or a part of Parquet; and the cells that got an apostrophe."""

    lines: bytes = b""
    part: Part = Part(b"", [])
    marked: int = 0


class Output(Protocol):
    """One kind of file."""

    def piece(self, scores: pl.DataFrame) -> Piece:
        """Prepares scores to be appended; may run in any thread."""
        ...

    def begin(self, empty: pl.DataFrame) -> None:
        """Writes what precedes the first scores; ``empty`` has their columns."""
        ...

    def append(self, piece: Piece) -> Groups:
        """Appends scores."""
        ...

    def end(self, empty: pl.DataFrame, groups: Sequence[tuple[int, bytes]]) -> None:
        """Writes what follows the last scores."""
        ...


class CsvOutput:
    """Scores as CSV, which no spreadsheet runs; ``safe`` are columns that hold nothing of a lead's.

    The engine writes commas alone, Polars any other ``separator``.
    """

    def __init__(self, file: Appended | Standard, safe: Collection[str] = (), separator: str = ",") -> None:
        self._file = file
        self._safe = safe
        self._separator = separator

    def piece(self, scores: pl.DataFrame) -> Piece:
        """The lines of some scores."""
        if self._separator == ",":
            lines, marked = lines_of(scores, self._safe)
        else:
            harmless, marked = harmless_frame(scores, self._safe)
            lines = csv_of(harmless, with_header=False, separator=self._separator)
        return Piece(lines, marked=marked)

    def begin(self, empty: pl.DataFrame) -> None:
        """Writes the header."""
        self._file.write(csv_of(harmless_frame(empty)[0], with_header=True, separator=self._separator))

    def append(self, piece: Piece) -> Groups:
        """Appends lines."""
        self._file.write(piece.lines)
        return ()

    def end(self, _empty: pl.DataFrame, _groups: Sequence[tuple[int, bytes]]) -> None:
        """Writes nothing more."""


class ParquetOutput:
    """Scores as Parquet, a row group for each batch; ``facts`` are what the file says of itself."""

    def __init__(self, file: Appended | Standard, facts: dict[str, str], known: Scores | None = None) -> None:
        self._file = file
        self._facts = facts
        self._known = Scores() if known is None else known
        self._count = 0

    def piece(self, scores: pl.DataFrame) -> Piece:
        """The pages of some scores."""
        return Piece(part=group_of(scores, self._known)) if scores.height else Piece()

    def begin(self, _empty: pl.DataFrame) -> None:
        """Writes the magic bytes."""
        self._file.write(MAGIC)

    def append(self, piece: Piece) -> Groups:
        """Appends the pages; returns the row groups."""
        if not piece.part.footer:
            return ()
        groups = groups_of(piece.part, self._file.size, self._count)
        self._file.write(piece.part.pages)
        kept = [(group.rows, group.content) for group in groups]
        self._count += len(kept)
        return tuple(kept)

    def resume(self, groups: int) -> None:
        """Continues after so many row groups."""
        self._count = groups

    def end(self, empty: pl.DataFrame, groups: Sequence[tuple[int, bytes]]) -> None:
        """Writes the footer."""
        rows = sum(rows for rows, _ in groups)
        self._file.write(footer_of(whole(empty, self._facts), rows, [content for _, content in groups]))


def lines_of(table: pl.DataFrame, safe: Collection[str]) -> tuple[bytes, int]:
    """A table as lines of CSV, and how many cells got an apostrophe; the engine writes what it has a notation for."""
    named = [column.name for column in table.iter_columns() if isinstance(column.dtype, pl.Enum)]
    places = table.select(pl.col(named).to_physical()) if named else table.clear()
    columns = [
        (TEXTS if column.name in safe else GUARDED, places[column.name].rechunk(), column.dtype.categories.to_list())
        if isinstance(column.dtype, pl.Enum)
        else written(column, column.name in safe)
        for column in table.iter_columns()
    ]
    known = [column for column in columns if column is not None]
    if len(known) == len(columns):
        return csv_lines(known)
    harmless, marked = harmless_frame(table, safe)
    return csv_of(harmless, with_header=False), marked


def written(column: pl.Series, is_safe: bool) -> Written | None:
    """A column of numbers or texts for the engine; ``None`` if it has no notation for its type."""
    column = writable(column).rechunk()
    if column.dtype == pl.String:
        return TEXTS if is_safe else GUARDED, column
    return (NUMBERS, column) if column.dtype in WRITTEN else None


def csv_of(table: pl.DataFrame, with_header: bool, separator: str = ",") -> bytes:
    """A table as CSV."""
    buffer = io.BytesIO()
    table.write_csv(buffer, include_header=with_header, separator=separator)
    return buffer.getvalue()

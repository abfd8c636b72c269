"""Reads a file of leads in batches, from any of their ends on: text in blocks of bytes, Parquet in blocks of rows."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from leadscoring.bulk.batch import Batch, Position
from leadscoring.bulk.column_types import UNREAD, held_by
from leadscoring.bulk.delimited import Parser
from leadscoring.bulk.layout import HEAD, Layout, layout_of
from leadscoring.bulk.objects import why_of
from leadscoring.bulk.parquet_footer import group_rows
from leadscoring.bulk.sources import Source, Stream, opened, read
from leadscoring.bulk.spreadsheet import writable
from leadscoring.errors import ScoringFileError
from leadscoring.training.reading.header import clean, header_of

BLOCK = 1 << 22
"""Bytes of text that are parsed together."""

LONGEST = 1 << 26
"""The most bytes of text without the end of a row."""

ROWS = 32768
"""Rows of Parquet that are scored together."""


NOTHING = io.BytesIO()
"""The stream of a file that is not text."""


class Opened(msgspec.Struct):
    """A file that was looked into: its columns and remarks; ``layout`` and ``stream`` if it is text.

    ``stream`` stands behind ``head``, the first bytes of the file; standard input can be read in no other way.
    ``types`` are those of the columns of Parquet; all columns of text are texts.
    """

    source: Source
    names: tuple[str, ...]
    labels: dict[str, str]
    notes: tuple[str, ...]
    layout: Layout | None = None
    stream: Stream = NOTHING
    head: bytes = b""
    types: dict[str, Any] = {}

    def close(self) -> None:
        """Closes the file."""
        self.stream.close()

    @property
    def start(self) -> Position:
        """Where the first row begins."""
        return Position() if self.layout is None else Position(self.layout.offset, self.layout.line)


def look_into(source: Source) -> Opened:
    """Opens a file and finds its columns. Raises ``ScoringFileError`` or ``TrainingDataError`` if it cannot be read."""
    if source.is_parquet:
        try:
            schema = scanned(source).collect_schema()
        except (pl.exceptions.PolarsError, OSError) as failure:
            raise unreadable(source, failure) from None
        labels = schema.names()
        if labels == [clean(label) for label in labels]:
            return Opened(source, tuple(labels), {}, (), types=dict(schema))
        header = header_of(labels, "the header")
        original = {name: label for name, label in zip(header.names, labels, strict=True) if name != label}
        types = dict(zip(header.names, schema.dtypes(), strict=True))
        return Opened(source, tuple(header.names), original, tuple(header.notes), types=types)
    stream = opened(source)
    try:
        head = read(stream, HEAD, source, 0)
        layout = layout_of(head, len(head) < HEAD, source.name)
    except BaseException:
        stream.close()
        raise
    return Opened(source, layout.names, layout.labels, layout.notes, layout, stream, head)


def batches(
    file: Opened, wanted: Sequence[str], numbers: Sequence[str], start: Position, single: Sequence[str] = ()
) -> Iterator[Batch]:
    """Yields the rows of a file from a position on, with the ``wanted`` columns.

    ``numbers`` are the columns that may come as float64 where all of their cells in a batch are plain numbers, and
    ``single`` those in which a line break shows that a quotation mark is stray. Raises
    ``ScoringFileError``, with the last line or row, if the file cannot be read to its end.
    """
    if file.layout is None:
        return of_parquet(file, wanted, start)
    return of_text(file, Parser(file.layout, wanted, numbers, single), start)


def of_text(file: Opened, parser: Parser, at: Position) -> Iterator[Batch]:
    """Yields the rows of a text file."""
    if at.offset <= len(file.head):
        held, stream = file.head[at.offset :], file.stream
    else:
        file.close()
        held, stream = b"", opened(file.source, at.offset)
    file.stream, file.head = stream, b""
    size = BLOCK
    while True:
        if len(held) < size:
            held += read(stream, size - len(held), file.source, at.line - 1, held)
        is_final = len(held) < size
        if not held:
            return
        block = held[:size]
        block = block if is_final else block[: block.rfind(parser.layout.end) + 1]
        batch, used = parser.parse(block, at, is_final) if block else (None, 0)
        if batch is None:
            size = grown(size, file.source, at)
            continue
        held, at, size = held[used:], batch.end, BLOCK
        yield batch


def grown(size: int, source: Source, at: Position) -> int:
    """A larger block, for a row that does not end in this one. Raises ``ScoringFileError`` if it is too long."""
    if size >= LONGEST:
        raise ScoringFileError(f"{source.name}: no row ends within {LONGEST >> 20} MB from line {at.line} on")
    return 2 * size


def of_parquet(file: Opened, wanted: Sequence[str], at: Position) -> Iterator[Batch]:
    """Yields the rows of a Parquet file."""
    scan = scanned(file.source)
    scan = scan.rename({label: name for name, label in file.labels.items()}).select(
        [name for name in file.names if name in set(wanted)]
    )
    held: pl.DataFrame | None = None
    done = at.offset
    try:
        for part in scan.slice(done).collect_batches(chunk_size=ROWS, maintain_order=True):
            held = part if held is None or not held.height else pl.concat([held, part])
            while held.height >= ROWS:
                yield of_rows(held[:ROWS], done)
                held, done = held[ROWS:], done + ROWS
    except (pl.exceptions.PolarsError, OSError) as failure:
        raise damaged(file.source, scan, done, failure) from None
    if held is not None and held.height:
        yield of_rows(held, done)


def scanned(source: Source) -> pl.LazyFrame:
    """A Parquet file to be read; its name is no pattern: ``leads [2].parquet`` must not be ``leads 2.parquet``."""
    return pl.scan_parquet(source.path, glob=False, hive_partitioning=False)


def of_rows(frame: pl.DataFrame, done: int) -> Batch:
    """The batch of some rows of Parquet, which come after so many others."""
    end = Position(done + frame.height, done + frame.height + 1)
    lines = np.arange(done + 1, done + frame.height + 1)

    def texts(rows: Sequence[int]) -> pl.DataFrame:
        return frame[list(rows)]

    def contents(rows: Sequence[int]) -> list[str]:
        shown = pl.DataFrame([written(column) for column in frame[list(rows)].iter_columns()])
        return [line for line in shown.write_ndjson().split("\n") if line]

    return Batch(frame, lines, (), {}, texts, contents, 0, 0, end)


def written(column: pl.Series) -> pl.Series:
    """A column as JSON has it: bytes and what contains them as text, at which Polars panics."""
    return column if held_by(column.dtype, UNREAD) is None else writable(column)


def damaged(source: Source, scan: pl.LazyFrame, done: int, failure: Exception) -> ScoringFileError:
    """The error for a Parquet file that cannot be read further; names the row group that is damaged."""
    first = 1
    for number, rows in enumerate(group_rows(source.path) if not source.is_cloud else []):
        try:
            if first + rows > done:
                scan.slice(first - 1, rows).collect()
        except (pl.exceptions.PolarsError, OSError) as cause:
            words = f"row group {number + 1} (rows {first} to {first + rows - 1})"
            return ScoringFileError(f"{source.name}: {words} cannot be read: {str(cause).splitlines()[0]}")
        first += rows
    return ScoringFileError(f"{source.name} cannot be read after row {done}: {reason(source, failure)}")


def unreadable(source: Source, failure: Exception) -> ScoringFileError:
    """The error for a Parquet file that cannot be opened."""
    return ScoringFileError(f"{source.name} is not a readable Parquet file: {reason(source, failure)}")


def reason(source: Source, failure: Exception) -> str:
    """Why Polars cannot read a file, in one line."""
    return why_of(failure, source.path)[0] if source.is_cloud else str(failure).splitlines()[0]

"""A look at a file of leads: all of it, or of a large one a sample, read from places all along the file."""

import io
from pathlib import Path

import msgspec
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.source import read_bytes, source_name
from leadscoring.training.reading.table import PARQUET_MAGIC, Table, from_csv, named, read_table
from leadscoring.training.reading.text import decode

MOST_BYTES = 24_000_000
"""The size up to which a text is read whole."""

MOST_ROWS = 100_000
"""The rows up to which a Parquet file is read whole."""

PLACES = 16
"""Number of places of a large file at which rows are read."""

SAMPLE_BYTES, SAMPLE_ROWS = 12_000_000, 48_000


class Glance(msgspec.Struct, frozen=True):
    """A table, and the note that it is a sample; empty if it has every row of the file."""

    table: Table
    note: str = ""


def glance(path: Path) -> Glance:
    """Reads a CSV or Parquet file, or a pipe, once; of a large file a sample.

    Raises ``TrainingDataError`` as ``read_table`` does. A sample that cannot be read is no reason: then the whole
    file is read, whose errors have the right lines.
    """
    if not path.is_file():
        return Glance(read_table(path))
    content = read_bytes(path)
    if content.startswith(PARQUET_MAGIC):
        return of_parquet(content, path)
    if len(content) > MOST_BYTES:
        text, notes = decode(content, path)
        try:
            table = from_csv(some_of(text).encode(), path)
        except TrainingDataError:
            return Glance(read_table(path))
        lines = text.count("\n")
        table = msgspec.structs.replace(table, notes=(*notes, *table.notes), name=source_name(path), lines=None)
        return Glance(table, note_of(table.frame.height, f"about {lines:,}"))
    return Glance(read_table(path))


def of_parquet(content: bytes, path: Path) -> Glance:
    """A look at a Parquet file."""
    scan = pl.scan_parquet(io.BytesIO(content))
    try:
        rows = int(scan.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError):
        return Glance(read_table(path))
    if rows <= MOST_ROWS:
        return Glance(read_table(path))
    step, size = rows // PLACES, SAMPLE_ROWS // PLACES
    frame = pl.concat([scan.slice(place * step, size).collect() for place in range(PLACES)])
    return Glance(msgspec.structs.replace(named(frame), name=source_name(path)), note_of(frame.height, f"{rows:,}"))


def note_of(rows: int, every: str) -> str:
    """The note on a sample."""
    return f"a sample: {rows:,} of {every} rows, from {PLACES} places of the file; train reads all of them"


def some_of(text: str) -> str:
    """The beginning of a text and blocks from places all along it, cut at the ends of rows."""
    size = SAMPLE_BYTES // PLACES
    step = len(text) // PLACES
    blocks, quotes, seen = [], 0, 0
    for place in range(PLACES):
        start = place * step
        quotes, seen = quotes + text.count('"', seen, start), start
        first = 0 if place == 0 else row_after(text, start, quotes)
        blocks.append(text[first : row_after(text, first + size, quotes + text.count('"', start, first + size))])
    return "".join(blocks)


def row_after(text: str, start: int, quotes: int) -> int:
    """Where the first row after ``start`` begins; ``quotes`` are the quotation marks before it, odd within a value."""
    end = text.find("\n", start)
    while end >= 0:
        quotes += text.count('"', start, end)
        if quotes % 2 == 0:
            return end + 1
        start, end = end, text.find("\n", end + 1)
    return len(text)

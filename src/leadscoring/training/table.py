"""Past leads as a table: CSV in any of the usual dialects, or Parquet."""

import csv
import hashlib
import io
from collections import Counter
from pathlib import Path

import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.regular_file import opened

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8-sig", "latin-1")
PARQUET_MAGIC = b"PAR1"
SNIFFED_LINES = 50
LONGEST_CELL = csv.field_size_limit()
"""Characters of one cell among the lines that are looked at, at most."""

MOST_COLUMNS = 65_536
"""Columns of a file, at most: what the engine takes as features, and the target."""

NAMED = 10
"""Columns that are named in a message, at most."""


def read_table(path: str | Path) -> pl.DataFrame:
    """The rows of a CSV or Parquet file; the columns of a CSV are all text.

    The delimiter (comma, semicolon, tab or bar) is found by looking; text that is not UTF-8 is read
    as Latin-1. Raises ``TrainingDataError`` when there is no such file, it is empty, it is of another
    kind, or it names a column twice.
    """
    content = read_bytes(Path(path))
    frame = from_parquet(content, path) if content.startswith(PARQUET_MAGIC) else from_csv(content, path)
    if frame.height == 0:
        raise TrainingDataError(f"{path} has a header but no rows")
    return frame


def read_bytes(path: Path) -> bytes:
    """The content of a file, or a ``TrainingDataError`` that says why it cannot be had."""
    if path.is_dir():
        raise TrainingDataError(f"{path} is a folder; name a CSV or Parquet file")
    try:
        with opened(path) as file:
            content = file.read()
    except FileNotFoundError:
        raise TrainingDataError(f"there is no file {path}") from None
    except OSError as failure:
        raise TrainingDataError(f"{path} cannot be read: {failure.strerror}") from failure
    if not content.strip():
        raise TrainingDataError(f"{path} is empty")
    return content


def data_hash(source: str | Path | pl.DataFrame) -> str:
    """``sha256:`` and the digest of a file's bytes, or of a frame written as CSV."""
    content = source.write_csv().encode() if isinstance(source, pl.DataFrame) else Path(source).read_bytes()
    return "sha256:" + hashlib.sha256(content).hexdigest()


def from_parquet(content: bytes, path: str | Path) -> pl.DataFrame:
    """The rows of a Parquet file, with the types it states."""
    try:
        return pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as failure:
        raise TrainingDataError(f"{path} is not a readable Parquet file: {failure}") from failure


def from_csv(content: bytes, path: str | Path) -> pl.DataFrame:
    """The rows of a delimited text file, every column as text."""
    text = decode(content, path)
    lines = text.splitlines()[:SNIFFED_LINES]
    try:
        delimiter = sniff(lines)
        header = next(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as failure:
        raise TrainingDataError(
            f"{path} is not readable as CSV: {failure} (a cell has at most {LONGEST_CELL})"
        ) from None
    if len(header) > MOST_COLUMNS:
        raise TrainingDataError(f"{path} has {len(header)} columns, but at most {MOST_COLUMNS} can be trained on")
    refuse_repeated(header, path)
    try:
        return pl.read_csv(io.BytesIO(text.encode()), separator=delimiter, infer_schema=False)
    except pl.exceptions.PolarsError as failure:
        why = str(failure).splitlines()[0]
        raise TrainingDataError(f"{path} is not readable as text separated by {delimiter!r}: {why}") from failure


def decode(content: bytes, path: str | Path) -> str:
    """The text of a file in the first of ``ENCODINGS`` that fits it."""
    if b"\0" in content[:4096]:
        raise TrainingDataError(f"{path} is neither Parquet nor text in UTF-8 or Latin-1; save it as CSV (UTF-8)")
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TrainingDataError(f"{path} is not text")


def sniff(lines: list[str]) -> str:
    """The delimiter that cuts the most lines into as many fields as the header has, and into the most."""
    lines = [line for number, line in enumerate(lines) if not number or len(line) <= LONGEST_CELL]

    def merit(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:  # a wide header that is cut by another delimiter is one long cell
            return -1.0, 0
        agreeing = sum(width == widths[0] for width in widths) / len(widths)
        return (agreeing if widths[0] > 1 else 0.0, widths[0])

    return max(DELIMITERS, key=merit)


def refuse_repeated(names: list[str], path: str | Path) -> None:
    """Raise ``TrainingDataError`` when a header names a column twice."""
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        named = ", ".join(map(repr, twice[:NAMED])) + (f" and {len(twice) - NAMED} more" if len(twice) > NAMED else "")
        raise TrainingDataError(f"{path} names the column {named} more than once")

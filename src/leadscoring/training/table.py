"""Past leads as a table: CSV in any of the usual dialects, or Parquet."""

import csv
import hashlib
import io
from pathlib import Path

import msgspec
import polars as pl

from leadscoring.errors import TrainingDataError

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8-sig", "latin-1")
PARQUET_MAGIC = b"PAR1"
SNIFFED_LINES = 50


class Table(msgspec.Struct, frozen=True):
    """Leads as they were read, once: the rows, the hash of the very bytes they were in, and the file's name.

    The hash is ``sha256:`` and a digest, of a frame that of it written as CSV. A frame has no name, nor has a pipe.
    """

    frame: pl.DataFrame
    data_hash: str
    name: str = ""


def read_source(source: str | Path | pl.DataFrame) -> Table:
    """The leads of a CSV or Parquet file, read from its beginning to its end once, or those of a frame.

    Raises ``TrainingDataError`` as ``read_table`` does.
    """
    if isinstance(source, pl.DataFrame):
        return Table(source, data_hash(source.write_csv().encode()))
    path = Path(source)
    content = read_bytes(path)
    return Table(table_of(content, path), data_hash(content), source_name(path))


def source_name(path: Path) -> str:
    """The name of a file; a pipe has none that says anything."""
    return path.name if path.is_file() else ""


def read_table(path: str | Path) -> pl.DataFrame:
    """The rows of a CSV or Parquet file; the columns of a CSV are all text.

    The delimiter (comma, semicolon, tab or bar) is found by looking; text that is not UTF-8 is read
    as Latin-1. Raises ``TrainingDataError`` when there is no such file, it is empty, it is of another
    kind, or it names a column twice.
    """
    return table_of(read_bytes(Path(path)), path)


def table_of(content: bytes, path: str | Path) -> pl.DataFrame:
    """The rows in the content of a CSV or Parquet file. Raises ``TrainingDataError``."""
    frame = from_parquet(content, path) if content.startswith(PARQUET_MAGIC) else from_csv(content, path)
    if frame.height == 0:
        raise TrainingDataError(f"{path} has a header but no rows")
    return frame


def read_bytes(path: Path) -> bytes:
    """The content of a file, or a ``TrainingDataError`` that says why it cannot be had."""
    if path.is_dir():
        raise TrainingDataError(f"{path} is a folder; name a CSV or Parquet file")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise TrainingDataError(f"there is no file {path}") from None
    except OSError as failure:
        raise TrainingDataError(f"{path} cannot be read: {failure.strerror}") from failure
    if not content.strip():
        raise TrainingDataError(f"{path} is empty")
    return content


def data_hash(content: bytes) -> str:
    """``sha256:`` and the digest of bytes."""
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
    delimiter = sniff(lines)
    refuse_repeated(next(csv.reader(io.StringIO(text), delimiter=delimiter)), path)
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

    def merit(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        agreeing = sum(width == widths[0] for width in widths) / len(widths)
        return (agreeing if widths[0] > 1 else 0.0, widths[0])

    return max(DELIMITERS, key=merit)


def refuse_repeated(names: list[str], path: str | Path) -> None:
    """Raise ``TrainingDataError`` when a header names a column twice."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TrainingDataError(f"{path} names the column {', '.join(map(repr, twice))} more than once")

"""Which files are too large to be held in memory as a table, and how they are opened."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from leadscoring.errors import TrainingDataError
from leadscoring.training.large.delimited import blocks_of
from leadscoring.training.large.parts import Parquet, Parts, Tick, still
from leadscoring.training.reading.packed import is_packed
from leadscoring.training.reading.table import PARQUET_MAGIC

MOST = 20_000_000
"""Number of values from which a table is not held in memory: 400,000 leads of 50 columns.

As texts it takes 0.4 to 0.8 GB, beside it the file, its parsed columns and the matrix, together 2 to 3 GB. A limit that
does not look at the memory of the machine gives the same model on every machine.
"""

BLOCK = 1 << 22


@contextmanager
def opened(path: Path, tick: Tick = still, most: int = MOST) -> Iterator[Parts | None]:
    """The parts of a file that is too large to be a table; ``None`` for any other, which may be a pipe.

    Raises ``TrainingDataError`` if it is not readable, or changes before the end.
    """
    if not path.is_file() or begins_packed(path):
        yield None
        return
    before = stamp_of(path)
    with ExitStack() as stack:
        parts = parts_of(path, tick, most, stack)
        yield parts
        if parts is not None and stamp_of(path) != before:
            raise TrainingDataError(f"{path} changed while it was read: train again when it is complete")


def parts_of(path: Path, tick: Tick, most: int, stack: ExitStack) -> Parts | None:
    """The parts of a regular file, if it is too large; ``stack`` closes temporary files."""
    try:
        if not is_parquet(path):
            return blocks_of(path, most, tick, stack)
    except OSError:  # the message of a table says more
        return None
    parts = Parquet(path)
    if parts.rows * len(parts.columns) <= most:
        return None
    parts.facts = msgspec.structs.replace(parts.facts, data_hash=hash_of(path, tick), name=path.name)
    return parts


def begins_packed(path: Path) -> bool:
    """Whether a file is compressed: then it is read as a whole."""
    try:
        with path.open("rb") as file:
            return is_packed(file.read(len(PARQUET_MAGIC) + 1))
    except OSError:  # the message of a table says more
        return False


def is_parquet(path: Path) -> bool:
    """Whether a file begins as a Parquet file does."""
    with path.open("rb") as file:
        return file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC


def stamp_of(path: Path) -> tuple[int, int]:
    """What changes when somebody writes to a file."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def hash_of(path: Path, tick: Tick = still) -> str:
    """``sha256:`` and the hex digest of a file, as ``data_hash`` of its bytes."""
    digest, done, size = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            tick(done / size)
    return "sha256:" + digest.hexdigest()

"""Which files are too large to be held in memory as a table, and how they are opened."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadscoring.errors import TrainingDataError
from leadscoring.training.large.parts import Parts, Tick, still
from leadscoring.training.reading.table import PARQUET_MAGIC

MOST = 20_000_000
"""Number of values from which a table is not held in memory: 400,000 leads of 50 columns.

As texts it takes 0.4 to 0.8 GB, beside it the file, its parsed columns and the matrix, together 2 to 3 GB. A limit that
does not look at the memory of the machine gives the same model on every machine.
"""

BLOCK = 1 << 22


@contextmanager
def opened(path: Path, most: int = MOST) -> Iterator[Parts | None]:
    """The parts of a file that is too large to be a table; ``None`` for any other, which may be a pipe.

    Raises ``TrainingDataError`` if it is not readable, or changes before the end.
    """
    if not path.is_file() or not is_parquet(path):
        yield None
        return
    before = stamp_of(path)
    parts = Parts(path)
    yield parts if parts.rows * len(parts.columns) > most else None
    if stamp_of(path) != before:
        raise TrainingDataError(f"{path} changed while it was read: train again when it is complete")


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

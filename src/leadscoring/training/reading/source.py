"""Reads the bytes of a file or of a pipe, such as `train <(zcat leads.csv.gz)`, exactly once."""

import hashlib
import os
import select
import stat
from errno import ETIMEDOUT
from pathlib import Path

from leadscoring.errors import TrainingDataError
from leadscoring.regular_file import NotRegular, descriptor_of
from leadscoring.system_error import why
from leadscoring.training.reading.packed import unpacked

LONGEST_WAIT = 10.0
"""Seconds to wait for a writer to open a pipe. Once it has been opened, there is no time limit."""

LOOK = 0.1
"""Seconds between two checks for a writer."""

PART = 1 << 20


def read_bytes(path: Path) -> bytes:
    """Reads the content of a file or a pipe, decompressed if it is compressed.

    Raises ``TrainingDataError`` if it cannot be read or is empty.
    """
    if path.is_dir():
        raise TrainingDataError(f"{path} is a folder; name a CSV or Parquet file")
    try:
        content = content_of(path)
    except FileNotFoundError:
        raise TrainingDataError(f"there is no file {path}") from None
    except (OSError, ValueError) as failure:
        raise TrainingDataError(f"{path} cannot be read: {why(failure)}") from failure
    content = unpacked(content, str(path))
    if not content.strip():
        raise TrainingDataError(f"{path} is empty")
    return content


def content_of(path: Path) -> bytes:
    """Reads a file or a pipe to its end. Raises ``OSError``, or ``NotRegular`` for a device."""
    descriptor, mode = descriptor_of(path)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if stat.S_ISFIFO(mode):
            return drained(file.fileno())
        if not stat.S_ISREG(mode):
            raise NotRegular(mode)
        return file.readall()


def drained(pipe: int) -> bytes:
    """Reads a non-blocking pipe until its last writer closes it.

    Raises ``TimeoutError`` if no writer opens it within ``LONGEST_WAIT``.
    """
    parts: list[bytes] = []
    begun, looks = False, round(LONGEST_WAIT / LOOK)
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    while begun or looks > 0:
        begun |= bool(waiting.poll(1000 * LOOK))
        try:
            part = os.read(pipe, PART)
        except BlockingIOError:  # a writer has it open
            begun = True
            continue
        if begun and not part:
            return b"".join(parts)
        parts.append(part)
        looks -= 1
    raise TimeoutError(ETIMEDOUT, f"it is a pipe to which nobody wrote within {LONGEST_WAIT:g} seconds")


def data_hash(content: bytes) -> str:
    """``sha256:`` and the hex digest of the bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def source_name(path: Path) -> str:
    """The name of a file; empty for a pipe, whose name is meaningless."""
    return path.name if path.is_file() else ""

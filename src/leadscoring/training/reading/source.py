"""The bytes of past leads: of a file, or of a pipe as `train <(zcat leads.csv.gz)` makes it, read once."""

import hashlib
import os
import select
import stat
from errno import ETIMEDOUT
from pathlib import Path

from leadscoring.errors import TrainingDataError
from leadscoring.regular_file import NotRegular, descriptor_of

LONGEST_WAIT = 10.0
"""Seconds in which somebody must begin to write to a pipe. Who has begun may take any time."""

LOOK = 0.1
"""Seconds between two looks at whether somebody writes."""

PART = 1 << 20


def read_bytes(path: Path) -> bytes:
    """The content of a file or a pipe, or a ``TrainingDataError`` that says why it cannot be had."""
    if path.is_dir():
        raise TrainingDataError(f"{path} is a folder; name a CSV or Parquet file")
    try:
        content = content_of(path)
    except FileNotFoundError:
        raise TrainingDataError(f"there is no file {path}") from None
    except (OSError, ValueError) as failure:
        raise TrainingDataError(f"{path} cannot be read: {getattr(failure, 'strerror', None) or failure}") from failure
    if not content.strip():
        raise TrainingDataError(f"{path} is empty")
    return content


def content_of(path: Path) -> bytes:
    """What a file or a pipe holds, up to its end. Raises ``OSError``, ``NotRegular`` for a device."""
    descriptor, mode = descriptor_of(path)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if stat.S_ISFIFO(mode):
            return drained(file.fileno())
        if not stat.S_ISREG(mode):
            raise NotRegular(mode)
        return file.readall()


def drained(pipe: int) -> bytes:
    """What is written to a pipe that does not block, until its last writer closes it.

    Raises ``TimeoutError`` when nobody opens it within ``LONGEST_WAIT``.
    """
    parts: list[bytes] = []
    begun, looks = False, round(LONGEST_WAIT / LOOK)
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    while begun or looks > 0:
        begun |= bool(waiting.poll(1000 * LOOK))
        try:
            part = os.read(pipe, PART)
        except BlockingIOError:  # somebody has it open, and may write yet
            begun = True
            continue
        if begun and not part:
            return b"".join(parts)
        parts.append(part)
        looks -= 1
    raise TimeoutError(ETIMEDOUT, f"it is a pipe to which nobody wrote within {LONGEST_WAIT:g} seconds")


def data_hash(content: bytes) -> str:
    """``sha256:`` and the digest of bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def source_name(path: Path) -> str:
    """The name of a file; a pipe has none that says anything."""
    return path.name if path.is_file() else ""

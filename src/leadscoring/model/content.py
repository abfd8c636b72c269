"""Reads the bytes of a model file."""

from os import fstat
from pathlib import Path
from typing import BinaryIO

from leadscoring.errors import ModelNotFound, ModelUnreadable
from leadscoring.regular_file import opened

MAX_BYTES = 1 << 30
"""Maximum size of a model file in bytes."""


def read_content(path: str | Path) -> bytes:
    """Reads a model file.

    Raises ModelNotFound if it cannot be read, ModelUnreadable if it is too large.
    """
    try:
        with opened(path) as file:
            size = fstat(file.fileno()).st_size
            content = read_all(file, size) if size <= MAX_BYTES else b""
    except (OSError, ValueError) as failure:
        why = (getattr(failure, "strerror", None) or str(failure) or "unreadable").lower()
        raise ModelNotFound(str(path), why) from None
    if max(size, len(content)) > MAX_BYTES:  # the file may grow while it is read
        raise ModelUnreadable(f"{path}: a model file may have at most {MAX_BYTES} bytes, not {max(size, len(content))}")
    return content


def read_all(file: BinaryIO, size: int) -> bytes:
    """Reads a file of this size, and what is appended to it meanwhile, up to one byte more than the maximum.

    Reading reserves as much memory as it asks for, so that it asks for the size of the file, not for the maximum.
    """
    content = file.read(size + 1)
    while len(content) > size and len(content) <= MAX_BYTES:
        size = len(content)
        content += file.read(min(size, MAX_BYTES + 1 - size))
    return content

"""Reads the bytes of a model file."""

from os import fstat
from pathlib import Path

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
            content = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
    except (OSError, ValueError) as failure:
        why = (getattr(failure, "strerror", None) or str(failure) or "unreadable").lower()
        raise ModelNotFound(str(path), why) from None
    if max(size, len(content)) > MAX_BYTES:  # the file may grow while it is read
        raise ModelUnreadable(f"{path}: a model file may have at most {MAX_BYTES} bytes, not {max(size, len(content))}")
    return content

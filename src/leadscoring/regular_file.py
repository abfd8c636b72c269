"""Opens files named by an operator, and only regular files: opening or reading a pipe could block forever."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotRegular(OSError):
    """The path is a pipe, a device, a socket or a directory."""

    def __init__(self, mode: int) -> None:
        super().__init__(f"it is not a regular file, but {kind_of(mode)}")
        self.strerror = str(self)


def opened(path: str | Path) -> BinaryIO:
    """Opens the regular file at a path for reading.

    Never blocks. Raises ``OSError`` if the file cannot be opened, ``NotRegular`` if it is not a regular file, and
    ``ValueError`` for a path with a zero byte in it.
    """
    descriptor, mode = descriptor_of(path)
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotRegular(mode)
    return os.fdopen(descriptor, "rb")


def descriptor_of(path: str | Path) -> tuple[int, int]:
    """Opens a path without blocking; returns the file descriptor, which the caller closes, and its mode.

    Raises ``OSError`` or ``ValueError`` as ``opened`` does.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # opening a pipe would otherwise wait for a writer
    return descriptor, os.fstat(descriptor).st_mode


def kind_of(mode: int) -> str:
    """What a file that is not regular is, in words."""
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "no file"

"""Files that an operator names: opened only when they are files, since a pipe would keep everyone waiting for ever."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotRegular(OSError):
    """What is at the path is a pipe, a device, a socket or a directory."""

    def __init__(self, mode: int) -> None:
        super().__init__(f"it is not a regular file, but {kind_of(mode)}")
        self.strerror = str(self)


def opened(path: str | Path) -> BinaryIO:
    """The regular file at a path, open to be read.

    Raises ``OSError`` when there is none, ``NotRegular`` when it is something else, at once in any case; and
    ``ValueError`` for a path with a zero byte in it.
    """
    descriptor, mode = descriptor_of(path)
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotRegular(mode)
    return os.fdopen(descriptor, "rb")


def descriptor_of(path: str | Path) -> tuple[int, int]:
    """A descriptor of what is at a path, for the caller to close, and its mode. Raises as ``opened`` does."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # without it, to open a pipe waits for its writer
    return descriptor, os.fstat(descriptor).st_mode


def kind_of(mode: int) -> str:
    """What is not a file, in words."""
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "no file"

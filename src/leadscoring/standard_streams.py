"""Standard input, output and error of a process, of which a shell may have closed any, as `2>&-` does.

A closed one is dangerous: the next file that is opened gets its number, and what is printed goes into that file.
"""

import io
import os
import sys
from typing import IO

NAMES = ("stdin", "stdout", "stderr")
"""What Python calls them, in the order of their descriptors."""


class Nowhere(io.TextIOWrapper):
    """Stands for a stream that was closed: it is empty, and drops what is written to it."""

    def __init__(self, number: int) -> None:
        super().__init__(os.fdopen(number, "rb" if number == 0 else "wb", closefd=False), encoding="utf-8")


def complete_streams() -> None:
    """Opens the null device in place of closed streams, for this process and for those that it starts."""
    for number, name in enumerate(NAMES):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, Nowhere(number))


def is_closed(stream: IO[str] | None) -> bool:
    """Whether a stream was closed when the process began."""
    return stream is None or isinstance(stream, Nowhere)


def silence(stream: IO[str]) -> None:
    """Lets a stream that failed lead nowhere from now on: Python would try again to write what is left, at its end."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):  # as of a stream in memory
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)

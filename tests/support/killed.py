"""Ends whatever runs at one of its calls of the system, as if the process had ended there."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest


class Killed(BaseException):
    """Stands for the end of the process: nothing of the run handles it."""


SYSTEM = ("write", "fsync", "replace", "rename", "ftruncate", "open")
"""What a run calls to change files."""


@contextmanager
def killed_at(number: int, before: bool, calls: Sequence[str] = SYSTEM) -> Iterator[list[int]]:
    """Ends whatever runs at one of its ``calls`` of the system, before it or, for writes, when half is written."""
    count = [0]

    def ending(real: Callable[..., Any], name: str) -> Callable[..., Any]:
        def called(*arguments: Any, **options: Any) -> Any:
            count[0] += 1
            if count[0] != number:
                return real(*arguments, **options)
            if not before and name == "write":
                real(arguments[0], bytes(arguments[1])[: max(1, len(arguments[1]) // 2)])
            elif not before:
                real(*arguments, **options)
            raise Killed

        return called

    with pytest.MonkeyPatch.context() as patch:
        for name in calls:
            patch.setattr(os, name, ending(getattr(os, name), name))
        yield count

"""Work done in stretches, with a pause between two of them, for whoever shares a processor with others."""

from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

Result = TypeVar("Result")

Stretches = Generator[None, None, Result]
"""Work as a generator: it yields nothing at each pause, and returns its result."""


class Work(Generic[Result]):
    """Iterates over the pauses of some work; afterwards its ``result`` is there."""

    result: Result

    def __init__(self, stretches: Stretches[Result]) -> None:
        self._stretches = stretches

    def __iter__(self) -> Iterator[None]:
        self.result = yield from self._stretches


def at_once(stretches: Stretches[Result]) -> Result:
    """The result of the work, without a pause."""
    work = Work(stretches)
    for _ in work:
        pass
    return work.result

"""Work in slices with pauses between them, so that long work does not block the event loop."""

from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

Result = TypeVar("Result")

Stretches = Generator[None, None, Result]
"""Work as a generator: it yields ``None`` at each pause, and returns its result."""


class Work(Generic[Result]):
    """Iterates over the pauses of some work; ``result`` is set when the iteration ends."""

    result: Result

    def __init__(self, stretches: Stretches[Result]) -> None:
        self._stretches = stretches

    def __iter__(self) -> Iterator[None]:
        self.result = yield from self._stretches


def at_once(stretches: Stretches[Result]) -> Result:
    """Runs the work without pausing, and returns its result."""
    work = Work(stretches)
    for _ in work:
        pass
    return work.result

"""The share of the work of a training that is done, for the bar that a person watches."""

import threading
from collections.abc import Callable

from leadscoring.training.leads import Progress

PREPARED = 0.2
"""The share of the work that comes before the first fit."""


class Share:
    """Reports a part of the work, from share ``start`` to ``end`` of all; never less than before, from any thread."""

    def __init__(self, progress: Progress, start: float, end: float) -> None:
        self.progress, self.start, self.end = progress, start, end
        self.at, self.lock = start, threading.Lock()

    def of(self, start: float, end: float) -> "Share":
        """Returns a part of this part."""
        width = self.end - self.start
        return Share(self.progress, self.start + width * start, self.start + width * end)

    def report(self, stage: str, done: float) -> None:
        """Reports that so much of this part, 0..1, is done."""
        with self.lock:
            self.at = max(self.at, self.start + (self.end - self.start) * min(max(done, 0.0), 1.0))
            self.progress(stage, self.at)

    def ticks(self, stage: str, count: int) -> Callable[[], None]:
        """Returns a function to call after each of ``count`` steps."""
        done: list[None] = []

        def tick() -> None:
            done.append(None)
            self.report(stage, len(done) / count)

        return tick

    def rounds(self, stage: str, count: int) -> Callable[[int], None]:
        """Returns a function to call with the number of the rounds, of ``count``, that are done."""
        return lambda done: self.report(stage, done / count)

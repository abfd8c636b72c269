"""What a process tells of itself while nobody asks, so that whichever worker is asked for metrics knows it of all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.scoring.scorer import Scorer
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.vitals import Usage, Vitals

BEAT_SECONDS = 5.0
"""Between two looks: a third of the time between two scrapes."""


LOOK_SECONDS = 0.02
"""Between two looks at whether the event loop turns; what it stands still for less goes unseen."""

STALL_WINDOW = 30.0
"""Seconds after which the longest stall is forgotten at the earliest; at the latest twice as many: a scrape sees it."""

SETTLED_SECONDS = 0.25
"""After which a start is over: what is not needed for it waits until then."""


class Longest:
    """The longest of what was seen in the last moments."""

    def __init__(self) -> None:
        self._since = 0.0
        self._before = self._longest = 0.0

    def seen(self, now: float, seconds: float) -> float:
        """One more; returns the longest in this window and the one before."""
        if now - self._since >= STALL_WINDOW:
            self._since, self._before, self._longest = now, self._longest, 0.0
        self._longest = max(self._longest, seconds)
        return max(self._before, self._longest)


class Pulse:
    """Whether this process is ready, and what it uses."""

    def __init__(self, scorer: Scorer, lifecycle: Lifecycle, metrics: Metrics, vitals: Vitals) -> None:
        self._scorer = scorer
        self._vitals = vitals
        self._lifecycle = lifecycle
        self._metrics = metrics
        self._usage = Usage()

    def beat(self) -> None:
        """Looks, and tells the metrics. Takes a fraction of a millisecond."""
        self._lifecycle.seen(self._scorer.served.model)
        self._metrics.process(*self._usage.since())

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Looks every ``BEAT_SECONDS`` for as long as the context is open."""
        tasks = asyncio.create_task(self._beats()), asyncio.create_task(self._stalls())
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    async def _stalls(self) -> None:
        """Looks for how long the event loop keeps whoever asks for something waiting."""
        longest = Longest()
        while True:
            asked = monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            now = monotonic()
            self._metrics.stall(longest.seen(now, max(0.0, now - asked - LOOK_SECONDS)))

    async def _beats(self) -> None:
        self.beat()
        await asyncio.sleep(SETTLED_SECONDS)
        await asyncio.to_thread(self._vitals.machine)  # imports what it looks with, for which no scrape should wait
        while True:
            self.beat()
            await asyncio.sleep(BEAT_SECONDS)

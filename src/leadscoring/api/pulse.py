"""Periodic self-measurement of each process, so that any worker can report the metrics of all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.scoring.scorer import Scorer
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.vitals import Usage, Vitals

BEAT_SECONDS = 5.0
"""Seconds between two measurements: a third of the usual scrape interval."""


LOOK_SECONDS = 0.02
"""Seconds between two checks of the event loop; shorter stalls are not detected."""

STALL_WINDOW = 30.0
"""Minimum seconds for which the longest stall is reported, and half of the maximum, so that a scrape sees it."""

SETTLED_SECONDS = 0.25
"""Seconds after startup until which work that startup does not need is deferred."""


class Longest:
    """The longest duration in a sliding window."""

    def __init__(self) -> None:
        self._since = 0.0
        self._before = self._longest = 0.0

    def seen(self, now: float, seconds: float) -> float:
        """Adds a duration; returns the longest in the current and the previous window."""
        if now - self._since >= STALL_WINDOW:
            self._since, self._before, self._longest = now, self._longest, 0.0
        self._longest = max(self._longest, seconds)
        return max(self._before, self._longest)


class Pulse:
    """Measures whether this process is ready, and its resource usage."""

    def __init__(self, scorer: Scorer, lifecycle: Lifecycle, metrics: Metrics, vitals: Vitals) -> None:
        self._scorer = scorer
        self._vitals = vitals
        self._lifecycle = lifecycle
        self._metrics = metrics
        self._usage = Usage()

    def beat(self) -> None:
        """Measures and updates the metrics; takes a fraction of a millisecond."""
        self._lifecycle.seen(self._scorer.served.model)
        self._metrics.process(*self._usage.since())

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Measures every ``BEAT_SECONDS`` as long as the context is open."""
        tasks = asyncio.create_task(self._beats()), asyncio.create_task(self._stalls())
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    async def _stalls(self) -> None:
        """Measures stalls of the event loop, which delay all requests."""
        longest = Longest()
        while True:
            asked = monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            now = monotonic()
            self._metrics.stall(longest.seen(now, max(0.0, now - asked - LOOK_SECONDS)))

    async def _beats(self) -> None:
        self.beat()
        await asyncio.sleep(SETTLED_SECONDS)
        await asyncio.to_thread(self._vitals.machine)  # imports its dependencies, which should not delay a scrape
        while True:
            self.beat()
            await asyncio.sleep(BEAT_SECONDS)

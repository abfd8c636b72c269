"""What a process tells of itself while nobody asks, so that whichever worker is asked for metrics knows it of all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from leadscoring.api.lifecycle import Lifecycle
from leadscoring.metrics import Metrics
from leadscoring.scoring import Scorer
from leadscoring.vitals import Usage, Vitals

BEAT_SECONDS = 5.0
"""Between two looks: a third of the time between two scrapes."""


SETTLED_SECONDS = 0.25
"""After which a start is over: what is not needed for it waits until then."""


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
        self._lifecycle.seen(self._scorer.model)
        self._metrics.process(*self._usage.since())

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Looks every ``BEAT_SECONDS`` for as long as the context is open."""
        beats = asyncio.create_task(self._beats())
        try:
            yield
        finally:
            beats.cancel()

    async def _beats(self) -> None:
        self.beat()
        await asyncio.sleep(SETTLED_SECONDS)
        await asyncio.to_thread(self._vitals.machine)  # imports what it looks with, for which no scrape should wait
        while True:
            self.beat()
            await asyncio.sleep(BEAT_SECONDS)

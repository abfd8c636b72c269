"""How one model takes over from another under load: it is opened, swapped in, and closed after its last use."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.provider import Provider
from leadscoring.quality.model_counts import ROOMS, ModelCounts
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.telemetry.log import Log

log = Log("leadscoring")


class Succession:
    """What one process serves, one after the other; ``open_served`` makes it of a model.

    What was served is in use for as long as anything refers to it: a request on its way, or a batch between two of its
    parts. When the last of them lets go, its provider is closed, and not before, so that calls under way come to their
    end. Counting references is the interpreter's work, costs a request nothing, and no way through the service can
    forget it.
    """

    def __init__(self, scorer: Scorer, open_served: Callable[[LoadedModel], Served]) -> None:
        self._scorer = scorer
        self._open = open_served
        self._running: dict[asyncio.Task[None], asyncio.Event] = {}
        self._turn = asyncio.Lock()

    @property
    def in_use(self) -> int:
        """How many are served or still used."""
        return len(self._running)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What the providers do beside scoring, for as long as the context is open."""
        await self._begin(self._scorer.served)
        try:
            yield
        finally:
            for unused in self._running.values():
                unused.set()
            await asyncio.gather(*self._running)

    async def serve(self, model: LoadedModel) -> None:
        """Serves ``model`` from now on: requests that have begun end with what they began with.

        Waits for its turn, and while ``ROOMS`` are in use. Raises what its provider raises when that cannot be had;
        then all stays as it is.
        """
        async with self._turn:
            while self.in_use >= ROOMS:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            served = self._open(model)
            await self._begin(served)
            before, self._scorer.served = self._scorer.served, served
        before.provider.retire()
        log.info(
            "model replaced",
            name=model.card.name,
            version=model.card.version,
            before=f"{before.model.card.name} {before.model.card.version}",
        )

    async def _begin(self, served: Served) -> None:
        """Opens its provider; from then on it runs until nothing refers to it."""
        loop, unused = asyncio.get_running_loop(), asyncio.Event()
        opened: asyncio.Future[None] = loop.create_future()
        last = weakref.finalize(served, loop.call_soon_threadsafe, unused.set)
        last.atexit = False
        task = asyncio.create_task(run(served.provider, served.counts, opened, unused))
        self._running[task] = unused
        task.add_done_callback(lambda done: (last.detach(), self._running.pop(done)))
        await opened


async def run(
    provider: Provider, counts: ModelCounts | None, opened: "asyncio.Future[None]", unused: asyncio.Event
) -> None:
    """What goes on beside scoring while something is in use."""
    try:
        async with provider.running():
            opened.set_result(None)
            await unused.wait()
    except Exception as failure:
        if opened.done():
            raise
        opened.set_exception(failure)
    finally:
        if counts is not None:
            counts.leave()

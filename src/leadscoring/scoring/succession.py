"""Replaces the served model under load: opens the new one, swaps it in, and closes the old one after its last use."""

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
    """The models that one process serves, one after the other; ``open_served`` opens a model for service.

    A ``Served`` is in use as long as anything references it: a request in progress, or a batch between two parts. Its
    provider is closed when the last reference is released and not before, so that calls in progress finish. The
    interpreter counts the references, which costs a request nothing, and no code path can forget to release one.
    """

    def __init__(self, scorer: Scorer, open_served: Callable[[LoadedModel], Served]) -> None:
        self._scorer = scorer
        self._open = open_served
        self._running: dict[asyncio.Task[None], asyncio.Event] = {}
        self._turn = asyncio.Lock()

    @property
    def in_use(self) -> int:
        """The number of models that are served or still in use."""
        return len(self._running)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs the background work of the providers as long as the context is open."""
        await self._begin(self._scorer.served)
        try:
            yield
        finally:
            for unused in self._running.values():
                unused.set()
            await asyncio.gather(*self._running)

    async def serve(self, model: LoadedModel) -> None:
        """Serves ``model`` from now on; requests in progress finish with the model that they started with.

        Waits for other replacements, and while ``ROOMS`` models are in use. Raises the error of the provider if it
        cannot be opened; the previous model is then still served.
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
        """Opens the provider, which then runs until nothing references ``served``."""
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
    """Runs the provider's background work until ``unused`` is set; resolves ``opened`` once it has started."""
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

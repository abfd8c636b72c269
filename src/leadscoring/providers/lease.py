"""Something secret that runs out, such as a token: fetched beside the event loop, and again before it is over."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

Held = TypeVar("Held")

RETRY_SECONDS = 10.0
"""Between two fetches when one has failed and what is held still works."""


class Lease(Generic[Held]):
    """What ``fetch`` gave last, together with the moment from which it should be fetched anew, by ``monotonic``.

    ``fetch`` may block: it runs in a thread, once at a time. A call waits for it only when nothing is held.
    """

    def __init__(self, fetch: Callable[[], tuple[Held, float]]) -> None:
        self._fetch = fetch
        self._held: Held | None = None
        self._due = 0.0
        self._fetching: asyncio.Task[Held] | None = None

    async def get(self) -> Held:
        """What is held now. Raises what ``fetch`` raised when there is nothing."""
        if self._held is not None and monotonic() < self._due:
            return self._held
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._renew())
            self._fetching.add_done_callback(self._fetched)
        if self._held is not None:
            return self._held
        return await asyncio.shield(self._fetching)

    def drop(self) -> None:
        """What is held was refused: the next call fetches another."""
        self._held = None

    async def _renew(self) -> Held:
        self._due = monotonic() + RETRY_SECONDS
        held, self._due = await asyncio.to_thread(self._fetch)
        self._held = held
        return held

    def _fetched(self, done: "asyncio.Task[Held]") -> None:
        self._fetching = None
        if not done.cancelled():
            done.exception()  # raised to whoever waits; with something held, the next fetch decides

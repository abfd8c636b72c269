"""An expiring secret, such as a token: fetched in a thread, and renewed before it expires."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

Held = TypeVar("Held")

RETRY_SECONDS = 10.0
"""Seconds between two fetches after one has failed while the current value is still valid."""


class Lease(Generic[Held]):
    """Caches the value of ``fetch``, which returns it with its renewal time by ``monotonic``.

    ``fetch`` may block: it runs in a thread, never twice at the same time. A call waits for it only if no value is
    cached.
    """

    def __init__(self, fetch: Callable[[], tuple[Held, float]]) -> None:
        self._fetch = fetch
        self._held: Held | None = None
        self._due = 0.0
        self._fetching: asyncio.Task[Held] | None = None

    async def get(self) -> Held:
        """Returns the current value. Raises the error of ``fetch`` if there is none."""
        if self._held is not None and monotonic() < self._due:
            return self._held
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._renew())
            self._fetching.add_done_callback(self._fetched)
        if self._held is not None:
            return self._held
        return await asyncio.shield(self._fetching)

    def drop(self) -> None:
        """Discards a rejected value; the next call fetches a new one."""
        self._held = None

    async def _renew(self) -> Held:
        self._due = monotonic() + RETRY_SECONDS
        held, self._due = await asyncio.to_thread(self._fetch)
        self._held = held
        return held

    def _fetched(self, done: "asyncio.Task[Held]") -> None:
        self._fetching = None
        if not done.cancelled():
            done.exception()  # marks it as retrieved: waiting callers get it, or the next fetch retries

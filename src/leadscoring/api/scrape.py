"""The response of ``/metrics``: generated for each request at normal rates, shared between requests at high rates."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

EACH_SECONDS = 0.1
"""Minimum average seconds between two generations: at about 8 ms each this limits them to 8 % of a processor."""

AT_MOST = 20
"""Maximum burst of generations after a pause."""

KEPT_SECONDS = 1.0
"""Maximum age of a shared response in seconds."""


class Scrape:
    """Limits and shares the generation of the exposition, which ``write`` does."""

    def __init__(self, write: Callable[[], Awaitable[bytes]], clock: Callable[[], float] = monotonic) -> None:
        self._write = write
        self._clock = clock
        self._writing: asyncio.Task[bytes] | None = None
        self._last = b""
        self._written = -KEPT_SECONDS
        self._full_at = 0.0  # when the full burst is available again

    async def read(self) -> bytes:
        """Returns the exposition: a new one if the rate allows, else the latest."""
        now = self._clock()
        if self._writing is None:
            spent = max(0.0, self._full_at - now)
            if spent > (AT_MOST - 1) * EACH_SECONDS and now - self._written < KEPT_SECONDS:
                return self._last
            self._full_at = now + spent + EACH_SECONDS
            self._writing = asyncio.ensure_future(self._write())
            self._writing.add_done_callback(self._done)
        return await asyncio.shield(self._writing)

    def _done(self, writing: "asyncio.Task[bytes]") -> None:
        self._writing = None
        if not writing.cancelled() and writing.exception() is None:
            self._last, self._written = writing.result(), self._clock()

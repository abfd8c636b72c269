"""What ``/metrics`` says, written anew for whoever asks now and then, and shared by those who ask at once."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

EACH_SECONDS = 0.1
"""Between two that are written, in the long run: at some 8 ms each that is a twelfth of a processor."""

AT_MOST = 20
"""How many may be written at once after a while without any."""

KEPT_SECONDS = 1.0
"""How old a shared one may be."""


class Scrape:
    """One exposition for many callers. ``write`` makes it."""

    def __init__(self, write: Callable[[], Awaitable[bytes]], clock: Callable[[], float] = monotonic) -> None:
        self._write = write
        self._clock = clock
        self._writing: asyncio.Task[bytes] | None = None
        self._last = b""
        self._written = -KEPT_SECONDS
        self._full_at = 0.0  # when as many as possible may be written again

    async def read(self) -> bytes:
        """The exposition: a new one where one may be written, else that of the last moment."""
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

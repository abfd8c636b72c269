"""Memory for decompressed bodies and the bodies of streams, limited per key.

A few kilobytes of gzip can decompress to megabytes, and a stream keeps its body for as long as its client takes to
read the answer. Each key therefore has a share of the memory, and its next requests wait, still compressed, until
there is room in it.
"""

import asyncio
from collections import Counter, deque

from leadscoring.errors import DeadlineExceeded
from leadscoring.transport.exchange import Exchange

SHARES = 4
"""Each key may use one of this many equal parts of the memory."""


class Kept:
    """The bytes reserved by the requests of one process: per key at most a share of ``most`` bytes, or one request.

    A request that gets no room within ``patience`` seconds is rejected.
    """

    def __init__(self, most: int, patience: float) -> None:
        self._share = most // SHARES
        self._patience = patience
        self._bytes = Counter[str]()
        self._waiting: dict[str, deque[tuple[asyncio.Future[None], int]]] = {}

    def __len__(self) -> int:
        return self._bytes.total()

    async def reserve(self, exchange: Exchange, size: int) -> None:
        """Waits for room for ``size`` bytes. Raises ``DeadlineExceeded`` on timeout."""
        caller = exchange.key or ""
        granted = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append((granted, size))
        self._grant(caller)
        exchange.kept = (caller, 0)
        try:
            async with asyncio.timeout(self._patience):
                await granted
        except TimeoutError:
            raise DeadlineExceeded from None
        finally:
            if granted.done() and not granted.cancelled():
                exchange.kept = (caller, size)

    def shrink(self, exchange: Exchange, size: int) -> None:
        """Reduces the reservation of a request to ``size`` bytes."""
        if exchange.kept is not None:
            caller, reserved = exchange.kept
            exchange.kept = (caller, size)
            self._gave_back(caller, reserved - size)

    def release(self, exchange: Exchange) -> None:
        """Releases the reservation of a request."""
        if exchange.kept is not None:
            self._gave_back(*exchange.kept)
            exchange.kept = None

    def _gave_back(self, caller: str, size: int) -> None:
        self._bytes[caller] -= size
        if not self._bytes[caller]:
            del self._bytes[caller]
        self._grant(caller)

    def _grant(self, caller: str) -> None:
        """Grants waiting requests in order, as far as there is room."""
        line = self._waiting.get(caller, deque())
        while line:
            granted, size = line[0]
            kept = self._bytes.get(caller, 0)
            if not granted.done():  # otherwise it was cancelled
                if kept and kept + size > self._share:
                    return
                self._bytes[caller] += size
                granted.set_result(None)
            line.popleft()
        self._waiting.pop(caller, None)

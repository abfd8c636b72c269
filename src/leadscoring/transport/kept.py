"""Bytes that requests keep while they are answered, beyond those that came: bodies out of gzip, and those of streams.

A few kilobytes of gzip become megabytes, and a stream keeps its body for as long as its client takes to read. Each key
therefore has a share of the memory, and its next requests wait for room in it, as packed as they came.
"""

import asyncio
from collections import Counter, deque

from leadscoring.errors import DeadlineExceeded
from leadscoring.transport.exchange import Exchange

SHARES = 4
"""Into how many parts the memory is cut, of which each key may take one."""


class Kept:
    """What the requests of one process keep, by key: at most a share of ``most`` bytes each, or one request.

    One that finds no room within ``patience`` seconds is given up.
    """

    def __init__(self, most: int, patience: float) -> None:
        self._share = most // SHARES
        self._patience = patience
        self._bytes = Counter[str]()
        self._waiting: dict[str, deque[tuple[asyncio.Future[None], int]]] = {}

    def __len__(self) -> int:
        return self._bytes.total()

    async def reserve(self, exchange: Exchange, size: int) -> None:
        """Waits for room for so many bytes. Raises ``DeadlineExceeded`` when there is none in time."""
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
        """The request keeps no more than so many bytes of what it has reserved."""
        if exchange.kept is not None:
            caller, reserved = exchange.kept
            exchange.kept = (caller, size)
            self._gave_back(caller, reserved - size)

    def release(self, exchange: Exchange) -> None:
        """The request was answered."""
        if exchange.kept is not None:
            self._gave_back(*exchange.kept)
            exchange.kept = None

    def _gave_back(self, caller: str, size: int) -> None:
        self._bytes[caller] -= size
        if not self._bytes[caller]:
            del self._bytes[caller]
        self._grant(caller)

    def _grant(self, caller: str) -> None:
        """Gives the first in line what they wait for, as far as there is room."""
        line = self._waiting.get(caller, deque())
        while line:
            granted, size = line[0]
            kept = self._bytes.get(caller, 0)
            if not granted.done():  # else it has given up
                if kept and kept + size > self._share:
                    return
                self._bytes[caller] += size
                granted.set_result(None)
            line.popleft()
        self._waiting.pop(caller, None)

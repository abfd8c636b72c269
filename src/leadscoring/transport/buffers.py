"""Bytes buffered for clients: incomplete requests, and answers that are not read."""

from collections.abc import Callable
from typing import Protocol

LEAST = 1 << 26
"""Default minimum of the bound, in bytes each way."""

BODIES = 4
"""The default bound has room for at least this many bodies of the largest size."""


def most(setting: int, largest_body: int) -> int:
    """The bound in bytes for a setting; 0 selects one that fits the largest body."""
    return setting or max(LEAST, BODIES * largest_body)


class Holder(Protocol):
    """A request or connection that bytes are buffered for."""

    def give_up_body(self) -> None:
        """Rejects the incoming request to free its memory."""
        ...

    def give_up_answer(self) -> None:
        """Drops the answers of a client that does not read."""
        ...


class Buffers:
    """The bytes buffered for all connections, bounded by ``most`` each way.

    ``incoming`` are those of all requests, ``unfinished`` of incomplete ones, ``outgoing`` of answers. Above the
    bound, the largest incomplete request is rejected, so that small requests succeed while others upload large bodies
    without finishing. Of the answers, those of the client that has not read for the longest time are dropped.
    """

    def __init__(self, most: int, rejected: Callable[[str], None]) -> None:
        self._most = most
        self._rejected = rejected
        self._held: dict[Holder, int] = {}
        self._coming: set[Holder] = set()
        self._unread: dict[Holder, int] = {}
        self.incoming = 0
        self.unfinished = 0
        self.outgoing = 0

    def took(self, holder: Holder, size: int) -> None:
        """Adds ``size`` bytes of an incomplete body."""
        self.incoming += size
        self._held[holder] = self._held.get(holder, 0) + size
        self._coming.add(holder)
        self.unfinished += size

    def completed(self, holder: Holder) -> None:
        """Marks a body as complete, so that it is no longer dropped."""
        if holder in self._coming:
            self._coming.discard(holder)
            self.unfinished -= self._held[holder]

    def let_go(self, holder: Holder) -> None:
        """Removes a body that is no longer needed."""
        self.completed(holder)
        self.incoming -= self._held.pop(holder, 0)

    def bound(self) -> None:
        """Drops incomplete bodies until the rest fits."""
        while self.incoming > self._most and self._coming:
            largest = max(self._coming, key=self._held.__getitem__)
            self.let_go(largest)
            self._rejected("memory")
            largest.give_up_body()

    def unread(self, holder: Holder, size: int) -> None:
        """Adds ``size`` bytes that a client has not read; drops answers until the rest fits."""
        self.outgoing += size
        self._unread[holder] = self._unread.get(holder, 0) + size
        while self.outgoing > self._most:
            slowest = next(iter(self._unread))
            self.read(slowest)
            self._rejected("slow_reader")
            slowest.give_up_answer()

    def read(self, holder: Holder) -> None:
        """Removes the bytes of a client that has read them or disconnected."""
        self.outgoing -= self._unread.pop(holder, 0)

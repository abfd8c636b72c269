"""Bytes that this process holds for clients: of requests that are not whole yet, and of answers that nobody reads."""

from collections.abc import Callable
from typing import Protocol

LEAST = 1 << 26
"""Bytes each way, where no setting says how many."""

BODIES = 4
"""Of the largest bodies as many fit, at least."""


def most(setting: int, largest_body: int) -> int:
    """The bound in bytes that a setting stands for; 0 stands for one that fits the largest body."""
    return setting or max(LEAST, BODIES * largest_body)


class Holder(Protocol):
    """A connection for which bytes are held."""

    def give_up_body(self) -> None:
        """The request that is coming takes too much memory."""
        ...

    def give_up_answer(self) -> None:
        """The client does not read, and others need the memory."""
        ...


class Buffers:
    """What all connections hold, bounded by ``most`` bytes each way.

    ``incoming`` is held of all requests, ``unfinished`` of those that are not whole, ``outgoing`` of answers. Above the
    bound, the unfinished request that holds most is given up: small ones go on while others send large
    ones and never end them. Of answers, that of the client goes which has read nothing for the longest time.
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
        """So many more bytes of an unfinished body are held."""
        self.incoming += size
        self._held[holder] = self._held.get(holder, 0) + size
        self._coming.add(holder)
        self.unfinished += size

    def completed(self, holder: Holder) -> None:
        """The body is whole: it is no longer given up."""
        if holder in self._coming:
            self._coming.discard(holder)
            self.unfinished -= self._held[holder]

    def let_go(self, holder: Holder) -> None:
        """A body is no longer needed."""
        self.completed(holder)
        self.incoming -= self._held.pop(holder, 0)

    def bound(self) -> None:
        """Gives up unfinished bodies until the rest fits."""
        while self.incoming > self._most and self._coming:
            largest = max(self._coming, key=self._held.__getitem__)
            self.let_go(largest)
            self._rejected("memory")
            largest.give_up_body()

    def unread(self, holder: Holder, size: int) -> None:
        """So many bytes wait for a client to read them; gives up answers until the rest fits."""
        self.outgoing += size
        self._unread[holder] = self._unread.get(holder, 0) + size
        while self.outgoing > self._most:
            slowest = next(iter(self._unread))
            self.read(slowest)
            self._rejected("slow_reader")
            slowest.give_up_answer()

    def read(self, holder: Holder) -> None:
        """A client has read what waited, or is gone."""
        self.outgoing -= self._unread.pop(holder, 0)

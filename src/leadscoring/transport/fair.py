"""Fair queueing: one queue per caller, with turns by the cost of their work, so that callers do not delay each other.

Start-time fair queueing (Goyal, Vin and Cheng, 1996): each queue has a tag, the amount of work served so far. The queue
with the smallest tag is next; a queue that was empty starts at the current tag, so that idle callers gain no credit.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Generic, TypeVar

Item = TypeVar("Item")

REMEMBERED = 1024
"""Maximum number of empty queues whose tags are kept."""


class FairQueue(Generic[Item]):
    """Items of several callers, each with its cost in seconds of work."""

    def __init__(self) -> None:
        self.cost = 0.0
        self._count = 0
        self._lines: dict[str, deque[tuple[Item, float]]] = {}
        self._owed: dict[str, float] = {}
        self._tags: dict[str, float] = {}
        self._next: list[tuple[float, int, str]] = []
        self._now = 0.0
        self._pushed = 0

    def __len__(self) -> int:
        return self._count

    def push(self, caller: str, item: Item, cost: float) -> None:
        """Appends an item to its caller's queue."""
        line = self._lines.get(caller)
        if line is None:
            line = self._lines[caller] = deque()
            self._owed[caller] = 0.0
            self._due(max(self._now, self._tags.pop(caller, 0.0)), caller)
        line.append((item, cost))
        self._owed[caller] += cost
        self.cost += cost
        self._count += 1

    def holds(self, caller: str) -> bool:
        """Whether a caller has queued items."""
        return caller in self._lines

    def pop(self) -> Item:
        """Removes and returns the next item. Raises ``IndexError`` if the queue is empty."""
        return self._take(*heappop(self._next))

    def pop_of(self, ready: Callable[[str], bool]) -> Item | None:
        """Removes and returns the next item of callers that are ``ready``, else ``None``. Others keep their turn."""
        passed, found = [], None
        while self._next:
            entry = heappop(self._next)
            if ready(entry[2]):
                found = entry
                break
            passed.append(entry)
        item = self._take(*found) if found is not None else None
        for entry in passed:
            heappush(self._next, entry)
        return item

    def _take(self, tag: float, _place: int, caller: str) -> Item:
        self._now = max(self._now, tag)  # skipped callers come back with an old tag
        line = self._lines[caller]
        item, cost = line.popleft()
        self._owed[caller] -= cost
        self.cost -= cost
        self._count -= 1
        if line:
            self._due(self._now + cost, caller)
        else:
            del self._lines[caller], self._owed[caller]
            self._tags[caller] = self._now + cost
            if len(self._tags) > REMEMBERED:
                self._tags.clear()
        if not self._count:
            self._tags.clear()  # no caller had to wait for another
            self.cost = 0.0  # removes accumulated rounding errors
        return item

    def wait(self, caller: str) -> float:
        """Estimates the seconds of queued work before the next item of this caller.

        Work of other callers counts up to as much as the caller itself has queued, since they take turns.
        """
        return min(self.cost, self._owed.get(caller, 0.0) * max(1, len(self._lines)))

    def _due(self, tag: float, caller: str) -> None:
        self._pushed += 1  # orders equal tags by arrival
        heappush(self._next, (tag, self._pushed, caller))

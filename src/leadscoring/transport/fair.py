"""A line for each caller, and turns between them by what their work costs: nobody waits for what another one brought.

Start-time fair queueing (Goyal, Vin and Cheng, 1996): each line has a tag, the work that it was given so far. The line
with the smallest tag is next; one that was empty begins where the others are, so that idling saves nothing up.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Generic, TypeVar

Item = TypeVar("Item")

REMEMBERED = 1024
"""Lines that may be remembered beyond those that hold something."""


class FairQueue(Generic[Item]):
    """Items of several callers, each with what it costs, in seconds of work."""

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
        """Puts an item at the end of its caller's line."""
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
        """Whether a caller has anything in line."""
        return caller in self._lines

    def pop(self) -> Item:
        """The next item. Raises ``IndexError`` when there is none."""
        return self._take(*heappop(self._next))

    def pop_of(self, ready: Callable[[str], bool]) -> Item | None:
        """The next item of those callers that are ``ready``; nothing when none is. The others keep their turn."""
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
        self._now = max(self._now, tag)  # who was passed over comes back with an old tag
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
            self._tags.clear()  # nobody had to wait for anybody
            self.cost = 0.0  # nothing is left of what sums of floats get wrong
        return item

    def wait(self, caller: str) -> float:
        """About the seconds of work that come before whatever this caller brings next.

        What others have in line counts up to as much as the caller itself has: they take turns.
        """
        return min(self.cost, self._owed.get(caller, 0.0) * max(1, len(self._lines)))

    def _due(self, tag: float, caller: str) -> None:
        self._pushed += 1  # among equal tags the first that came
        heappush(self._next, (tag, self._pushed, caller))

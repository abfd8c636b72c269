"""Requests to score that wait at the door: their heads were read, their bodies stay with the kernel.

A body that is not read takes no memory of this process and stops its sender, which costs nothing on either side. So a
service that has more to do than it can answers as much as ever, and refuses only what would wait for too long.
"""

from collections import deque
from typing import Protocol

from leadscoring.transport.admission import PATIENCE, Admission
from leadscoring.transport.buffers import Buffers
from leadscoring.transport.fair import FairQueue

AHEAD = 0.02
"""Seconds of work whose bodies may be in memory, or on their way: from then on the next ones wait unread."""

AHEAD_BYTES = 1 << 22
"""Bytes of unfinished bodies in memory from which on, while work waits, they are read one after the other."""

ON_ITS_WAY = 0.1
"""Seconds within which a body that is let in should be there; a slow one is not waited for."""

AT_ONCE = 5
"""Requests that are refused at once in a tenth of a second; more are refused ``LATER``."""

LATER = 1.0
"""Seconds after which they are: as long as ``Retry-After`` asks for, since such clients come straight back."""

LEAST_PATIENCE = 1.0
"""Seconds that a request in line is waited with at least, however short its wait was taken for."""

A_TICK = 4
"""Bodies that are read on in a tenth of a second, whatever is in memory: what one client never ends stops nobody."""

A_PASS = 16
"""Of those, how many in one pass of the event loop."""


class Held(Protocol):
    """A connection that can wait."""

    def go_on(self, refused: bool) -> None:
        """Its turn has come, or it cannot be answered in time."""
        ...

    def read_on(self) -> None:
        """There is room for more of its body."""
        ...


class Backlog:
    """The line at the door of one process, fair between callers."""

    def __init__(self, admission: Admission, longest_wait: float, buffers: Buffers) -> None:
        self.admission = admission
        self.buffers = buffers
        self.longest_wait = longest_wait
        self.ahead = min(AHEAD, longest_wait)
        self._line: FairQueue[tuple[Held, str, float, float]] = FairQueue()
        self._refused: deque[tuple[Held, float]] = deque()
        self._braked: deque[tuple[Held, int]] = deque()
        self._braked_bytes = 0
        self._coming: dict[Held, tuple[str, float, float]] = {}
        self._expected: dict[str, float] = {}
        self._at_once = 0
        self._now = 0.0
        admission.at_pass(self.release)

    def __len__(self) -> int:
        return len(self._line) + len(self._refused)

    @property
    def holds(self) -> bool:
        """Whether a request to score that comes now may have to wait unread."""
        return bool(self._line) or self.admission.queued > self.ahead

    def holds_of(self, caller: str) -> bool:
        """Whether this caller's next request waits unread.

        Work that others brought in does not count: not all of it has come by this door.
        """
        return self._line.holds(caller) or not self._has_room(caller)

    def _has_room(self, caller: str) -> bool:
        return self.admission.wait(caller) + self._expected.get(caller, 0.0) < self.ahead

    def refuses(self, caller: str) -> bool:
        """Whether this caller's next request is to be refused here and now."""
        if self._at_once >= AT_ONCE or self._line.wait(caller) <= self.longest_wait:
            return False
        self._at_once += 1
        return True

    def hold(self, held: Held, caller: str, size: int) -> None:
        """Has a request of ``size`` bytes wait, whose head was read: for its turn, or for its refusal."""
        self.admission.strained = True
        if self._line.wait(caller) > self.longest_wait:
            self._refused.append((held, self._now + LATER))
            return
        cost = self.admission.estimate(size)
        until = self._now + max(LEAST_PATIENCE, PATIENCE * self.longest_wait)
        self._line.push(caller, (held, caller, cost, until), cost)
        self.admission.go_on()

    @property
    def brakes(self) -> bool:
        """Whether a body is not read on for now: enough of others is in memory, and there is work to do."""
        return self.buffers.unfinished - self._braked_bytes > AHEAD_BYTES and self.admission.queued > 0

    def brake(self, held: Held, size: int) -> None:
        """A connection with so many bytes of a body is not read from until there is room."""
        self._braked.append((held, size))
        self._braked_bytes += size
        self.admission.go_on()

    def _read_on(self) -> None:
        for _ in range(A_PASS):
            if not self._braked or self.brakes:
                break
            self._read_next()

    def _read_next(self) -> None:
        held, size = self._braked.popleft()
        self._braked_bytes -= size
        held.read_on()

    def arrived(self, held: Held) -> None:
        """The body of a request that was let in is there, or will not come."""
        if self._coming:
            caller, cost, _ = self._coming.pop(held, ("", 0.0, 0.0))
            self._expected[caller] = self._expected.get(caller, 0.0) - cost
            if not self._coming:
                self._expected.clear()  # nothing is left of what sums of floats get wrong

    def release(self) -> int:
        """Lets in as many as there is room for; how many still wait for room."""
        admission = self.admission
        self._read_on()
        for _ in range(A_PASS):
            if not self._refused or self._refused[0][1] > self._now:
                break
            self._refused.popleft()[0].go_on(refused=True)
        while self._line and not admission.done and (let_in := self._line.pop_of(self._has_room)):
            held, caller, cost, until = let_in
            self._coming[held] = (caller, cost, self._now + ON_ITS_WAY)
            self._expected[caller] = self._expected.get(caller, 0.0) + cost
            held.go_on(refused=self._now > until)
        return len(self._line) + len(self._braked)

    def tick(self, now: float) -> None:
        """Ten times a second: bodies that have not come are no longer expected, and a few are read on."""
        self._now, self._at_once = now, 0
        for held in [held for held, (*_, until) in self._coming.items() if now > until]:
            self.arrived(held)
        for _ in range(min(A_TICK, len(self._braked))):
            self._read_next()
        if self:
            self.admission.go_on()

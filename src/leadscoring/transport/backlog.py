"""Backlog of scoring requests whose heads are read and whose bodies are left in the kernel's socket buffers.

An unread body uses no memory of this process, and backpressure stops its sender at no cost on either side. So an
overloaded service keeps its full throughput, and rejects only requests that would wait too long.
"""

from collections import deque
from typing import Protocol

from leadscoring.transport.admission import PATIENCE, Admission
from leadscoring.transport.buffers import Buffers
from leadscoring.transport.fair import FairQueue

AHEAD = 0.02
"""Seconds of work whose bodies may be in memory or being received; further requests wait unread."""

AHEAD_BYTES = 1 << 22
"""Bytes of incomplete bodies in memory above which, while work is queued, they are received one by one."""

ON_ITS_WAY = 0.1
"""Seconds within which the body of an admitted request should arrive; slower ones are no longer expected."""

AT_ONCE = 5
"""Requests that are rejected immediately per tenth of a second; further ones are rejected after ``LATER``."""

LATER = 1.0
"""Delay of later rejections in seconds, equal to ``Retry-After``, since such clients retry immediately."""

LEAST_PATIENCE = 1.0
"""Minimum seconds that a request may wait in the backlog, however short its estimated wait was."""

A_TICK = 4
"""Bodies that are resumed per tenth of a second regardless of memory, so that stalled clients block no others."""

A_PASS = 16
"""Maximum number of connections that are resumed or rejected in one pass of the event loop."""


class Held(Protocol):
    """A connection whose request waits in the backlog."""

    def go_on(self, refused: bool) -> None:
        """Resumes the request, to be processed or ``refused``."""
        ...

    def read_on(self) -> None:
        """Resumes reading its body."""
        ...


class Backlog:
    """The backlog of one process, which is fair between callers."""

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
        """Whether a scoring request that arrives now may have to wait unread."""
        return bool(self._line) or self.admission.queued > self.ahead

    def holds_of(self, caller: str) -> bool:
        """Whether this caller's next request waits unread.

        Work of other callers is not considered, since part of it did not pass through the backlog.
        """
        return self._line.holds(caller) or not self._has_room(caller)

    def _has_room(self, caller: str) -> bool:
        return self.admission.wait(caller) + self._expected.get(caller, 0.0) < self.ahead

    def refuses(self, caller: str) -> bool:
        """Whether to reject this caller's next request immediately; counts it if so."""
        if self._at_once >= AT_ONCE or self._line.wait(caller) <= self.longest_wait:
            return False
        self._at_once += 1
        return True

    def hold(self, held: Held, caller: str, size: int) -> None:
        """Queues a request of ``size`` bytes whose head is read, for its turn or for a delayed rejection."""
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
        """Whether to pause the reading of bodies: enough of others are in memory, and work is queued."""
        return self.buffers.unfinished - self._braked_bytes > AHEAD_BYTES and self.admission.queued > 0

    def brake(self, held: Held, size: int) -> None:
        """Pauses reading from a connection, with ``size`` bytes of a body received, until there is room."""
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
        """Records that the body of an admitted request has arrived, or is no longer expected."""
        if self._coming:
            caller, cost, _ = self._coming.pop(held, ("", 0.0, 0.0))
            self._expected[caller] = self._expected.get(caller, 0.0) - cost
            if not self._coming:
                self._expected.clear()  # removes accumulated rounding errors

    def release(self) -> int:
        """Admits as many requests as there is room for; returns how many still wait."""
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
        """Runs ten times a second: gives up on bodies that have not arrived, and resumes some paused ones."""
        self._now, self._at_once = now, 0
        for held in [held for held, (*_, until) in self._coming.items() if now > until]:
            self.arrived(held)
        for _ in range(min(A_TICK, len(self._braked))):
            self._read_next()
        if self:
            self.admission.go_on()

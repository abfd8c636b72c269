"""Who may score now: a bounded queue in front of the event loop, with deadlines.

Scoring is arithmetic on the event loop, so every lead that is scored delays whatever else the loop has to do.
One pass of the loop therefore spends about ``SLICE`` seconds on scoring, then lets the loop read, refuse and
answer probes. What comes beyond that waits in line, first come, first served. The wait of a newcomer is known
beforehand, because the cost of a byte of leads is; when it is above the limit the newcomer is refused at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter

from leadscoring.errors import DeadlineExceeded, Overloaded

SLICE = 0.001
"""Seconds of scoring in one pass of the event loop, about; a single lead takes some 0.00003."""

SINGLES = 0.004
"""The same for single leads while nobody waits. Each connection can have one in a pass, and to send those that come
after the first ``SLICE`` through the line would cost them more than their scoring."""

MEMORY = 0.05
"""Weight of the newest measurement in the running mean of what a byte costs."""

TELLING = 16384
"""Bytes of a request from which on its cost tells all about that of a byte."""

PATIENCE = 2
"""How many times over the limit the line may be for a request that came when it was not: its body was received
meanwhile, and would have been for nothing."""

FIRST_GUESS = 1.2e-8
"""Seconds a byte of leads costs, until measured."""


class Waiter:
    """One request in the line: what it will cost, and when it came."""

    __slots__ = ("cost", "future", "since", "until")

    def __init__(self, future: "asyncio.Future[None]", cost: float, since: float, until: float) -> None:
        self.future = future
        self.cost = cost
        self.since = since
        self.until = until


class Admission:
    """The line in front of one event loop.

    ``crowded`` says that a newcomer must wait its turn, ``busy`` that a single lead must, ``full`` that it would wait
    for too long.
    ``strained`` says that it has been ``full``, until somebody looks after what that leaves behind.
    ``told`` hears how many wait, ``waited`` how long each did.
    """

    def __init__(
        self,
        longest_wait: float,
        deadline: float,
        told: Callable[[float], None] = lambda _count: None,
        waited: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self.busy = False
        self.crowded = False
        self.full = False
        self.strained = False
        self._longest_wait = longest_wait
        self._deadline = deadline
        self._told = told
        self._waited = waited
        self._line: deque[Waiter] = deque()
        self._queued = 0.0
        self._spent = 0.0
        self._byte = FIRST_GUESS
        self._passing = False

    def __len__(self) -> int:
        return len(self._line)

    async def turn(self, size: int, began: float) -> None:
        """Waits until a request of ``size`` bytes, which came at ``began`` (``perf_counter``), may score.

        Only called when ``crowded``, or ``busy`` for a single lead. Raises ``Overloaded`` at once when the wait would
        be far too long, ``DeadlineExceeded`` when the turn does not come in time.
        """
        if self._queued > PATIENCE * self._longest_wait:
            raise Overloaded
        now = perf_counter()
        waiter = Waiter(asyncio.get_running_loop().create_future(), self.estimate(size), now, began + self._deadline)
        self._line.append(waiter)
        await self._wait(waiter)
        self._waited(perf_counter() - now)

    async def breathe(self, behind: bool = False) -> None:
        """Between two parts of one request: lets the loop do everything else when this pass has scored enough.

        One that may take long goes ``behind`` all who wait, so that they do not wait for all of it.
        """
        if self.crowded:
            waiter = Waiter(asyncio.get_running_loop().create_future(), SLICE, 0.0, float("inf"))
            if behind:
                self._line.append(waiter)
            else:
                self._line.appendleft(waiter)  # what has begun is finished first, so that little is half done
            await self._wait(waiter)

    async def _wait(self, waiter: Waiter) -> None:
        self._queued += waiter.cost
        self.busy = True
        self._changed()
        if not self._passing:
            self._next_pass()
        await waiter.future

    def spend(self, seconds: float) -> None:
        """So much time went into scoring.

        It is added up until a slice is full, over passes of the loop if need be: to begin anew with each would cost
        every lead more than the one in thirty that now lets the loop go first.
        """
        self._spent += seconds
        if self._spent >= SLICE:
            self.crowded = True
            self.busy = self.busy or self._spent >= SINGLES
            if not self._passing:
                self._next_pass()

    def estimate(self, size: int) -> float:
        """The seconds that a request of ``size`` bytes will probably take."""
        return size * self._byte

    def learn(self, size: int, seconds: float) -> None:
        """A request of ``size`` bytes, all of whose leads were sound, took so long to score.

        A small one counts less: what it costs is for the request, not for its bytes.
        """
        self._byte += (seconds / size - self._byte) * MEMORY * min(1.0, size / TELLING)

    def _next_pass(self) -> None:
        self._passing = True
        asyncio.get_running_loop().call_soon(self._pass)

    def _pass(self) -> None:
        """Once a pass of the loop, while there is anything to do: lets the next in line score."""
        self._spent = 0.0
        self._passing = self.crowded = self.busy = bool(self._line)
        if not self._line:
            return
        now, planned = perf_counter(), 0.0
        while self._line and planned < SLICE:
            waiter = self._line.popleft()
            self._queued -= waiter.cost
            if waiter.future.done():  # the client has gone
                continue
            if now > waiter.until:
                waiter.future.set_exception(DeadlineExceeded())
                continue
            waiter.future.set_result(None)
            planned += waiter.cost
        self._changed()
        self._next_pass()

    def _changed(self) -> None:
        if not self._line:
            self._queued = 0.0  # nothing is left of what sums of floats get wrong
        self.full = self._queued > self._longest_wait
        self.strained = self.strained or self.full
        self._told(float(len(self._line)))

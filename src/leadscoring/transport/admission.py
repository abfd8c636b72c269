"""Admission control for scoring: a bounded queue in front of the event loop, with deadlines.

Scoring computes on the event loop, so every scored lead delays everything else on the loop. Therefore one pass of the
loop spends about ``SLICE`` seconds on scoring, then lets the loop read, reject and answer probes. Further work is
queued, with one queue per caller, which take turns. The wait of a new request is known in advance, because the cost
per byte of leads is; if it exceeds the limit, the request is rejected immediately.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter

from leadscoring.errors import DeadlineExceeded, Overloaded
from leadscoring.transport.buffers import LEAST
from leadscoring.transport.exchange import Exchange
from leadscoring.transport.fair import FairQueue
from leadscoring.transport.kept import Kept

SLICE = 0.001
"""Approximate seconds of scoring per pass of the event loop; a single lead takes about 0.00003."""

SINGLES = 0.004
"""As ``SLICE``, for single leads while the queue is empty. Each connection can have one per pass, and queueing those
after the first ``SLICE`` would cost more than their scoring."""

MEMORY = 0.05
"""Weight of the latest measurement in the moving average of the cost per byte."""

TELLING = 16384
"""Bytes of a request from which its measured cost per byte counts with full weight."""

PATIENCE = 2
"""Factor by which the wait may exceed the limit for a request that arrived below the limit: its body has been received
since, which would be wasted."""

FIRST_GUESS = 1.2e-8
"""Initial estimate of the cost per byte of leads, in seconds."""


class Waiter:
    """One queued request, with its estimated cost in seconds and its deadline."""

    __slots__ = ("cost", "future", "until")

    def __init__(self, future: "asyncio.Future[None]", cost: float, until: float) -> None:
        self.future = future
        self.cost = cost
        self.until = until


class Admission:
    """The queue in front of one event loop.

    ``crowded`` is true if a new request has to wait, ``busy`` if a single lead has to, ``full`` if it would wait too
    long. ``strained`` is true if the queue was ``full``, or requests waited unread, until it is reset after memory has
    been released. ``on_change`` is called with the queue length. ``kept`` bounds the memory of requests in progress.
    """

    def __init__(
        self,
        longest_wait: float,
        deadline: float,
        on_change: Callable[[float], None] = lambda _count: None,
        kept: Kept | None = None,
    ) -> None:
        self.kept = kept or Kept(LEAST, deadline)
        self.busy = False
        self.crowded = False
        self.full = False
        self.strained = False
        self._longest_wait = longest_wait
        self._deadline = deadline
        self._on_change = on_change
        self._line: FairQueue[Waiter] = FairQueue()
        self._begun: list[Waiter] = []
        self._room: Callable[[], int] = lambda: 0
        self._elsewhere = 0
        self._spent = 0.0
        self._byte = FIRST_GUESS
        self._passing = False

    def __len__(self) -> int:
        return len(self._line) + len(self._begun)

    @property
    def queued(self) -> float:
        """Seconds of queued work."""
        return self._line.cost

    def wait(self, caller: str) -> float:
        """Estimates the seconds of queued work before the next request of this caller."""
        return self._line.wait(caller)

    @property
    def done(self) -> bool:
        """Whether this pass of the loop has used up its ``SLICE``."""
        return self._spent >= SLICE

    def at_pass(self, room: Callable[[], int]) -> None:
        """Calls ``room`` once per pass, as long as it returns that requests wait elsewhere for admission."""
        self._room = room

    def go_on(self) -> None:
        """Schedules the next pass, unless it is scheduled already."""
        if not self._passing:
            self._next_pass()

    async def turn(self, exchange: Exchange, size: int) -> None:
        """Waits until a request with ``size`` bytes of leads may score; raises as ``place``.

        To be called only if ``crowded``, or if ``busy`` for a single lead.
        """
        await self.turn_of(exchange, self.estimate(size), exchange.key or "")

    async def turn_of(self, exchange: Exchange, cost: float, caller: str) -> None:
        """As ``turn``, for a known cost in seconds, in the queue of any ``caller``."""
        began = perf_counter()
        try:
            await self.place(cost, exchange.began, caller)
        finally:
            exchange.waited += perf_counter() - began

    async def place(self, cost: float, began: float, caller: str = "") -> None:
        """Queues a request that arrived at ``began`` (``perf_counter``) and costs ``cost`` seconds; waits for its turn.

        Raises ``Overloaded`` immediately if the wait would be far too long, ``DeadlineExceeded`` if its turn does not
        come in time.
        """
        if self.wait(caller) > PATIENCE * self._longest_wait:
            raise Overloaded
        waiter = Waiter(asyncio.get_running_loop().create_future(), cost, began + self._deadline)
        self._line.push(caller, waiter, waiter.cost)
        await self._wait(waiter)

    async def breathe(self, behind: str | None = None, cost: float = SLICE) -> None:
        """Yields to the event loop between two parts of a request, if this pass has used up its slice.

        A long request queues ``behind`` the other requests of its caller, so that no other request waits for all of
        it; the next part takes about ``cost`` seconds.
        """
        if self.crowded:
            waiter = Waiter(asyncio.get_running_loop().create_future(), cost, float("inf"))
            if behind is None:
                self._begun.append(waiter)  # requests in progress finish first, which limits their number
            else:
                self._line.push(behind, waiter, waiter.cost)
            await self._wait(waiter)

    async def _wait(self, waiter: Waiter) -> None:
        self.busy = True
        self._changed()
        self.go_on()
        await waiter.future

    def spend(self, seconds: float) -> None:
        """Records seconds spent on scoring.

        The time accumulates until a slice is used up, across passes of the loop if necessary: starting over in every
        pass would cost each lead more than yielding for one in thirty does.
        """
        self._spent += seconds
        if self._spent >= SLICE:
            self.crowded = True
            self.busy = self.busy or self._spent >= SINGLES
            if not self._passing:
                self._next_pass()

    def estimate(self, size: int) -> float:
        """Estimates the seconds that a request of ``size`` bytes takes."""
        return size * self._byte

    def learn(self, size: int, seconds: float) -> None:
        """Updates the estimated cost per byte with a request of ``size`` bytes of valid leads that took ``seconds``.

        Small requests have less weight, since their cost is mostly per request and not per byte.
        """
        self._byte += (seconds / size - self._byte) * MEMORY * min(1.0, size / TELLING)

    def _next_pass(self) -> None:
        self._passing = True
        asyncio.get_running_loop().call_soon(self._pass)

    def _pass(self) -> None:
        """Admits the next queued requests; runs once per pass of the loop while there is work."""
        self._spent = 0.0
        self._elsewhere = self._room()
        self.crowded = bool(self) or self._spent >= SLICE
        self.busy = bool(self) or self._spent >= SINGLES
        self._passing = self.crowded or bool(self._elsewhere)
        if not self._passing:
            self._changed()
            return
        idle, now, planned = not self.crowded, perf_counter(), self._spent
        while self and planned < SLICE:
            waiter = self._begun.pop() if self._begun else self._line.pop()
            if waiter.future.done():  # the client has disconnected
                continue
            if now > waiter.until:
                waiter.future.set_exception(DeadlineExceeded())
                continue
            waiter.future.set_result(None)
            planned += waiter.cost
        self._changed()
        if not idle:
            self._next_pass()
        else:  # the remaining requests wait elsewhere, for data that is being received
            asyncio.get_running_loop().call_later(SLICE, self._pass)

    def _changed(self) -> None:
        self.full = self.queued > self._longest_wait
        self.strained = self.strained or self.full
        self._on_change(float(len(self) + self._elsewhere))

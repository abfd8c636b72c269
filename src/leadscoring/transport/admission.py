"""Who may score now: a bounded queue in front of the event loop, with deadlines.

Scoring is arithmetic on the event loop, so every lead that is scored delays whatever else the loop has to do.
One pass of the loop therefore spends about ``SLICE`` seconds on scoring, then lets the loop read, refuse and
answer probes. What comes beyond that waits in line, each caller in its own, and the lines take turns. The wait of a
newcomer is known beforehand, because the cost of a byte of leads is; when it is above the limit the newcomer is
refused at once.
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
    """One request in line: what it will cost, and until when it is worth while."""

    __slots__ = ("cost", "future", "until")

    def __init__(self, future: "asyncio.Future[None]", cost: float, until: float) -> None:
        self.future = future
        self.cost = cost
        self.until = until


class Admission:
    """The line in front of one event loop.

    ``crowded`` says that a newcomer must wait its turn, ``busy`` that a single lead must, ``full`` that it would wait
    for too long.
    ``strained`` says that it was ``full``, or had requests wait unread, until somebody looks after what that leaves.
    ``told`` is called with the queue length. ``kept`` bounds what begun requests keep.
    """

    def __init__(
        self,
        longest_wait: float,
        deadline: float,
        told: Callable[[float], None] = lambda _count: None,
        kept: Kept | None = None,
    ) -> None:
        self.kept = kept or Kept(LEAST, deadline)
        self.busy = False
        self.crowded = False
        self.full = False
        self.strained = False
        self._longest_wait = longest_wait
        self._deadline = deadline
        self._told = told
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
        """Seconds of work in line."""
        return self._line.cost

    def wait(self, caller: str) -> float:
        """About the seconds of work in line before whatever this caller brings next."""
        return self._line.wait(caller)

    @property
    def done(self) -> bool:
        """Whether this pass of the loop has done enough."""
        return self._spent >= SLICE

    def at_pass(self, room: Callable[[], int]) -> None:
        """Calls ``room`` once a pass, for as long as it says that some wait elsewhere for a place in line."""
        self._room = room

    def go_on(self) -> None:
        """There is something to do in the next pass of the loop."""
        if not self._passing:
            self._next_pass()

    async def turn(self, exchange: Exchange, size: int) -> None:
        """Waits until a request with ``size`` bytes of leads may score; errors as in ``place``.

        Only called when ``crowded``, or ``busy`` for a single lead.
        """
        await self.turn_of(exchange, self.estimate(size), exchange.key or "")

    async def turn_of(self, exchange: Exchange, cost: float, caller: str) -> None:
        """The same for one whose cost in seconds is known, in a line that may not be its key's."""
        began = perf_counter()
        try:
            await self.place(cost, exchange.began, caller)
        finally:
            exchange.waited += perf_counter() - began

    async def place(self, cost: float, began: float, caller: str = "") -> None:
        """Waits for the turn of what came at ``began`` (``perf_counter``) and costs so many seconds.

        Raises ``Overloaded`` at once when the wait would be far too long, ``DeadlineExceeded`` when the turn does not
        come in time.
        """
        if self.wait(caller) > PATIENCE * self._longest_wait:
            raise Overloaded
        waiter = Waiter(asyncio.get_running_loop().create_future(), cost, began + self._deadline)
        self._line.push(caller, waiter, waiter.cost)
        await self._wait(waiter)

    async def breathe(self, behind: str | None = None, cost: float = SLICE) -> None:
        """Between two parts of one request: lets the loop do everything else when this pass has scored enough.

        One that may take long goes ``behind`` what its caller has in line, so that nobody waits for all of it; the next
        part takes about ``cost`` seconds.
        """
        if self.crowded:
            waiter = Waiter(asyncio.get_running_loop().create_future(), cost, float("inf"))
            if behind is None:
                self._begun.append(waiter)  # what has begun is finished first, so that little is half done
            else:
                self._line.push(behind, waiter, waiter.cost)
            await self._wait(waiter)

    async def _wait(self, waiter: Waiter) -> None:
        self.busy = True
        self._changed()
        self.go_on()
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
            if waiter.future.done():  # the client has gone
                continue
            if now > waiter.until:
                waiter.future.set_exception(DeadlineExceeded())
                continue
            waiter.future.set_result(None)
            planned += waiter.cost
        self._changed()
        if not idle:
            self._next_pass()
        else:  # only those are left who wait elsewhere, for something that is on its way
            asyncio.get_running_loop().call_later(SLICE, self._pass)

    def _changed(self) -> None:
        self.full = self.queued > self._longest_wait
        self.strained = self.strained or self.full
        self._told(float(len(self) + self._elsewhere))

"""Single rows of different callers in one call of a remote model."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from leadscoring.errors import EndpointAnswerInvalid, EndpointError, EndpointRejected, EndpointTimeout
from leadscoring.resilience import Deadline, RetryBudget

Call = Callable[[Sequence[bytes], Deadline], Awaitable[list[float]]]

SHARE_OF_DEADLINE = 0.1
"""Of the time that a caller has left, at most so much goes into waiting for others."""


class Waiting(NamedTuple):
    """One caller's row."""

    line: bytes
    deadline: Deadline
    margin: "asyncio.Future[float]"


class MicroBatch:
    """Gathers rows that arrive while calls are under way, and sends them together.

    Nobody waits when no call is under way. Otherwise what has gathered is sent when a call ends, when ``size`` rows
    are there, or ``seconds`` after the first of them came, whichever is first: so the wait grows and falls with what
    the endpoint takes to answer, and is nothing without load.
    """

    def __init__(self, where: str, call: Call, budget: RetryBudget, size: int, seconds: float) -> None:
        self._where = where
        self._call = call
        self._budget = budget
        self._size = size
        self._seconds = seconds
        self._waiting: deque[Waiting] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def ask(self, line: bytes, deadline: Deadline) -> float:
        """The margin of one row. Raises an ``EndpointError``, at the caller's own deadline at the latest."""
        loop = asyncio.get_running_loop()
        margin: asyncio.Future[float] = loop.create_future()
        self._waiting.append(Waiting(line, deadline, margin))
        if not self._under_way or len(self._waiting) >= self._size:
            self._send()
        else:
            self._send_by(loop.time() + min(self._seconds, deadline.left * SHARE_OF_DEADLINE))
        try:
            async with asyncio.timeout(deadline.left):
                return await margin
        except TimeoutError:
            raise EndpointTimeout(self._where, "no response before the deadline") from None

    async def close(self) -> None:
        """Ends the calls under way, and those that wait."""
        self._clear_timer()
        while self._waiting:
            self._waiting.popleft().margin.cancel()
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _send_by(self, moment: float) -> None:
        if self._timer is None or moment < self._timer.when():
            self._clear_timer()
            self._timer = asyncio.get_running_loop().call_at(moment, self._send)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send(self) -> None:
        """Makes one call with what has gathered."""
        self._clear_timer()
        shared: list[Waiting] = []
        while self._waiting and len(shared) < self._size:
            waiting = self._waiting.popleft()
            if not waiting.margin.done():  # who has given up needs no answer
                shared.append(waiting)
        if shared:
            task = asyncio.create_task(self._share(shared))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if self._waiting:
            self._send()

    async def _share(self, shared: list[Waiting]) -> None:
        latest = max((waiting.deadline for waiting in shared), key=lambda deadline: deadline.at)
        try:
            margins = await self._call([waiting.line for waiting in shared], latest)
        except (EndpointAnswerInvalid, EndpointRejected) as failure:
            if len(shared) == 1:
                settle(shared[0], failure)
            else:  # one row may have spoilt it for all
                await asyncio.gather(*(self._alone(waiting, failure) for waiting in shared))
        except Exception as failure:  # whatever it is, it is the callers' to hear
            for waiting in shared:
                settle(waiting, failure)
        else:
            for waiting, margin in zip(shared, margins, strict=True):
                settle(waiting, margin)
        finally:
            for waiting in shared:
                waiting.margin.cancel()  # changes nothing where there is an answer

    async def _alone(self, waiting: Waiting, failure: EndpointError) -> None:
        """Asks again for one row, as far as the budget of retries goes."""
        if waiting.margin.done():
            return
        if not self._budget.take():
            settle(waiting, failure)
            return
        try:
            settle(waiting, (await self._call([waiting.line], waiting.deadline))[0])
        except EndpointError as own:
            settle(waiting, own)


def settle(waiting: Waiting, outcome: float | Exception) -> None:
    """Tells a caller, if it still waits."""
    if waiting.margin.done():
        return
    if isinstance(outcome, Exception):
        waiting.margin.set_exception(outcome)
    else:
        waiting.margin.set_result(outcome)

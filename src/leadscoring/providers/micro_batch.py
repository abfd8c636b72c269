"""Micro-batching: combines single rows of different callers into one call of a remote model."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from leadscoring.errors import EndpointAnswerInvalid, EndpointError, EndpointRejected, EndpointTimeout
from leadscoring.resilience import Deadline, RetryBudget

Call = Callable[[Sequence[bytes], Deadline], Awaitable[list[float]]]

SHARE_OF_DEADLINE = 0.1
"""Maximum share of a caller's remaining time that it waits for other rows."""


class Waiting(NamedTuple):
    """The row of one caller, with its deadline and the future of its margin."""

    line: bytes
    deadline: Deadline
    margin: "asyncio.Future[float]"


class MicroBatch:
    """Collects rows that arrive while calls are in progress, and sends them together.

    A row is sent immediately if no call is in progress. Otherwise the collected rows are sent when a call ends, when
    there are ``size`` rows, or ``seconds`` after the first of them arrived, whichever comes first. So the wait follows
    the latency of the endpoint, and is zero without load.
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
        """Returns the margin of one row. Raises an ``EndpointError``, at the caller's own deadline at the latest."""
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
        """Cancels the calls in progress and the rows that wait."""
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
        """Sends the collected rows in one call."""
        self._clear_timer()
        shared: list[Waiting] = []
        while self._waiting and len(shared) < self._size:
            waiting = self._waiting.popleft()
            if not waiting.margin.done():  # its caller has given up
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
            else:  # a single row may have caused the failure of all
                await asyncio.gather(*(self._alone(waiting, failure) for waiting in shared))
        except Exception as failure:  # every failure must reach the callers
            for waiting in shared:
                settle(waiting, failure)
        else:
            for waiting, margin in zip(shared, margins, strict=True):
                settle(waiting, margin)
        finally:
            for waiting in shared:
                waiting.margin.cancel()  # no effect on a future that has its result

    async def _alone(self, waiting: Waiting, failure: EndpointError) -> None:
        """Retries one row on its own, within the retry budget."""
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
    """Sets the outcome of a row, if its caller still waits."""
    if waiting.margin.done():
        return
    if isinstance(outcome, Exception):
        waiting.margin.set_exception(outcome)
    else:
        waiting.margin.set_result(outcome)

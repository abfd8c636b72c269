"""Protection from failing dependencies: deadline, circuit breaker, retry budget, bulkhead, backoff.

All of them are independent of the dependency; clocks and randomness are parameters. A breaker reports its state
changes.
"""

import math
from collections.abc import Callable
from contextvars import ContextVar
from enum import IntEnum
from random import uniform
from time import monotonic

CALLER_GIVES_UP: ContextVar[float] = ContextVar("caller_gives_up", default=math.inf)
"""When the client of the current request gives up, by ``monotonic``; infinity if unknown."""


class Deadline:
    """The time, by ``clock``, after which an answer is useless.

    ``shortened`` is true if the client's timeout is shorter than the service's own: when that expires, it is no
    evidence of a failure of the dependency.
    """

    __slots__ = ("_clock", "at", "shortened")

    def __init__(self, seconds: float, caller: float = math.inf, clock: Callable[[], float] = monotonic) -> None:
        own = clock() + seconds
        self.at = min(own, caller)
        self.shortened = caller < own
        self._clock = clock

    @property
    def left(self) -> float:
        """Remaining seconds; negative after the deadline."""
        return self.at - self._clock()


class RetryBudget:
    """Limits retries: each call adds ``share`` of a token to a bucket, and each retry takes one.

    ``n`` calls cause at most ``share * n + most`` retries. Method: the retry budget of Finagle.
    """

    def __init__(self, share: float = 0.1, most: float = 100.0, start: float = 10.0) -> None:
        self._share = share
        self._most = most
        self._tokens = start

    def called(self) -> None:
        """Records a first attempt."""
        self._tokens = min(self._most, self._tokens + self._share)

    def take(self) -> bool:
        """Takes a token for one retry; returns whether there was one."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class BreakerState(IntEnum):
    """States of a circuit breaker; the values are those of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """A circuit breaker: opens after ``failures`` consecutive failures, and lets one call probe after ``seconds``.

    ``on_change`` is called with each new state. Results of calls admitted in an earlier state are ignored: only the
    probe decides. Method: the circuit breaker of Nygard, *Release It!*, 2007.
    """

    def __init__(
        self,
        failures: int,
        seconds: float,
        on_change: Callable[[BreakerState], None] = lambda _state: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.state = BreakerState.CLOSED
        self._most = failures
        self._seconds = seconds
        self._on_change = on_change
        self._clock = clock
        self._in_a_row = 0
        self._until = 0.0
        self._era = 1
        self._probing = False

    @property
    def wait(self) -> float:
        """Seconds until a call may probe; 0 if a call is allowed now."""
        return max(0.0, self._until - self._clock()) if self.state is BreakerState.OPEN else 0.0

    def admit(self) -> int:
        """Admits a call and returns the era to report its result with; 0 if the call is not allowed."""
        if self.state is not BreakerState.CLOSED:
            if self.wait or self._probing:
                return 0
            self._become(BreakerState.HALF_OPEN)
            self._probing = True
        return self._era

    def succeeded(self, era: int) -> None:
        """Records that an admitted call succeeded."""
        if era == self._era:
            self._in_a_row = 0
            self._become(BreakerState.CLOSED)

    def failed(self, era: int) -> None:
        """Records that an admitted call failed."""
        if era != self._era:
            return
        self._in_a_row += 1
        if self.state is BreakerState.HALF_OPEN or self._in_a_row >= self._most:
            self._until = self._clock() + self._seconds
            self._become(BreakerState.OPEN)

    def abandoned(self, era: int) -> None:
        """Records that an admitted call ended without a result, so that a probe has to be repeated."""
        if era == self._era:
            self._probing = False

    def _become(self, state: BreakerState) -> None:
        if state is not self.state:
            self.state = state
            self._era += 1
            self._probing = False
            self._on_change(state)


class Bulkhead:
    """Limits concurrent calls to ``most``."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._under_way = 0

    def enter(self) -> bool:
        """Admits a call, which counts until ``leave``; returns whether there was room."""
        if self._under_way >= self.most:
            return False
        self._under_way += 1
        return True

    def leave(self) -> None:
        """Records the end of an admitted call."""
        self._under_way -= 1


def pause(
    attempt: int, base: float = 0.025, most: float = 0.25, chance: Callable[[float, float], float] = uniform
) -> float:
    """Seconds to wait before a retry: uniform between 0 and a bound that doubles with each attempt (full jitter).

    ``attempt`` counts from 0; the bound starts at ``base`` seconds and never exceeds ``most``. Method: Brooker,
    *Exponential backoff and jitter*, AWS Architecture Blog, 2015.
    """
    return chance(0.0, min(most, base * 2**attempt))

"""What stands between a caller and a service that may fail: deadline, breaker, retry budget, bulkhead.

None of them knows what is called; clocks and chance are handed in. A breaker tells whoever listens that it changed.
"""

import math
from collections.abc import Callable
from contextvars import ContextVar
from enum import IntEnum
from random import uniform
from time import monotonic

CALLER_GIVES_UP: ContextVar[float] = ContextVar("caller_gives_up", default=math.inf)
"""When, by ``monotonic``, the caller of the request that is being answered will have given up."""


class Deadline:
    """The moment, by ``clock``, after which an answer is of no use to anyone.

    ``shortened`` says that the caller asked for less time than the service gives by itself: when that runs out, it
    says nothing about what was called.
    """

    __slots__ = ("_clock", "at", "shortened")

    def __init__(self, seconds: float, caller: float = math.inf, clock: Callable[[], float] = monotonic) -> None:
        own = clock() + seconds
        self.at = min(own, caller)
        self.shortened = caller < own
        self._clock = clock

    @property
    def left(self) -> float:
        """Seconds until then; negative when it has passed."""
        return self.at - self._clock()


class RetryBudget:
    """How many second attempts there may be: a bucket that every call fills by ``share``, and every retry empties by 1.

    Whatever happens, ``n`` calls lead to at most ``share * n + most`` retries. Method: the retry budget of Finagle.
    """

    def __init__(self, share: float = 0.1, most: float = 100.0, start: float = 10.0) -> None:
        self._share = share
        self._most = most
        self._tokens = start

    def called(self) -> None:
        """A first attempt is made."""
        self._tokens = min(self._most, self._tokens + self._share)

    def take(self) -> bool:
        """Whether there may be one retry more; if so it counts as made."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class BreakerState(IntEnum):
    """The values are those of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Leaves alone what failed ``failures`` times in a row; ``seconds`` later one call probes whether it is back.

    ``told`` hears each new state. What calls of an earlier state report is not heard any more: the probe alone
    decides. Method: the circuit breaker of Nygard, *Release It!*, 2007.
    """

    def __init__(
        self,
        failures: int,
        seconds: float,
        told: Callable[[BreakerState], None] = lambda _state: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.state = BreakerState.CLOSED
        self._most = failures
        self._seconds = seconds
        self._told = told
        self._clock = clock
        self._in_a_row = 0
        self._until = 0.0
        self._era = 1
        self._probing = False

    @property
    def wait(self) -> float:
        """Seconds until a call may probe; 0 when one may be made now."""
        return max(0.0, self._until - self._clock()) if self.state is BreakerState.OPEN else 0.0

    def admit(self) -> int:
        """Lets a call in, and gives what it has to report with; 0 when it may not be made."""
        if self.state is not BreakerState.CLOSED:
            if self.wait or self._probing:
                return 0
            self._become(BreakerState.HALF_OPEN)
            self._probing = True
        return self._era

    def succeeded(self, era: int) -> None:
        """A call that was let in went well."""
        if era == self._era:
            self._in_a_row = 0
            self._become(BreakerState.CLOSED)

    def failed(self, era: int) -> None:
        """A call that was let in failed."""
        if era != self._era:
            return
        self._in_a_row += 1
        if self.state is BreakerState.HALF_OPEN or self._in_a_row >= self._most:
            self._until = self._clock() + self._seconds
            self._become(BreakerState.OPEN)

    def abandoned(self, era: int) -> None:
        """A call that was let in ended without telling anything: a probe has to be made again."""
        if era == self._era:
            self._probing = False

    def _become(self, state: BreakerState) -> None:
        if state is not self.state:
            self.state = state
            self._era += 1
            self._probing = False
            self._told(state)


class Bulkhead:
    """At most ``most`` calls at the same time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._under_way = 0

    def enter(self) -> bool:
        """Whether one call more may be made; if so it counts until ``leave``."""
        if self._under_way >= self.most:
            return False
        self._under_way += 1
        return True

    def leave(self) -> None:
        """A call has ended."""
        self._under_way -= 1


def pause(
    attempt: int, base: float = 0.025, most: float = 0.25, chance: Callable[[float, float], float] = uniform
) -> float:
    """Seconds to wait before another attempt: anything up to a bound that doubles with each (full jitter).

    Method: Brooker, *Exponential backoff and jitter*, AWS Architecture Blog, 2015.
    """
    return chance(0.0, min(most, base * 2**attempt))

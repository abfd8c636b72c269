"""Calls of an endpoint survive its bad days: tried again while that helps, given up in time, never too many at once."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import pytest

from leadscoring.errors import (
    EndpointBusy,
    EndpointError,
    EndpointFailed,
    EndpointRefused,
    EndpointSuspended,
    EndpointThrottled,
    EndpointTimeout,
    EndpointUnreachable,
)
from leadscoring.lead import ServedBy
from leadscoring.providers.caller import Caller
from leadscoring.providers.payload import JsonRows, Payload
from leadscoring.resilience import Breaker, BreakerState, Bulkhead, Deadline, RetryBudget

LINES = [b"[1,2]", b"[3,4]"]
DOWN = EndpointUnreachable("azure", "the connection failed")
FOR_EVER = Deadline(3600)


class Counted:
    """An endpoint that responds to each call as configured, and keeps the bodies."""

    name: ServedBy = "azure"

    def __init__(self, *script: BaseException | Callable[[], Awaitable[None]]) -> None:
        self.payload: Payload = JsonRows(2, "data")
        self.script = list(script)
        self.bodies: list[bytes] = []
        self.attempts: list[str] = []

    def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """Nor to close."""

    def attempted(self, outcome: str) -> None:
        """It listens to its own calls."""
        self.attempts.append(outcome)

    async def call(self, body: bytes, rows: int) -> list[float]:
        """A margin for each row, or what comes next in the script; the last of it from then on."""
        self.bodies.append(body)
        now = self.script.pop(0) if len(self.script) > 1 else self.script[0] if self.script else None
        if isinstance(now, BaseException):
            raise now
        if now is not None:
            await now()
        return [0.5] * rows


async def hangs() -> None:
    """No answer ever comes."""
    await asyncio.Event().wait()


async def answers() -> None:
    """An answer comes at once."""


def caller(endpoint: Counted, failures: int = 5, most: int = 8, start: float = 10.0) -> Caller:
    """The calls of an endpoint."""
    return Caller(endpoint, Breaker(failures, 3600), Bulkhead(most), RetryBudget(start=start), endpoint)


def test_margins_are_those_of_all_rows_in_one_body() -> None:
    """In one attempt, which went well."""
    endpoint = Counted()
    assert asyncio.run(caller(endpoint).call(LINES, FOR_EVER)) == [0.5, 0.5]
    assert endpoint.bodies == [b'{"data":[[1,2],[3,4]]}']
    assert endpoint.attempts == ["ok"]


@pytest.mark.parametrize(
    ("failure", "outcomes"),
    [
        (DOWN, ["unreachable"] * 2),
        (EndpointFailed("azure", "status 500"), ["failed"] * 2),
        (EndpointThrottled("azure", "status 429"), ["throttled"] * 2),
        (EndpointThrottled("azure", "status 429", 7200), ["throttled"]),
        (EndpointRefused("azure", "status 401"), ["refused"]),
    ],
)
def test_what_may_heal_is_tried_twice_and_what_may_not_once(failure: EndpointError, outcomes: list[str]) -> None:
    """A second attempt that would come after the deadline is not waited for."""
    endpoint = Counted(failure)
    with pytest.raises(type(failure)):
        asyncio.run(caller(endpoint).call(LINES, FOR_EVER))
    assert endpoint.attempts == outcomes


def test_a_failure_in_passing_is_not_seen() -> None:
    """The second attempt sends the same body."""
    endpoint = Counted(DOWN, answers)
    assert asyncio.run(caller(endpoint).call(LINES, FOR_EVER)) == [0.5, 0.5]
    assert endpoint.bodies[0] == endpoint.bodies[1]
    assert endpoint.attempts == ["unreachable", "ok"]


def test_a_thousand_calls_of_a_failing_endpoint_make_at_most_1200_attempts() -> None:
    """Even when no breaker stands before it."""

    async def scenario() -> None:
        calls = caller(endpoint, failures=1_000_000, most=10_000)
        found = await asyncio.gather(*(calls.call(LINES, FOR_EVER) for _ in range(1000)), return_exceptions=True)
        assert {type(failure) for failure in found} == {EndpointUnreachable}

    endpoint = Counted(DOWN)
    asyncio.run(scenario())
    assert 1000 < len(endpoint.bodies) <= 1200


def test_an_open_breaker_lets_no_call_through() -> None:
    """Nor a second attempt of a call that was under way; whoever asks hears when to come back."""
    endpoint = Counted(DOWN)
    calls = caller(endpoint, failures=1)
    with pytest.raises(EndpointUnreachable):
        asyncio.run(calls.call(LINES, FOR_EVER))
    with pytest.raises(EndpointSuspended) as refusal:
        asyncio.run(calls.call(LINES, FOR_EVER))
    assert 0 < (refusal.value.retry_after or 0) <= 3600
    assert endpoint.attempts == ["unreachable"]
    assert calls.breaker.state is BreakerState.OPEN


def test_calls_beyond_the_bulkhead_are_refused_and_free_it_when_they_end() -> None:
    """Also when their caller has gone, of which the breaker hears nothing."""

    async def scenario() -> None:
        calls = caller(endpoint, failures=1, most=2)
        holding = [asyncio.create_task(calls.call(LINES, FOR_EVER)) for _ in range(2)]
        while len(endpoint.bodies) < 2:
            await asyncio.sleep(0)
        with pytest.raises(EndpointBusy):
            await calls.call(LINES, FOR_EVER)
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)
        assert endpoint.attempts == ["abandoned"] * 2
        assert await calls.call(LINES, FOR_EVER) == [0.5, 0.5]

    endpoint = Counted(hangs, hangs, answers)
    asyncio.run(scenario())


@pytest.mark.parametrize(("shortened", "outcome"), [(False, "timeout"), (True, "abandoned")])
def test_the_time_of_a_caller_in_a_hurry_says_nothing_about_the_endpoint(shortened: bool, outcome: str) -> None:
    """Only one that had the service's own time counts as a failure."""
    endpoint = Counted(hangs)
    calls = caller(endpoint, failures=1)
    deadline = Deadline(3600, monotonic() + 0.01) if shortened else Deadline(0.01)
    with pytest.raises(EndpointTimeout):
        asyncio.run(calls.call(LINES, deadline))
    assert endpoint.attempts == [outcome]
    assert (calls.breaker.state is BreakerState.CLOSED) is shortened


def test_without_time_left_nobody_is_called() -> None:
    """The endpoint would work for nothing."""
    endpoint = Counted()
    with pytest.raises(EndpointTimeout, match="no time is left"):
        asyncio.run(caller(endpoint).call(LINES, Deadline(0.0)))
    assert endpoint.bodies == []


def test_a_spent_budget_leaves_one_attempt() -> None:
    """Retries must not bury an endpoint that is in trouble."""
    endpoint = Counted(DOWN)
    with pytest.raises(EndpointUnreachable):
        asyncio.run(caller(endpoint, start=0.0).call(LINES, FOR_EVER))
    assert endpoint.attempts == ["unreachable"]

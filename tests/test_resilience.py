"""What stands between a caller and a service that may fail holds its laws, whatever happens in whatever order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.resilience import Breaker, BreakerState, Bulkhead, Deadline, RetryBudget, pause


def state(breaker: Breaker) -> BreakerState:
    """Its state now."""
    return breaker.state


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Now."""
        return self.now


def opened(failures: int = 5, seconds: float = 30) -> tuple[Breaker, Clock, list[BreakerState]]:
    """A breaker that has just opened, its clock, and what it has told since."""
    clock, told = Clock(), list[BreakerState]()
    breaker = Breaker(failures, seconds, told.append, clock)
    for _ in range(failures):
        breaker.failed(breaker.admit())
    assert told == [BreakerState.OPEN]
    told.clear()
    return breaker, clock, told


@given(calls=st.integers(0, 3000), fails=st.lists(st.booleans(), min_size=1, max_size=50))
def test_a_thousand_calls_make_at_most_two_hundred_retries(calls: int, fails: list[bool]) -> None:
    """However calls that fail and calls that do not follow on each other, and whatever was saved before."""
    budget = RetryBudget()
    for _ in range(calls):  # a long quiet time saves no more than the bucket holds
        budget.called()
    retries = 0
    for number in range(1000):
        budget.called()
        retries += fails[number % len(fails)] and budget.take()
    assert retries <= 200


def test_the_first_failures_may_be_tried_again() -> None:
    """A service that has just started does not lose a request to a connection that breaks."""
    budget = RetryBudget()
    budget.called()
    assert budget.take()


def test_a_breaker_opens_at_the_last_of_so_many_failures_in_a_row() -> None:
    """One success in between, and the count begins anew."""
    breaker = Breaker(5, 30)
    for _ in range(4):
        breaker.failed(breaker.admit())
    breaker.succeeded(breaker.admit())
    for _ in range(4):
        breaker.failed(breaker.admit())
    assert state(breaker) is BreakerState.CLOSED
    breaker.failed(breaker.admit())
    assert state(breaker) is BreakerState.OPEN
    assert not breaker.admit()


def test_an_open_breaker_lets_one_probe_in_when_its_time_is_over() -> None:
    """Not before, and no second one beside it; its success closes the breaker."""
    breaker, clock, told = opened()
    clock.now += 29.9
    assert not breaker.admit()
    assert breaker.wait == pytest.approx(0.1)
    clock.now += 0.2
    probe = breaker.admit()
    assert probe
    assert not breaker.admit()
    breaker.succeeded(probe)
    assert breaker.admit()
    assert told == [BreakerState.HALF_OPEN, BreakerState.CLOSED]


def test_a_probe_that_fails_opens_the_breaker_for_as_long_again() -> None:
    """One failure is enough then."""
    breaker, clock, told = opened()
    clock.now += 30
    breaker.failed(breaker.admit())
    assert told == [BreakerState.HALF_OPEN, BreakerState.OPEN]
    assert breaker.wait == 30
    assert not breaker.admit()


def test_a_probe_that_nobody_waits_for_any_more_is_made_again() -> None:
    """The breaker must not wait for ever for what will never be told."""
    breaker, clock, _ = opened()
    clock.now += 30
    probe = breaker.admit()
    breaker.abandoned(probe)
    assert breaker.admit()


def test_a_call_from_before_does_not_decide_for_the_probe() -> None:
    """What began while the breaker was closed says nothing about now."""
    clock = Clock()
    breaker = Breaker(1, 30, clock=clock)
    late, another = breaker.admit(), breaker.admit()
    breaker.failed(breaker.admit())
    breaker.succeeded(late)
    assert state(breaker) is BreakerState.OPEN
    clock.now += 30
    assert breaker.admit()
    breaker.failed(another)
    breaker.abandoned(late)
    assert state(breaker) is BreakerState.HALF_OPEN
    assert not breaker.admit()


EVENTS = st.lists(st.tuples(st.sampled_from(["call", "ok", "fail", "leave"]), st.floats(0, 20)), max_size=60)


@given(events=EVENTS, failures=st.integers(1, 4))
def test_a_breaker_never_has_two_probes_and_never_stays_shut(events: list[tuple[str, float]], failures: int) -> None:
    """In any order of calls and what they report, and after any of them it lets someone in again in time."""
    clock = Clock()
    breaker = Breaker(failures, 30, clock=clock)
    under_way: list[tuple[int, BreakerState]] = []
    for event, wait in events:
        clock.now += wait
        if event == "call":
            if era := breaker.admit():
                under_way.append((era, breaker.state))
                probes = [era for era, state in under_way if state is BreakerState.HALF_OPEN]
                assert probes.count(era) <= 1
        elif under_way:
            report = {"ok": breaker.succeeded, "fail": breaker.failed, "leave": breaker.abandoned}[event]
            report(under_way.pop()[0])
    for era, _ in under_way:
        breaker.abandoned(era)
    clock.now += 30
    assert breaker.admit()


@given(st.lists(st.booleans(), max_size=100), st.integers(1, 5))
def test_a_bulkhead_never_holds_more_than_its_number(steps: list[bool], most: int) -> None:
    """Whoever is not let in does not count, and whoever leaves makes room."""
    bulkhead, inside = Bulkhead(most), 0
    for enters in steps:
        if enters:
            let_in = bulkhead.enter()
            assert let_in == (inside < most)
            inside += let_in
        elif inside:
            bulkhead.leave()
            inside -= 1
        assert inside <= most


def test_a_caller_can_shorten_a_deadline_and_not_lengthen_it() -> None:
    """And it shows which of the two it was."""
    clock = Clock()
    assert Deadline(2.5, clock.now + 1, clock).left == 1
    assert Deadline(2.5, clock.now + 1, clock).shortened
    own = Deadline(2.5, clock.now + 9, clock)
    assert (own.left, own.shortened) == (2.5, False)
    clock.now += 3
    assert own.left == -0.5


@given(attempt=st.integers(0, 40), chance=st.floats(0, 1))
def test_a_pause_stays_within_its_bound(attempt: int, chance: float) -> None:
    """The bound doubles with each attempt up to the most, and any part of it may be taken."""
    waited = pause(attempt, 0.1, 1.0, lambda low, high: low + (high - low) * chance)
    assert 0 <= waited <= min(1.0, 0.1 * 2**attempt)

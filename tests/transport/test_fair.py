"""Turns between callers follow what their work costs."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from leadscoring.transport.fair import REMEMBERED, FairQueue

COSTS = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.001, 0.1)), max_size=60)


@given(COSTS)
def test_each_caller_is_served_in_order_and_nobody_is_forgotten(pushed: list[tuple[str, float]]) -> None:
    """Whatever was pushed comes out once."""
    queue: FairQueue[tuple[str, int]] = FairQueue()
    for place, (caller, cost) in enumerate(pushed):
        queue.push(caller, (caller, place), cost)
    popped = [queue.pop() for _ in pushed]
    assert len(queue) == 0
    assert queue.cost == 0.0
    for caller in "abc":
        assert [place for who, place in popped if who == caller] == [
            place for place, (who, _) in enumerate(pushed) if who == caller
        ]


@given(COSTS)
def test_while_two_callers_wait_neither_gets_more_than_the_other_by_over_one_item(
    pushed: list[tuple[str, float]],
) -> None:
    """By cost, however different their items are."""
    queue: FairQueue[tuple[str, float]] = FairQueue()
    left, served, largest = Counter[str](), Counter[str](), 0.0
    for caller, cost in pushed:
        queue.push(caller, (caller, cost), cost)
        left[caller] += 1
        largest = max(largest, cost)
    waiting = set(left)
    while len(queue):
        caller, cost = queue.pop()
        served[caller] += cost  # type: ignore[assignment]  # seconds, of which a counter takes any number
        left[caller] -= 1
        if not left[caller]:
            break
        for other in waiting:
            assert served[caller] - served[other] <= 2 * largest + 1e-9


def test_a_newcomer_waits_for_no_more_than_its_share() -> None:
    """What another has in line does not count beyond what the newcomer has itself."""
    queue: FairQueue[str] = FairQueue()
    for _ in range(1000):
        queue.push("noisy", "noisy", 0.01)
    assert queue.wait("noisy") == queue.cost
    assert queue.wait("quiet") == 0.0
    queue.push("quiet", "quiet", 0.01)
    assert queue.wait("quiet") <= 0.02
    assert "quiet" in [queue.pop() for _ in range(2)]


def test_who_was_idle_has_saved_nothing_up() -> None:
    """It takes turns from now on, and does not first catch up."""
    queue: FairQueue[str] = FairQueue()
    queue.push("late", "late", 0.01)
    queue.pop()
    for _ in range(50):
        queue.push("early", "early", 0.01)
    for _ in range(20):
        queue.pop()
    for _ in range(10):
        queue.push("late", "late", 0.01)
    assert 4 <= [queue.pop() for _ in range(10)].count("late") <= 6


def test_callers_that_are_gone_are_forgotten() -> None:
    """Keys may be rotated for years."""
    queue: FairQueue[int] = FairQueue()
    for number in range(5 * REMEMBERED):
        queue.push(str(number), number, 0.01)
        queue.pop()
    assert len(queue._tags) <= REMEMBERED + 1  # what is remembered shows nowhere else


def test_who_is_not_ready_is_passed_over_and_keeps_its_turn() -> None:
    """The others go on meanwhile, in their order."""
    queue: FairQueue[str] = FairQueue()
    for item in ("a1", "b1", "c1", "a2"):
        queue.push(item[0], item, 0.01)
    assert [queue.pop_of(lambda caller: caller != "a") for _ in range(3)] == ["b1", "c1", None]
    queue.push("b", "b2", 0.01)
    assert queue.pop() == "a1"
    assert sorted([queue.pop(), queue.pop()]) == ["a2", "b2"]
    assert queue.pop_of(lambda _caller: True) is None

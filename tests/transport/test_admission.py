"""Work waits in line, in order, for no longer than it may; what would wait too long is refused at once."""

import asyncio
from time import perf_counter

import pytest

from leadscoring.errors import DeadlineExceeded, Overloaded
from leadscoring.transport.admission import FIRST_GUESS, SLICE, Admission

BIG = int(SLICE / FIRST_GUESS) + 1
"""Bytes whose scoring takes a whole pass of the loop."""


def crowded(longest_wait: float = 1.0, deadline: float = 10.0) -> Admission:
    """A line in front of a loop that has scored enough in this pass."""
    admission = Admission(longest_wait, deadline)
    admission.spend(2 * SLICE)
    return admission


def test_nobody_waits_while_there_is_time() -> None:
    """An idle service costs a request nothing, and a pass of the loop later all is forgotten."""

    async def scenario() -> None:
        admission, seen = Admission(1.0, 10.0), list[bool]()
        for spent in (0.0, SLICE / 10, 2 * SLICE):
            admission.spend(spent)
            seen.append(admission.crowded)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [*seen, admission.crowded] == [False, False, True, False]

    asyncio.run(scenario())


def test_first_come_first_served_a_slice_a_pass() -> None:
    """And between two of them the loop does what else there is to do."""

    async def scenario() -> None:
        admission, order = crowded(), list[str]()

        async def request(name: str) -> None:
            await admission.place(admission.estimate(BIG), perf_counter())
            order.append(name)
            admission.spend(SLICE)

        async def probe() -> None:
            while len(order) < 4:
                if order and order[-1] != "probe":
                    order.append("probe")
                await asyncio.sleep(0)

        await asyncio.gather(probe(), *(request(name) for name in "abc"))
        assert [name for name in order if name != "probe"] == ["a", "b", "c"]
        assert "probe" in order[1:-1]
        assert len(admission) == 0

    asyncio.run(scenario())


def test_the_line_is_bounded_by_the_time_that_it_stands_for() -> None:
    """It is full at the limit, so that newcomers are turned away; who was let in before may still stand in it."""

    async def scenario() -> None:
        admission = crowded(longest_wait=3 * SLICE)
        waiting: list[asyncio.Future[None]] = []
        while not admission.full:
            waiting += [
                asyncio.ensure_future(admission.place(admission.estimate(BIG), perf_counter())) for _ in range(2)
            ]
            await asyncio.sleep(0)
            assert len(waiting) < 100
        late = [asyncio.ensure_future(admission.place(admission.estimate(BIG), perf_counter())) for _ in range(20)]
        found = await asyncio.gather(*waiting, *late, return_exceptions=True)
        assert found[: len(waiting) + 1] == [None] * (len(waiting) + 1)
        assert isinstance(found[-1], Overloaded)
        assert not admission.full

    asyncio.run(scenario())


def test_a_request_past_its_deadline_is_given_up_when_its_turn_comes() -> None:
    """Its caller has long gone on."""

    async def scenario() -> None:
        admission = crowded(deadline=1.0)
        with pytest.raises(DeadlineExceeded):
            await admission.place(admission.estimate(BIG), perf_counter() - 2.0)

    asyncio.run(scenario())


def test_a_caller_that_hangs_up_leaves_the_line() -> None:
    """Those behind it do not wait for it."""

    async def scenario() -> None:
        admission = crowded()
        gone = asyncio.ensure_future(admission.place(admission.estimate(BIG), perf_counter()))
        next_one = asyncio.ensure_future(admission.place(admission.estimate(BIG), perf_counter()))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait_for(next_one, 10)
        assert gone.cancelled()

    asyncio.run(scenario())


def test_what_has_begun_goes_on_before_what_waits() -> None:
    """So that little is half done."""

    async def scenario() -> None:
        admission, order = crowded(), list[str]()

        async def newcomer() -> None:
            await admission.place(admission.estimate(BIG), perf_counter())
            order.append("newcomer")

        async def begun() -> None:
            await admission.breathe()
            order.append("begun")

        await asyncio.gather(newcomer(), begun())
        assert order == ["begun", "newcomer"]

    asyncio.run(scenario())

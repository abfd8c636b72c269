"""Work waits in line, in order, for no longer than it may; what would wait too long is refused at once."""

import asyncio
import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

import pytest

from leadscoring.access.rate_limit import ROWS, RateLimit, make_file
from leadscoring.errors import DeadlineExceeded, Overloaded, RateLimited
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


class Clock:
    """Time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now


def test_a_key_that_has_used_up_its_minute_waits_and_others_do_not() -> None:
    """With the seconds until it may come back."""
    clock = Clock()
    limit = RateLimit(60, clock=clock)
    limit.check("a")
    assert (b"ratelimit-remaining", b"20") in limit.take("a", 40)
    assert (b"ratelimit-remaining", b"0") in limit.take("a", 30)
    with pytest.raises(RateLimited) as refusal:
        limit.check("a")
    assert (refusal.value.retry_after, refusal.value.reset) == (11, 70)
    limit.check("b")
    clock.now += refusal.value.retry_after
    limit.check("a")


def test_any_number_of_keys_fits_and_those_that_took_most_are_remembered() -> None:
    """A key that took little is forgotten for a new one: to it that is a full bucket."""
    clock = Clock()
    limit = RateLimit(100, clock=clock)
    limit.take("greedy", 100)
    for number in range(2 * ROWS):
        limit.take(str(number), 1)
    with pytest.raises(RateLimited):
        limit.check("greedy")
    clock.now += 60
    limit.check("greedy")
    assert not RateLimit(0).enabled


def take_many(file: Path, times: int, pipe: Connection) -> None:
    """A worker: takes tokens of one key, one by one."""
    limit = RateLimit(1_000_000, file, clock=Clock())
    pipe.send("ready")
    pipe.recv()
    for _ in range(times):
        limit.take("crm", 1)
    limit.close()
    pipe.send("done")


def test_what_several_processes_take_is_added_up_exactly(tmp_path: Path) -> None:
    """At once, from one bucket."""
    file = tmp_path / "limits"
    make_file(file)
    spawn = multiprocessing.get_context("spawn")
    workers = []
    for _ in range(2):
        ours, theirs = spawn.Pipe()
        worker = spawn.Process(target=take_many, args=(file, 5000, theirs))
        worker.start()
        workers.append((ours, worker))
    for word in ("ready", "done"):
        for ours, _ in workers:
            assert ours.poll(60)
            assert ours.recv() == word
        if word == "ready":
            for ours, _ in workers:
                ours.send("go")
    for _, worker in workers:
        worker.join(60)
    limit = RateLimit(1_000_000, file, clock=Clock())
    assert (b"ratelimit-remaining", b"990000") in limit.take("crm", 0)
    limit.close()

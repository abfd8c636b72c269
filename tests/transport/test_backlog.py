"""Requests that cannot be scored yet wait with their bodies unread, each caller's in a line of its own."""

import asyncio
from collections.abc import Callable
from time import perf_counter

from hypothesis import given
from hypothesis import strategies as st

from leadscoring.transport.admission import FIRST_GUESS, Admission
from leadscoring.transport.backlog import AHEAD_BYTES, AT_ONCE, LATER, ON_ITS_WAY, Backlog
from leadscoring.transport.buffers import Buffers

SIZE = int(0.0051 / FIRST_GUESS)
"""Bytes whose scoring takes a quarter of what may be ahead."""


class Client:
    """A connection that notes what becomes of it; ``then`` is what it does when it is let in."""

    def __init__(self, name: str, order: list[str], then: Callable[["Client"], None] = lambda _client: None) -> None:
        self.name = name
        self._order = order
        self._then = then

    def go_on(self, refused: bool) -> None:
        """It is let in, or refused."""
        self._order.append(self.name + (" refused" if refused else ""))
        self._then(self)

    def read_on(self) -> None:
        """Its body is read on."""
        self._order.append(self.name + " read on")


def backlog_of(longest_wait: float = 1.0) -> Backlog:
    """A line at a door, in front of a loop that has nothing to do."""
    backlog = Backlog(Admission(longest_wait, 10.0), longest_wait, Buffers(1 << 30, lambda _reason: None))
    backlog.tick(100.0)
    return backlog


@given(st.integers(1, 300), st.integers(1, 5))
def test_a_quiet_caller_is_let_in_before_what_another_has_brought(noisy: int, quiet: int) -> None:
    """However much that is; and the other one goes on too."""

    async def scenario() -> None:
        order: list[str] = []
        backlog = backlog_of(100.0)
        arrived: Callable[[Client], None] = backlog.arrived
        for _ in range(noisy):
            backlog.hold(Client("noisy", order, arrived), "noisy", SIZE)
        for _ in range(quiet):
            backlog.hold(Client("quiet", order, arrived), "quiet", SIZE)
        while backlog:
            backlog.release()
        assert order.count("noisy") == noisy
        last = max(place for place, name in enumerate(order) if name == "quiet")
        assert last <= 2 * quiet

    asyncio.run(scenario())


def test_no_more_are_let_in_than_what_may_be_ahead() -> None:
    """Their bodies are on their way; one that does not come is not waited for."""

    async def scenario() -> None:
        order: list[str] = []
        backlog = backlog_of()
        for number in range(10):
            backlog.hold(Client(str(number), order), "key", SIZE)
        backlog.release()
        assert order == ["0", "1", "2", "3"]
        backlog.release()
        assert len(order) == 4
        backlog.tick(100.0 + 2 * ON_ITS_WAY)
        backlog.release()
        assert order == [str(number) for number in range(8)]

    asyncio.run(scenario())


def test_what_would_wait_too_long_is_refused_a_few_at_once_the_rest_later() -> None:
    """Clients that come straight back are not refused again and again; others are not refused at all."""

    async def scenario() -> None:
        order: list[str] = []
        backlog = backlog_of(0.01)
        for _ in range(3):
            backlog.hold(Client("waits", order), "key", SIZE)
        assert [backlog.refuses("key") for _ in range(AT_ONCE + 2)] == [True] * AT_ONCE + [False] * 2
        assert not backlog.refuses("other")
        backlog.hold(Client("later", order), "key", SIZE)
        backlog.release()
        assert "later refused" not in order
        backlog.tick(100.0 + LATER + 0.1)
        backlog.release()
        assert "later refused" in order
        assert backlog.refuses("key") == (len(backlog) > 2)

    asyncio.run(scenario())


def test_who_has_waited_too_long_is_refused() -> None:
    """What a byte costs was taken for less than it does."""

    async def scenario() -> None:
        order: list[str] = []
        backlog = backlog_of(0.5)
        backlog.hold(Client("late", order), "key", SIZE)
        backlog.tick(101.5)
        backlog.release()
        assert order == ["late refused"]

    asyncio.run(scenario())


def test_bodies_are_not_read_on_while_enough_of_others_is_in_memory_and_work_waits() -> None:
    """And are, one after the other, as soon as there is room."""

    async def scenario() -> None:
        order: list[str] = []
        backlog = backlog_of()
        held = Client("large", order)
        backlog.buffers.took(held, AHEAD_BYTES + 1)  # type: ignore[arg-type]  # it is never given up here
        seen = [backlog.brakes]
        turn = asyncio.ensure_future(backlog.admission.place(backlog.admission.estimate(SIZE), perf_counter()))
        await asyncio.sleep(0)
        seen.append(backlog.brakes)
        backlog.brake(held, AHEAD_BYTES + 1)
        seen.append(backlog.brakes)
        await asyncio.wait_for(turn, 5)
        assert seen == [False, True, False]
        assert order == ["large read on"]

    asyncio.run(scenario())


def test_work_that_did_not_come_by_this_door_keeps_nobody_else_outside() -> None:
    """Such as long answers in lines, or compressed bodies: however much of it one caller has in line, another enters."""

    async def scenario() -> None:
        order: list[str] = []
        backlog = backlog_of()
        waiting = [asyncio.ensure_future(backlog.admission.place(0.001, perf_counter(), "noisy")) for _ in range(1000)]
        await asyncio.sleep(0)
        assert backlog.holds_of("noisy")
        assert not backlog.holds_of("quiet")
        backlog.hold(Client("noisy", order), "noisy", SIZE)
        for _ in range(3):
            backlog.hold(Client("quiet", order), "quiet", SIZE)
        backlog.release()
        assert order == ["quiet"] * 3
        await asyncio.gather(*waiting)

    asyncio.run(scenario())


def test_a_body_that_does_not_come_keeps_nobody_else_outside() -> None:
    """Only its caller waits for it."""

    async def scenario() -> None:
        order: list[str] = []
        backlog = backlog_of()
        for _ in range(10):
            backlog.hold(Client("slow", order), "slow", SIZE)
        backlog.release()
        backlog.hold(Client("quiet", order), "quiet", SIZE)
        backlog.release()
        assert order == ["slow"] * 4 + ["quiet"]

    asyncio.run(scenario())


def test_bodies_that_are_whole_or_never_will_be_stop_no_other() -> None:
    """Those of long answers do not count among the unfinished; and a few are read on at every tick in any case."""

    async def scenario() -> None:
        order: list[str] = []
        backlog = backlog_of()
        turn = asyncio.ensure_future(backlog.admission.place(backlog.admission.estimate(SIZE), perf_counter()))
        await asyncio.sleep(0)
        stream, stalled, small = Client("stream", order), Client("stalled", order), Client("small", order)
        backlog.buffers.took(stream, AHEAD_BYTES + 1)  # type: ignore[arg-type]  # it is never given up here
        backlog.buffers.completed(stream)  # type: ignore[arg-type]  # as above
        seen = [backlog.brakes]
        backlog.buffers.took(stalled, AHEAD_BYTES + 1)  # type: ignore[arg-type]  # as above
        seen.append(backlog.brakes)
        backlog.brake(small, 1)
        backlog.tick(100.1)
        assert (seen, order) == ([False, True], ["small read on"])
        for client in (stream, stalled):
            backlog.buffers.let_go(client)  # type: ignore[arg-type]  # as above
        assert (backlog.buffers.incoming, backlog.buffers.unfinished) == (0, 0)
        await turn

    asyncio.run(scenario())

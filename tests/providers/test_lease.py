"""A secret that runs out is fetched beside the event loop, once for everyone."""

import asyncio
import threading
from time import monotonic

import pytest

from leadscoring.providers.lease import Lease


class Source:
    """Gives numbers, each due at once or never, from a thread that it notes."""

    def __init__(self, due: float = float("inf")) -> None:
        self.fetched = 0
        self.fails = False
        self.due = due
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> tuple[int, float]:
        """The next."""
        assert self.gate.wait(30)
        self.threads.add(threading.get_ident())
        self.fetched += 1
        if self.fails:
            raise OSError("no metadata service")
        return self.fetched, self.due


def test_many_callers_fetch_once_and_not_on_their_own_thread() -> None:
    """What blocks must not stop the event loop."""

    async def test() -> None:
        source = Source()
        lease = Lease(source)
        assert await asyncio.gather(*(lease.get() for _ in range(20))) == [1] * 20
        assert await lease.get() == 1
        assert source.fetched == 1
        assert threading.get_ident() not in source.threads

    asyncio.run(test())


def test_what_is_due_still_serves_while_another_is_fetched() -> None:
    """Nobody waits for a renewal that is begun in good time."""

    async def test() -> None:
        source = Source(due=0.0)
        lease = Lease(source)
        assert await lease.get() == 1
        source.gate.clear()
        assert await lease.get() == 1
        source.gate.set()
        async with asyncio.timeout(30):
            while await lease.get() == 1:
                await asyncio.sleep(0.001)

    asyncio.run(test())


def test_what_is_held_outlives_a_fetch_that_fails() -> None:
    """And it is not tried again at every call."""

    async def test() -> None:
        source = Source(due=monotonic())
        lease = Lease(source)
        assert await lease.get() == 1
        source.fails = True
        async with asyncio.timeout(30):
            while source.fetched < 2:
                assert await lease.get() == 1
                await asyncio.sleep(0.001)
        for _ in range(5):
            assert await lease.get() == 1
        assert source.fetched == 2

    asyncio.run(test())


def test_what_was_refused_is_fetched_anew() -> None:
    """And a fetch that fails then is everyone's to hear, until one succeeds."""

    async def test() -> None:
        source = Source()
        lease = Lease(source)
        await lease.get()
        lease.drop()
        source.fails = True
        for _ in range(2):
            with pytest.raises(OSError, match="no metadata"):
                await lease.get()
        source.fails = False
        assert await lease.get() == 4

    asyncio.run(test())

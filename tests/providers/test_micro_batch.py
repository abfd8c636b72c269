"""Requests that share a call know nothing of each other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from leadscoring.errors import EndpointAnswerInvalid, EndpointFailed, EndpointTimeout
from leadscoring.providers.micro_batch import MicroBatch
from leadscoring.resilience import Deadline, RetryBudget


class Model:
    """Scores the number in a line; holds every call until it is let go."""

    def __init__(self, held: bool = True) -> None:
        self.calls: list[list[bytes]] = []
        self.free = asyncio.Event()
        if not held:
            self.free.set()

    async def __call__(self, lines: Sequence[bytes], _deadline: Deadline) -> list[float]:
        """The numbers."""
        self.calls.append(list(lines))
        await self.free.wait()
        if b"fails" in lines:
            raise EndpointFailed("azure", "status 500")
        if b"nan" in lines:
            raise EndpointAnswerInvalid("azure", "an answer with a value outside of 0..1")
        return [float(line) for line in lines]


def batch(model: Model, size: int = 4, seconds: float = 60) -> MicroBatch:
    """A batch in front of a model, with a budget that is full."""
    return MicroBatch("azure", model, RetryBudget(start=10), size, seconds)


async def until(holds: Callable[[], Any]) -> None:
    """Lets the loop go round until something holds."""
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Runs one test in a loop of its own."""

    async def whole() -> None:
        await test()

    asyncio.run(whole())


def test_a_request_that_is_alone_does_not_wait() -> None:
    """With nothing under way it is sent at once, however long it might wait for others."""

    async def test() -> None:
        model = Model(held=False)
        assert await batch(model).ask(b"7", Deadline(30)) == 7.0
        assert model.calls == [[b"7"]]

    run(test)


def test_what_arrives_during_a_call_goes_together_when_it_ends() -> None:
    """In order, and each gets its own."""

    async def test() -> None:
        model = Model()
        shared = batch(model, size=10)
        asked = [asyncio.create_task(shared.ask(b"%d" % number, Deadline(30))) for number in range(6)]
        await until(lambda: model.calls)
        model.free.set()
        assert await asyncio.gather(*asked) == [0, 1, 2, 3, 4, 5]
        assert model.calls == [[b"0"], [b"1", b"2", b"3", b"4", b"5"]]

    run(test)


def test_a_full_batch_does_not_wait_for_the_call_before() -> None:
    """It is sent as soon as it has its size, and holds no more than that."""

    async def test() -> None:
        model = Model()
        shared = batch(model, size=2)
        asked = [asyncio.create_task(shared.ask(b"%d" % number, Deadline(30))) for number in range(5)]
        await until(lambda: len(model.calls) == 3)
        assert model.calls == [[b"0"], [b"1", b"2"], [b"3", b"4"]]
        model.free.set()
        assert await asyncio.gather(*asked) == [0, 1, 2, 3, 4]

    run(test)


def test_nobody_waits_longer_for_others_than_the_setting_says() -> None:
    """The call before still hangs, and the second is sent all the same."""

    async def test() -> None:
        model = Model()
        shared = batch(model, seconds=0.001)
        asked = [asyncio.create_task(shared.ask(b"%d" % number, Deadline(30))) for number in range(2)]
        await until(lambda: len(model.calls) == 2)
        model.free.set()
        assert await asyncio.gather(*asked) == [0, 1]

    run(test)


def test_each_caller_keeps_its_own_deadline() -> None:
    """One that gives up early gets its error then, and the other its score later."""

    async def test() -> None:
        model = Model()
        shared = batch(model)
        first = asyncio.create_task(shared.ask(b"1", Deadline(30)))
        await until(lambda: model.calls)
        hasty = asyncio.create_task(shared.ask(b"2", Deadline(0.01)))
        patient = asyncio.create_task(shared.ask(b"3", Deadline(30)))
        with pytest.raises(EndpointTimeout):
            await hasty
        model.free.set()
        assert list(await asyncio.gather(first, patient)) == [1, 3]

    run(test)


def test_one_bad_row_does_not_fail_the_others() -> None:
    """An answer that is wrong for one is asked for again, for each alone."""

    async def test() -> None:
        model = Model()
        shared = batch(model)
        lines = (b"1", b"2", b"nan", b"3")
        asked = [asyncio.create_task(shared.ask(line, Deadline(30))) for line in lines]
        await until(lambda: model.calls)
        model.free.set()
        got = await asyncio.gather(*asked, return_exceptions=True)
        assert got[:2] + got[3:] == [1, 2, 3]
        assert isinstance(got[2], EndpointAnswerInvalid)
        assert model.calls[1:] == [[b"2", b"nan", b"3"], [b"2"], [b"nan"], [b"3"]]

    run(test)


def test_an_endpoint_that_fails_is_not_asked_again_for_each() -> None:
    """That would be a storm of retries; everyone hears of the failure."""

    async def test() -> None:
        model = Model()
        shared = batch(model)
        asked = [asyncio.create_task(shared.ask(line, Deadline(30))) for line in (b"1", b"2", b"fails")]
        await until(lambda: model.calls)
        model.free.set()
        got = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in got] == [float, EndpointFailed, EndpointFailed]
        assert len(model.calls) == 2

    run(test)


def test_closing_leaves_nobody_waiting() -> None:
    """Calls under way are ended, and whoever waits for them is let go."""

    async def test() -> None:
        model = Model()
        shared = batch(model)
        asked = [asyncio.create_task(shared.ask(line, Deadline(30))) for line in (b"1", b"2")]
        await until(lambda: model.calls)
        await shared.close()
        got = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(each) for each in got] == [asyncio.CancelledError] * 2

    run(test)

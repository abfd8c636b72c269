"""An answer in parts is made as fast as its client takes it, and never looks whole when it is not."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from leadscoring.errors import BatchTooLarge
from leadscoring.transport.exchange import CUT, ClientGone, Exchange, Message, StreamedReply
from leadscoring.transport.sending import gathered, send_parts


def streaming(parts: AsyncGenerator[bytes, None], patience: float = 5.0) -> StreamedReply:
    """A reply of these parts."""
    return StreamedReply(200, b"", b"text/plain", parts=parts, patience=patience, at_once=1000)


def exchange_of(receive: Any) -> Exchange:
    """A request whose body was read."""
    scope = {
        "method": "POST",
        "path": "/api/v1/score/batch",
        "query_string": b"",
        "headers": [(b"host", b"x")],
        "http_version": "1.1",
    }
    return Exchange(scope, receive, "id")


def test_no_part_is_made_before_the_client_has_taken_the_one_before() -> None:
    """However slowly it reads."""

    async def scenario() -> None:
        made, taken, open_gate = [], [], asyncio.Event()

        async def parts() -> AsyncGenerator[bytes, None]:
            for place in range(4):
                made.append(place)
                yield b"%d" % place

        async def send(message: Message) -> None:
            if message.get("body"):
                await open_gate.wait()
                open_gate.clear()
                taken.append(message["body"])

        sending = asyncio.ensure_future(send_parts(streaming(parts()), exchange_of(asyncio.Event().wait), send, []))
        for turn in range(4):
            for _ in range(20):
                await asyncio.sleep(0)
            assert (len(made), len(taken)) == (turn + 1, turn)
            open_gate.set()
        await sending
        assert taken == [b"0", b"1", b"2", b"3"]

    asyncio.run(scenario())


@pytest.mark.parametrize("way", ["gone", "stuck"])
def test_who_has_gone_or_takes_nothing_gets_no_more(way: str) -> None:
    """And what makes the parts ends."""

    async def scenario() -> None:
        made, ended = [], []

        async def parts() -> AsyncGenerator[bytes, None]:
            try:
                for place in range(1000):
                    made.append(place)
                    yield b"x"
            finally:
                ended.append(True)

        async def send(message: Message) -> None:
            if message.get("body") and way == "stuck":
                await asyncio.Event().wait()
            await asyncio.sleep(0)

        async def receive() -> Message:
            if way == "stuck":
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        with pytest.raises(ClientGone):
            await send_parts(streaming(parts(), 0.01), exchange_of(receive), send, [])
        assert len(made) <= 2
        assert ended == [True]

    asyncio.run(scenario())


def test_what_is_sent_is_the_head_the_parts_and_an_end() -> None:
    """With the headers given beside those of the reply."""

    async def scenario() -> None:
        sent: list[Message] = []

        async def parts() -> AsyncGenerator[bytes, None]:
            yield b"a"
            yield b"b"

        async def send(message: Message) -> None:
            sent.append(message)

        exchange = exchange_of(asyncio.Event().wait)
        await send_parts(streaming(parts()), exchange, send, [(b"x-request-id", b"id")])
        assert sent[0]["headers"] == [(b"content-type", b"text/plain"), (b"x-request-id", b"id")]
        assert [(message["body"], message["more_body"]) for message in sent[1:]] == [
            (b"a", True), (b"b", True), (b"", False),
        ]  # fmt: skip
        assert exchange.error is None

    asyncio.run(scenario())


def test_a_failure_between_two_parts_cuts_the_connection() -> None:
    """No end is sent, the failure is noted, and nobody waits for the client."""

    async def scenario() -> None:
        sent: list[Message] = []
        gone = asyncio.Event()

        async def parts() -> AsyncGenerator[bytes, None]:
            yield b"a"
            raise KeyError("b")

        async def send(message: Message) -> None:
            sent.append(message)

        exchange = exchange_of(gone.wait)
        exchange.scope["extensions"] = {CUT: gone.set}
        await send_parts(streaming(parts()), exchange, send, [])
        assert gone.is_set()
        assert exchange.error == "KeyError"
        assert [message.get("more_body") for message in sent] == [None, True]

    asyncio.run(scenario())


@pytest.mark.parametrize(("leads", "whole"), [(1000, True), (1001, False)])
def test_an_old_client_gets_all_parts_in_one_or_a_refusal(leads: int, whole: bool) -> None:
    """By how many leads it is about; what makes the parts ends either way."""

    async def scenario() -> None:
        ended = []

        async def parts() -> AsyncGenerator[bytes, None]:
            try:
                yield b"a"
                yield b"b"
            finally:
                ended.append(True)

        exchange = exchange_of(None)
        exchange.leads = leads
        if whole:
            assert (await gathered(streaming(parts()), exchange)).body == b"ab"
        else:
            with pytest.raises(BatchTooLarge):
                await gathered(streaming(parts()), exchange)
        assert ended == [True]

    asyncio.run(scenario())

"""The header by which a caller says how long it waits."""

import asyncio
from time import monotonic

import pytest
from asking import asking

from leadscoring.api.deadline import HEADER, LONGEST_MS, until_caller_gives_up
from leadscoring.errors import InvalidTimeout
from leadscoring.resilience import CALLER_GIVES_UP
from leadscoring.transport.exchange import Exchange, Reply


def given_up_at(value: bytes | None) -> float | None:
    """When the caller of a handler gives up, as the handler sees it."""
    seen: list[float | None] = []

    async def handler(_exchange: Exchange) -> Reply:
        seen.append(CALLER_GIVES_UP.get())
        return Reply(200, b"")

    async def respond() -> None:
        await until_caller_gives_up(handler)(asking(b"", *([] if value is None else [(HEADER, value)])))

    asyncio.run(respond())
    return seen[0]


@pytest.mark.parametrize("milliseconds", [1, 250, LONGEST_MS])
def test_the_handler_knows_when_its_caller_gives_up(milliseconds: int) -> None:
    """On the clock that the calls of a remote model go by."""
    before = monotonic()
    at = given_up_at(b"%d" % milliseconds)
    assert at is not None
    assert before <= at - milliseconds / 1000 <= monotonic()


def test_a_caller_that_says_nothing_waits_as_long_as_the_service() -> None:
    """And nothing is left of what the one before said."""
    given_up_at(b"1")
    assert given_up_at(None) == CALLER_GIVES_UP.get()


@pytest.mark.parametrize(
    "value", [b"", b"0", b"-1", b"1.5", b"1e3", b" 5", b"soon", b"%d" % (LONGEST_MS + 1), b"9" * 30, "٣".encode()]
)
def test_a_time_that_is_none_never_reaches_the_handler(value: bytes) -> None:
    """It is refused, not ignored."""
    with pytest.raises(InvalidTimeout):
        given_up_at(value)

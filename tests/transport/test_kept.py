"""What requests keep while they are answered is bounded for each key; the next ones wait."""

import asyncio

import pytest

from leadscoring.errors import DeadlineExceeded
from leadscoring.transport.exchange import Exchange
from leadscoring.transport.kept import SHARES, Kept

MOST = 1000
SHARE = MOST // SHARES


def request(key: str) -> Exchange:
    """A request of this key."""
    scope = {"method": "POST", "path": "/", "query_string": b"", "headers": [], "http_version": "1.1"}
    exchange = Exchange(scope, None, "id")  # type: ignore[arg-type]  # nothing is received here
    exchange.key = key
    return exchange


def test_what_one_key_keeps_is_bounded_and_no_other_waits_for_it() -> None:
    """Each goes on in turn, as soon as there is room."""

    async def scenario() -> None:
        kept, most = Kept(MOST, 5.0), 0

        async def answered(key: str) -> str:
            nonlocal most
            exchange = request(key)
            await kept.reserve(exchange, SHARE)
            kept.shrink(exchange, SHARE // 2)
            most = max(most, len(kept))
            await asyncio.sleep(0)
            kept.release(exchange)
            return key

        noisy = [asyncio.ensure_future(answered("noisy")) for _ in range(100)]
        await asyncio.sleep(0)
        assert await answered("quiet") == "quiet"
        assert not all(task.done() for task in noisy)
        await asyncio.gather(*noisy)
        assert most <= 2 * SHARE
        assert len(kept) == 0
        assert not kept._waiting  # what is remembered shows nowhere else

    asyncio.run(scenario())


def test_one_request_always_finds_room() -> None:
    """However large it is: other limits bound that."""

    async def scenario() -> None:
        kept, exchange = Kept(MOST, 5.0), request("key")
        await kept.reserve(exchange, 10 * MOST)
        assert len(kept) == 10 * MOST
        kept.release(exchange)
        assert len(kept) == 0

    asyncio.run(scenario())


def test_who_finds_no_room_in_time_is_given_up_and_leaves_nothing_behind() -> None:
    """Also when its client has gone."""

    async def scenario() -> None:
        kept, first, second, third = Kept(MOST, 0.01), request("key"), request("key"), request("key")
        await kept.reserve(first, SHARE)
        with pytest.raises(DeadlineExceeded):
            await kept.reserve(second, 1)
        gone = asyncio.ensure_future(kept.reserve(third, 1))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        for exchange in (first, second, third):
            kept.release(exchange)
        assert len(kept) == 0
        assert not kept._waiting  # what is remembered shows nowhere else

    asyncio.run(scenario())

"""Handlers within what their rows say: a refused key is noticed before a handler begins."""

import asyncio

import pytest
from asking import asking

from leadscoring.access.keys import KeyRing
from leadscoring.api.entrances import behind_key
from leadscoring.errors import KeyScope, MissingKey, UnknownKey
from leadscoring.transport.exchange import Exchange, Reply


def exchange(key: bytes | None) -> Exchange:
    """A request that presents a key."""
    return asking() if key is None else asking(b"", (b"x-api-key", key))


async def handler(asked: Exchange) -> Reply:
    """Answers with the label of the key, which is known by then."""
    return Reply(200, (asked.key or "").encode())


async def answered(key: bytes, ring: KeyRing) -> Reply:
    """What the handler answers to a key of the ring."""
    return await behind_key(handler, ring, "score")(exchange(key))


def test_a_handler_behind_a_key_knows_whose_it_is() -> None:
    """By its label, which is no key."""
    ring = KeyRing(["mine"])
    assert asyncio.run(answered(b"mine", ring)).body == ring.keys[0].label.encode() != b""


@pytest.mark.parametrize(("key", "refusal"), [(None, MissingKey), (b"other", UnknownKey), (b"mine", KeyScope)])
def test_a_key_that_does_not_open_the_route_never_reaches_its_handler(
    key: bytes | None, refusal: type[Exception]
) -> None:
    """The refusal is raised by the call itself, before anything is awaited."""
    with pytest.raises(refusal):
        behind_key(handler, KeyRing(["mine"]), "admin")(exchange(key))

"""A connection that is held reads nothing, whatever its request asks for."""

import asyncio
from typing import Any

import pytest

from leadscoring.transport.flow import Flow


class Reading(asyncio.Transport):
    """A transport that knows whether it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = True

    def pause_reading(self) -> None:
        """It reads no more."""
        self.reads = False

    def resume_reading(self) -> None:
        """It reads on."""
        self.reads = True


@pytest.fixture
def flow() -> Any:
    """The control of such a transport."""

    async def made() -> Flow:
        return Flow(Reading())

    return asyncio.run(made())


def test_while_held_a_request_that_wants_its_body_gets_none(flow: Any) -> None:
    """It goes on as soon as it is free."""
    flow.hold()
    flow.resume_reading()
    assert not flow._transport.reads
    flow.free()
    assert flow._transport.reads


def test_what_is_not_held_pauses_and_goes_on_as_its_request_asks(flow: Any) -> None:
    """As ever."""
    flow.pause_reading()
    assert not flow._transport.reads
    flow.resume_reading()
    assert flow._transport.reads


def test_to_free_what_was_not_held_changes_nothing(flow: Any) -> None:
    """Whoever ends a wait need not know whether there was one."""
    flow.free()
    assert (flow.held, flow._transport.reads) == (False, True)

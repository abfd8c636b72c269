"""A process that is asked to end closes no connection behind the back of its client."""

from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from leadscoring.transport.clocked import Clocked


def connection(response_started: bool | None) -> Any:
    """A connection whose answer has begun or not; with nothing, one that has asked for none yet."""
    cycle = None if response_started is None else SimpleNamespace(keep_alive=True, response_started=response_started)
    return SimpleNamespace(cycle=cycle)


@pytest.mark.parametrize(("response_started", "kept"), [(False, False), (True, True)])
def test_only_an_answer_that_has_not_begun_is_made_the_last(response_started: bool, kept: bool) -> None:
    """A signal comes between any two instructions: where the head said nothing of it, the connection stays."""
    config = uvicorn.Config("unused:app")
    app = SimpleNamespace(gate=SimpleNamespace(closing=False))
    config.loaded_app = app
    server = Clocked(config)
    answering = connection(response_started)
    server.server_state.connections = [connection(None), answering]  # type: ignore[assignment]  # any collection will do
    server.close_after_answers()
    assert app.gate.closing
    assert answering.cycle.keep_alive is kept

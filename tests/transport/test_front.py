"""As much is read at once as what is expected deserves, and what was read goes to where it belongs."""

import asyncio
from collections.abc import Callable

import pytest
import uvicorn
from factories import LEAD, body, model_file
from inside import Pipe
from serving import KEY
from uvicorn.server import ServerState

from leadscoring.api.app import App
from leadscoring.serving.wiring import create
from leadscoring.settings import read_settings
from leadscoring.transport.front import BODY_READ, FULL_READ, HEAD_READ, SKIP_READ, Front, connection

SENT = body(LEAD)
HEAD = f"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Length: 100000\r\n\r\n".encode()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    """The application of this file."""
    model = model_file(tmp_path_factory.mktemp("front"))
    made = create(read_settings({"MODEL_PATH": str(model), "API_KEYS": KEY, "LOG_LEVEL": "ERROR"}))
    made.lifecycle.start()
    return made


def with_front(app: App, test: Callable[[Front, Pipe], None]) -> None:
    """Runs a test with a new connection, which is lost in the end."""

    async def scenario() -> None:
        config = uvicorn.Config(app, http=connection, ws="none", log_config=None, proxy_headers=False)  # type: ignore[arg-type]  # ours
        config.load()
        front, pipe = connection(config, ServerState(), {}), Pipe()
        front.connection_made(pipe)
        try:
            test(front, pipe)
        finally:
            front.connection_lost(None)

    asyncio.run(scenario())


def feed(front: Front, sent: bytes) -> None:
    """Bytes as the event loop brings them."""
    front.get_buffer(-1)[: len(sent)] = sent
    front.buffer_updated(len(sent))


def test_little_is_read_for_a_head_and_much_for_a_body(app: App) -> None:
    """Most of a large body stays unread if its head is refused."""

    def test(front: Front, _: Pipe) -> None:
        assert len(front.get_buffer(-1)) == HEAD_READ
        feed(front, HEAD)
        assert len(front.get_buffer(-1)) == BODY_READ

    with_front(app, test)


def test_less_is_read_while_requests_wait(app: App) -> None:
    """A head, and as little as can be of the body after it."""

    def test(front: Front, _: Pipe) -> None:
        longest, backlog = app.gate.backlog.longest_wait, app.gate.backlog
        ahead = backlog.ahead
        backlog.ahead = backlog.longest_wait = -1.0
        try:
            assert len(front.get_buffer(-1)) == (FULL_READ if backlog.holds else HEAD_READ)
            assert backlog.holds
        finally:
            backlog.ahead, backlog.longest_wait = ahead, longest

    with_front(app, test)


def test_what_is_let_pass_reaches_nobody(app: App) -> None:
    """It is counted down; what follows is read as a head again."""

    def test(front: Front, pipe: Pipe) -> None:
        front.http.skip = 10
        assert len(front.get_buffer(-1)) == 10
        feed(front, b"x" * 10)
        assert (front.http.skip, pipe.written) == (0, b"")
        assert len(front.get_buffer(-1)) == HEAD_READ

    with_front(app, test)


def test_after_the_last_answer_little_is_read_of_what_still_comes(app: App) -> None:
    """Enough to notice that there is more, all of which is then discarded."""

    def test(front: Front, pipe: Pipe) -> None:
        feed(front, b"\0\0\0")
        assert pipe.written.startswith(b"HTTP/1.1 400 ")
        assert len(front.get_buffer(-1)) == SKIP_READ

    with_front(app, test)


def test_a_whole_request_is_answered_where_it_was_read(app: App) -> None:
    """Each connection has a protocol of its own, all of them one buffer."""
    whole = HEAD.replace(b"100000", b"%d" % len(SENT)) + SENT

    def test(front: Front, pipe: Pipe) -> None:
        feed(front, whole)
        assert pipe.written.startswith(b"HTTP/1.1 200 ")

    with_front(app, test)
    with_front(app, test)

"""What is held for clients is bounded: the largest unfinished body goes first, and the answer that waited longest."""

import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from factories import LEAD, body, model_file
from inside import served, wired_to
from serving import KEY, eventually

from leadscoring.api.app import App
from leadscoring.serving.wiring import create
from leadscoring.settings import read_settings
from leadscoring.transport.buffers import LEAST, Buffers, most

MOST = 1_000_000
OURS = f"Host: a\r\nX-API-Key: {KEY}\r\n"


class Held:
    """Somebody for whom bytes are held."""

    def __init__(self) -> None:
        self.given_up: list[str] = []

    def give_up_body(self) -> None:
        """Notes it."""
        self.given_up.append("body")

    def give_up_answer(self) -> None:
        """Notes it."""
        self.given_up.append("answer")


def test_the_largest_unfinished_body_is_given_up() -> None:
    """Whole ones never are, and small ones go on."""
    rejected: list[str] = []
    buffers, whole, large, small = Buffers(100, rejected.append), Held(), Held(), Held()
    for holder, size in ((whole, 60), (large, 30), (small, 20)):
        buffers.took(holder, size)
    buffers.completed(whole)
    buffers.bound()
    assert (whole.given_up, large.given_up, small.given_up) == ([], ["body"], [])
    assert rejected == ["memory"]
    for holder in (whole, large, small):
        buffers.let_go(holder)
    assert buffers.incoming == 0


def test_the_answer_that_waited_longest_is_given_up() -> None:
    """One that is read in time is not."""
    rejected: list[str] = []
    buffers, first, second, third = Buffers(100, rejected.append), Held(), Held(), Held()
    buffers.unread(first, 60)
    buffers.read(first)
    for holder in (second, third, first):
        buffers.unread(holder, 40)
    assert (first.given_up, second.given_up, third.given_up) == ([], ["answer"], [])
    assert rejected == ["slow_reader"]
    assert buffers.outgoing == 80


def test_the_bound_fits_the_largest_body_where_none_is_set() -> None:
    """Several of it."""
    assert most(0, 5_000_000) == LEAST
    assert most(0, 1 << 30) == 4 << 30
    assert most(MOST, 1 << 30) == MOST


@pytest.fixture
def running(tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[App, int]]:
    """A service in this process that holds little."""
    for name in ("PORT", "WORKERS", "API_KEYS_FILE"):
        monkeypatch.delenv(name, raising=False)
    environ = {"API_KEYS": KEY, "MAX_BODY_BYTES": "900000", "MAX_BUFFERED_BYTES": str(MOST), "LOG_LEVEL": "ERROR"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MODEL_PATH", str(model_file(tmp_path)))  # type: ignore[arg-type]  # it is a path
    app = create(read_settings(os.environ))
    with served(app) as port:
        yield app, port


@pytest.mark.integration
def test_unfinished_bodies_hold_no_more_than_the_bound_and_others_are_answered(running: tuple[App, int]) -> None:
    """Somebody sends many large ones and ends none of them."""
    app, port = running
    buffers = app.gate.buffers
    head = f"POST /api/v1/score/batch HTTP/1.1\r\n{OURS}Content-Length: 800000\r\n\r\n".encode()
    with ExitStack() as stack:
        held = [stack.enter_context(wired_to(port)) for _ in range(6)]
        for wire in held:
            wire.send(head + b" " * 400_000)
        assert eventually(lambda: 500_000 < buffers.incoming <= MOST)
        sent = b"[" + body(LEAD) + b" " * 100_000 + b"]"
        other = stack.enter_context(wired_to(port))
        other.send(head.replace(b"800000", b"%d" % len(sent)) + sent)
        answer = other.answer()
        assert answer is not None
        assert answer.status == 200
        other.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = other.answer()
        assert answer is not None
        assert re.search(rb'requests_rejected_total{reason="memory"} [1-9]', answer.body)
        assert buffers.incoming <= MOST
    assert eventually(lambda: buffers.incoming == 0)


@pytest.mark.integration
def test_answers_that_nobody_reads_hold_no_more_than_the_bound(running: tuple[App, int]) -> None:
    """The connection that waited longest is cut, and whoever reads gets everything."""
    app, port = running
    buffers = app.gate.buffers
    request = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(20):
            made = stack.enter_context(socket.socket())
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            made.connect(("127.0.0.1", port))
            made.sendall(request * 1000)
        assert eventually(lambda: len(buffers._unread) > 1)  # nothing public says who does not read
        other = stack.enter_context(wired_to(port))
        other.send(request)
        answer = other.answer()
        assert answer is not None
        assert json.loads(answer.body)["openapi"]
        assert buffers.outgoing <= MOST
    assert eventually(lambda: buffers.outgoing == 0)

"""A request that cannot be scored in time costs next to nothing: it is answered at its head, its body let pass."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from factories import LEAD, body, model_file
from inside import served, wired_to
from serving import KEY
from wire import Wire

from leadscoring.api.app import App
from leadscoring.errors import Overloaded
from leadscoring.serving.wiring import create
from leadscoring.settings import read_settings
from leadscoring.transport.ending import MOST_SKIPPED
from leadscoring.transport.failures import problem
from leadscoring.transport.refusal import Prepared

LEAD_BODY = body(LEAD)


class Full:
    """A service in this process whose line is full until it is told otherwise."""

    def __init__(self, app: App, port: int) -> None:
        self.gate = app.gate
        self.fill(-1.0)
        self.port = port
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": KEY}, timeout=30)

    def fill(self, seconds: float) -> None:
        """Has whatever would wait so long wait for ever."""
        self.gate.backlog.ahead = self.gate.backlog.longest_wait = seconds

    @contextmanager
    def wired(self) -> Iterator[Wire]:
        """A connection to it."""
        with wired_to(self.port) as wire:
            yield wire


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Full]:
    """The service, listening on a free port of the loopback, ended at the end of the test."""
    for name in [name for name in os.environ if name in ("PORT", "WORKERS")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MODEL_PATH", str(model_file(tmp_path)))
    monkeypatch.setenv("API_KEYS", KEY)
    app = create(read_settings(os.environ))
    with served(app) as port:
        service = Full(app, port)
        yield service
        service.http.close()


def request(path: str = "/api/v1/score", sent: bytes = LEAD_BODY, *lines: str, length: int | None = None) -> bytes:
    """The bytes of one request."""
    told = [f"POST {path} HTTP/1.1", "Host: a", f"X-API-Key: {KEY}", f"Content-Length: {length or len(sent)}", *lines]
    return "\r\n".join([*told, "", ""]).encode() + sent


def test_it_is_told_when_to_come_back_and_its_connection_goes_on(full: Full) -> None:
    """The same answer as by any other way, with the id that was sent; then it is scored."""
    with full.wired() as wire:
        wire.send(request("/api/v1/score?reasons=2", LEAD_BODY, "X-Request-ID: mine-1"))
        refusal = wire.answer()
        assert refusal is not None
        assert refusal.status == 503
        assert refusal.headers["retry-after"] == "1"
        assert refusal.headers["x-request-id"] == "mine-1"
        assert refusal.body == problem(Overloaded(), "mine-1").body
        full.fill(1.0)
        wire.send(request())
        answer = wire.answer()
        assert answer is not None
        assert answer.status == 200


def test_an_id_that_is_not_sane_is_replaced(full: Full) -> None:
    """As for any other request: nothing of it is repeated."""
    answer = full.http.post("/api/v1/score", json=LEAD, headers={"X-Request-ID": 'a"b'})
    assert answer.status_code == 503
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]+", answer.headers["x-request-id"])
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("size", [1, 2_000, 70_000, 3_000_000])
def test_the_body_is_let_pass_however_it_arrives(full: Full, size: int) -> None:
    """In one piece, in two, or much later; what follows is a request of its own."""
    sent = b"x" * size
    with full.wired() as wire:
        for cut in (0, 1, size // 2, size):
            whole = request(sent=sent)
            head = len(whole) - size
            wire.send(whole[: head + cut])
            answer = wire.answer()
            assert answer is not None
            assert answer.status == 503
            wire.send(whole[head + cut :])
        wire.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = wire.answer()
        assert answer is not None
        assert answer.status == 200


def test_every_request_of_a_pipeline_is_answered_in_order(full: Full) -> None:
    """Refused ones, and those that need no scoring."""
    health = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    with full.wired() as wire:
        wire.send(request() + request("/api/v1/score/batch", b"[]") + health + health)
        answers = [wire.answer() for _ in range(4)]
    assert [answer and answer.status for answer in answers] == [503, 503, 200, 200]


def test_a_body_too_long_to_let_pass_ends_the_connection(full: Full) -> None:
    """The answer says so."""
    with full.wired() as wire:
        wire.send(request(sent=b"", length=MOST_SKIPPED + 1))
        answer = wire.answer()
        assert answer is not None
        assert (answer.status, answer.headers["connection"]) == (503, "close")
        assert wire.closed


def test_what_scores_nothing_is_answered_as_ever(full: Full) -> None:
    """Health, metrics, and the requests of browsers, whose answers carry more headers."""
    assert full.http.get("/health/ready").status_code == 200
    assert full.http.post("/api/v1/nothing", json=LEAD).status_code == 404
    assert full.http.post("/api/v1/score", json=LEAD, headers={"Origin": "http://a"}).status_code == 200


def test_each_is_counted_and_logged(full: Full) -> None:
    """As a request with its status, and as one that was refused."""
    for _ in range(3):
        assert full.http.post("/api/v1/score", json=LEAD).status_code == 503
    said = full.http.get("/metrics").text
    assert 'http_requests_total{endpoint="/api/v1/score",method="POST",status="503"} 3.0' in said
    assert 'requests_rejected_total{reason="overloaded"} 3.0' in said
    assert "http_requests_active 1.0" in said


def test_a_prepared_answer_has_the_length_that_it_says() -> None:
    """For an id of any length, on a connection that goes on or ends."""
    prepared = Prepared(lambda request_id: problem(Overloaded(), request_id))
    for request_id in (b"1", b"x" * 128):
        for closes in (False, True):
            head, _, sent = prepared.to(request_id, closes).partition(b"\r\n\r\n")
            assert b"content-length: %d" % len(sent) in head
            assert (b"connection: close" in head) == closes
            assert sent == problem(Overloaded(), request_id.decode()).body

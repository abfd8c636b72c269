"""A request leaves nothing behind, however it ends: no body, and nothing that waits for the garbage collector."""

import gc
import os
import sys
from collections.abc import Iterator
from inspect import getclosurevars
from typing import Any

import pytest
from factories import LEAD, body, model_file
from inside import served, wired_to
from serving import KEY, eventually

from leadscoring.access.key_file import sha256_of
from leadscoring.access.keys import fingerprint
from leadscoring.api.app import App
from leadscoring.serving.wiring import create
from leadscoring.settings import read_settings
from leadscoring.transport.cycle import Cycle
from leadscoring.transport.exchange import Exchange

pytestmark = pytest.mark.integration

SIZE = 100_000
BODY = body(LEAD)
HOST = "Host: a"
OURS = f"X-API-Key: {KEY}"
LARGE = b"x" * SIZE


def request(first: str, *lines: str, sent: bytes = LARGE, length: int | None = None) -> bytes:
    """The bytes of one request."""
    size = len(sent) if length is None else length
    return "\r\n".join([f"{first} HTTP/1.1", *lines, f"Content-Length: {size}", "", ""]).encode() + sent


SCORE, BATCH = "POST /api/v1/score", "POST /api/v1/score/batch"
TWICE = ("X-A: 1", "X-A: 2")  # only the parser takes a head with it
WAYS = {
    "200 at once": (200, request(SCORE, HOST, OURS, sent=BODY)),
    "200 by the parser": (200, request(SCORE, HOST, OURS, *TWICE, sent=BODY)),
    "200 through Starlette": (200, request(SCORE, HOST, OURS, "Origin: http://a", sent=BODY)),
    "200 of a batch": (200, request(BATCH, HOST, OURS, sent=b"[" + BODY + b"]")),
    "200 of a GET": (200, request("GET /health", HOST, sent=b"")),
    "200 of a HEAD": (200, request("HEAD /health", HOST, sent=b"")),
    "400": (400, request(SCORE, HOST, OURS, sent=b"{" * 9)),
    "400 by the parser": (400, request(BATCH, HOST, OURS, sent=b"{" * 50_000)),
    "400 without a host": (400, request(BATCH, OURS)),
    "400 that is not HTTP": (400, b"\0\0\0" + LARGE),
    "400 of another coding": (400, f"{SCORE} HTTP/1.1\r\n{HOST}\r\nTransfer-Encoding: gzip\r\n\r\n".encode() + LARGE),
    "401": (401, request(BATCH, HOST)),
    "401 at once": (401, request(SCORE, HOST, sent=b"x" * 1000)),
    "401 through Starlette": (401, request(BATCH, HOST, "Origin: http://a")),
    "404": (404, request("POST /nothing", HOST)),
    "405": (405, request("POST /health", HOST)),
    "408": (408, request(BATCH, HOST, OURS, length=2 * SIZE)),
    "413": (413, request(BATCH, HOST, OURS, length=300_000)),
    "413 in chunks": (413, f"{BATCH} HTTP/1.1\r\n{HOST}\r\n{OURS}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
                      + b"".join(b"%x\r\n%b\r\n" % (SIZE, LARGE) for _ in range(3))),
    "415": (415, request(BATCH, HOST, OURS, "Content-Type: text/plain")),
    "422 of a lead": (422, request(SCORE, HOST, OURS, sent=b'{"lead_id": "a", "features": {"no such": 1}}')),
    "422 of a lead by the parser": (422, request(SCORE, HOST, OURS, *TWICE, sent=b'{"features": []}')),
    "422 of an array": (422, request(BATCH, HOST, OURS, sent=b"{}")),
    "200 of a batch with refused leads": (200, request(BATCH, HOST, OURS, sent=b'[{"lead_id": 1}, 7, {"a": ' + BODY + b"}]")),
    "200 of lines": (200, request(BATCH, HOST, OURS, "Content-Type: application/jsonl", sent=BODY + b"\n{}\n7")),
    "200 of a table": (200, request(BATCH, HOST, OURS, "Content-Type: text/csv",
                                    sent="lead_id,revenue,decision_maker,region / city (ü)\na,1,1,x\nb,x,y,z".encode())),
    "400 of a broken gzip": (400, request(BATCH, HOST, OURS, "Content-Encoding: gzip")),
    "422": (422, request(SCORE + "?reasons=many", HOST, OURS, *TWICE, sent=BODY)),
    "429": (429, request(BATCH, HOST, "X-API-Key: limited")),
    "431": (431, request("GET /health", HOST, "X-A: " + "a" * 70_000)),
    "499": (None, request(BATCH, HOST, OURS, length=2 * SIZE)),
}  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, int]]:
    """One service in this process, for all ways; its limits are low."""
    folder = tmp_path_factory.mktemp("memory")
    environ = {
        "MODEL_PATH": str(model_file(folder)), "API_KEYS": f"{KEY},limited", "BODY_TIMEOUT_SECONDS": "0.1",
        "MAX_BODY_BYTES": "200000", "RATE_LIMIT_PER_MINUTE": "1000000", "LOG_LEVEL": "ERROR",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name in ("PORT", "WORKERS", "API_KEYS_FILE")]:
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        app = create(read_settings(os.environ))
    with served(app) as port:
        yield app, port


@pytest.fixture
def uncollected() -> Iterator[None]:
    """The collector rests, so that what needs it is still there; what an earlier failure holds is let go before."""
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        vars(sys).pop(name, None)
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def ask(port: int, sent: bytes, status: int | None) -> None:
    """Sends one request on a connection of its own and takes its answer; without a status, hangs up."""
    with wired_to(port) as wire:
        wire.send(sent)
        if status is not None:
            answer = wire.answer(has_body=not sent.startswith(b"HEAD"))
            assert answer is not None
            assert answer.status == status


def living(kind: type) -> list[Any]:
    """Every object of a type."""
    return [found for found in gc.get_objects() if type(found) is kind]


def left_to_collect() -> list[str]:
    """What only the collector would find, to be read where a test fails."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return [f"{type(found).__name__}: {found!r:.200}" for found in gc.garbage]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def overdraw(app: App) -> None:
    """Leaves nothing of its minute to the key of the 429."""
    handler: Any = app._prompt["/api/v1/score"]  # nothing public leads to the limit
    getclosurevars(handler).nonlocals["handler"].__self__._limit.take(fingerprint(sha256_of("limited")), 2_000_000)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("uncollected")
def test_nothing_of_a_request_is_left(running: tuple[App, int], way: str) -> None:
    """Neither on a connection that ends with it, nor for the collector."""
    (app, port), (status, sent) = running, WAYS[way]
    if status == 429:
        overdraw(app)
    for _ in range(3):
        ask(port, sent, status)
    assert eventually(lambda: not living(Cycle) and not living(Exchange), 5), (living(Cycle), living(Exchange))
    assert left_to_collect() == []


@pytest.mark.parametrize("way", [way for way, (status, _) in WAYS.items() if status])
def test_an_idle_connection_holds_no_body(running: tuple[App, int], way: str) -> None:
    """The client has its answer, and may stay for long."""
    (app, port), (status, sent) = running, WAYS[way]
    if status == 429:
        overdraw(app)
    with wired_to(port) as wire:
        wire.send(sent)
        assert wire.answer(has_body=not sent.startswith(b"HEAD"))
        assert eventually(lambda: not any(cycle.body or cycle.scope for cycle in living(Cycle)), 5)

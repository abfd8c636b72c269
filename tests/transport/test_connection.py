"""A connection keeps within its limits, whatever its client does."""

import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from factories import LEAD, body, model_file
from serving import DEADLINE, KEY, Server, eventually, serving

pytestmark = pytest.mark.integration

HEAD = f"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service for this file, with little patience."""
    folder = tmp_path_factory.mktemp("serving")
    limits = {
        "HEADER_TIMEOUT_SECONDS": "0.5",
        "BODY_TIMEOUT_SECONDS": "0.5",
        "KEEP_ALIVE_SECONDS": "1",
        "MAX_HEADER_BYTES": "4096",
        "MAX_CONNECTIONS": "30",
    }
    with serving(folder, model_file(folder), **limits) as running:
        yield running


def connect(server: Server) -> socket.socket:
    """A connection that does not wait for ever."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE)


def until_closed(connection: socket.socket) -> bytes:
    """Everything that the server says before it closes the connection."""
    said = b""
    try:
        while more := connection.recv(65536):
            said += more
    except ConnectionResetError:
        pass
    return said


def said_to(server: Server, sent: bytes) -> bytes:
    """What the server says to these bytes before it closes."""
    with connect(server) as connection:
        connection.sendall(sent)
        return until_closed(connection)


def request() -> bytes:
    """One sound request."""
    lead = body(LEAD)
    return f"{HEAD}Content-Length: {len(lead)}\r\n\r\n".encode() + lead


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_a_bad_request_and_no_traceback(server: Server, sent: bytes) -> None:
    """In the shape of every other error."""
    said = said_to(server, sent)
    assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ")), said
    assert "Traceback" not in server.logged()


def test_a_head_that_is_too_large_is_refused_whole_or_in_pieces(server: Server) -> None:
    """431, and the connection is closed."""
    large = b"GET /health HTTP/1.1\r\nHost: a\r\nX-Much: " + b"a" * 8000
    assert said_to(server, large + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")
    assert b"headers_too_large" in said_to(server, large)
    fitting = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Much: " + b"a" * 3000
    assert said_to(server, fitting + b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_what_is_refused_before_it_is_whole_has_an_id_a_line_and_a_count(server: Server) -> None:
    """Whether its head came or not: who asks an operator has the id, and the operator the line."""
    for sent, status, method, path in (
        (b"nonsense\r\n\r\n", 400, "", ""),
        (b"GET /health HTTP/1.1\r\nHost: a\r\nX-Much: " + b"a" * 8000, 431, "", ""),
        (b"GET /health HTTP/1.1\r\nHost", 408, "", ""),
        (f"{HEAD}X-Request-ID: asked\r\nContent-Length: 9\r\n\r\n{{".encode(), 408, "POST", "/api/v1/score"),
        (f"{HEAD}X-Request-ID: broken\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{{\r\nzz\r\n".encode(), 400, "POST",
         "/api/v1/score"),
    ):  # fmt: skip
        head, _, text = said_to(server, sent).partition(b"\r\n\r\n")
        problem = json.loads(text)
        named = problem["request_id"]
        assert named
        assert f"\r\nx-request-id: {named}\r\n".encode() in head
        assert named == ("asked" if b"asked" in sent else "broken" if b"broken" in sent else named)
        line = line_of(server, named)
        assert (line["event"], line["level"], line["status"]) == ("request", "INFO", status)
        assert (line["method"], line["path"]) == (method, path)
        endpoint = path or "unknown"
        counted = f'http_requests_total{{endpoint="{endpoint}",method="{method or "other"}",status="{status}"}}'
        assert counted in server.http.get("/metrics").text
    assert "http_requests_active 1.0" in server.http.get("/metrics").text


def line_of(server: Server, request_id: str) -> dict[str, Any]:
    """The one line of a request in the log."""
    assert eventually(lambda: f'"request_id":"{request_id}"' in server.logged())
    (line,) = [json.loads(line) for line in server.logged().splitlines() if f'"{request_id}"' in line]
    return dict(line)


def test_a_request_that_was_answered_is_not_answered_again_for_its_body(server: Server) -> None:
    """A second answer would be taken for that to the next request."""
    sent = b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"
    said = said_to(server, sent)
    assert said.startswith(b"HTTP/1.1 401 ")
    assert said.count(b"HTTP/1.1 ") == 1


def test_a_large_body_is_no_large_head(server: Server) -> None:
    """Even when it arrives together with the head, and a next request with it."""
    filler = b" " * 6000
    lead = body(LEAD) + filler
    one = f"{HEAD}Content-Length: {len(lead)}\r\n".encode()
    said = said_to(server, one + b"\r\n" + lead + one + b"Connection: close\r\n\r\n" + lead)
    assert said.count(b"HTTP/1.1 200 ") == 2


def test_a_client_that_is_slow_with_its_head_is_cut(server: Server) -> None:
    """With 408 when it had begun; one that says nothing at all is cut without a word."""
    assert said_to(server, b"GET /health HTTP/1.1\r\nHost").startswith(b"HTTP/1.1 408 ")
    assert said_to(server, b"") == b""


def test_a_client_that_is_slow_with_its_body_is_cut(server: Server) -> None:
    """With 408, and others are served meanwhile."""
    with connect(server) as slow:
        slow.sendall(f"{HEAD}Content-Length: 1000\r\n\r\n{{".encode())
        assert server.http.post("/api/v1/score", json=LEAD).status_code == 200
        assert until_closed(slow).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_keeps_talking_is_not_cut(server: Server) -> None:
    """The times are of one request, not of a connection."""
    client = HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    began = time.monotonic()
    while time.monotonic() - began < 2.5:
        client.request("POST", "/api/v1/score", body(LEAD), {"X-API-Key": KEY})
        answer = client.getresponse()
        assert answer.status == 200
        answer.read()
        assert client.sock is not None  # it is the same connection
    client.close()


def test_an_idle_connection_is_closed(server: Server) -> None:
    """After the keep-alive time."""
    with connect(server) as connection:
        connection.sendall(request())
        said = until_closed(connection)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.count(b"HTTP/1.1 ") == 1


def test_connections_beyond_the_limit_are_sent_away_and_the_service_recovers(server: Server) -> None:
    """With 503, at once."""
    held = [connect(server) for _ in range(60)]
    said = [until_closed(connection) for connection in held]
    for connection in held:
        connection.close()
    assert any(b"HTTP/1.1 503 " in answer and b"overloaded" in answer for answer in said)
    deadline = time.monotonic() + DEADLINE
    while server.http.get("/health").status_code != 200:
        assert time.monotonic() < deadline
    metrics = server.http.get("/metrics").text
    assert 'requests_rejected_total{reason="connections"}' in metrics


def test_an_upgrade_is_not_taken_and_the_request_answered(server: Server) -> None:
    """As if it had not been asked for."""
    asked = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert said_to(server, asked).startswith(b"HTTP/1.1 200 ")

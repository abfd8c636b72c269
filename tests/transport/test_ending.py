"""How a connection ends: every whole request is answered, then it is closed, and nothing more is read from it."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from factories import LEAD, body, lead, model_file
from serving import DEADLINE, KEY, Server, serving
from wire import Wire, wired

pytestmark = pytest.mark.integration

SENT = body(LEAD)
OURS = b"Host: a\r\nX-API-Key: " + KEY.encode() + b"\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n" % (len(SENT), SENT)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service for this file."""
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, model_file(folder), MAX_BODY_BYTES="1000000", MAX_HEADER_BYTES="4096") as running:
        yield running


def scoring(sent: bytes = SENT, *lines: bytes, path: bytes = b"/api/v1/score", length: int | None = None) -> bytes:
    """A request to score."""
    size = b"Content-Length: %d\r\n" % (len(sent) if length is None else length)
    return (
        b"POST " + path + b" HTTP/1.1\r\n" + OURS + b"".join(line + b"\r\n" for line in lines) + size + b"\r\n" + sent
    )


def statuses(wire: Wire) -> list[int]:
    """What is answered until the connection ends."""
    found = []
    while answer := wire.answer():
        found.append(answer.status)
    return found


@pytest.mark.parametrize("first", [scoring(), scoring(SENT, b"X-A: 1", b"X-A: 2")], ids=["at once", "by the parser"])
def test_whole_requests_before_junk_are_answered_and_the_junk_refused(server: Server, first: bytes) -> None:
    """All in one write: the connection does not hang."""
    with wired(server) as wire:
        wire.send(HEALTH + first + b"\0junk\r\n\r\n")
        assert statuses(wire) == [200, 200, 400]


def test_a_broken_request_behind_others_is_refused_after_their_answers(server: Server) -> None:
    """In the middle of its body too."""
    with wired(server) as wire:
        wire.send(HEALTH + scoring() + CHUNKED + b"\r\nzz\r\n")
        assert statuses(wire) == [200, 200, 400]


@pytest.mark.parametrize("lines", [(), (b"X-A: 1", b"X-A: 2"), (b"Origin: http://a",)], ids=["plain", "parser", "CORS"])
@pytest.mark.parametrize("rest", [0, 100], ids=["whole", "unfinished"])
def test_a_body_that_is_too_large_ends_the_connection(server: Server, lines: tuple[bytes, ...], rest: int) -> None:
    """It says so, and does so, whether or not the body came with the head."""
    with wired(server) as wire:
        wire.send(scoring(b"x" * 1_000_001, *lines, length=1_000_001 + rest))
        answer = wire.answer()
        assert answer is not None
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        wire.send(HEALTH)
        assert wire.closed


def test_no_more_than_a_bound_is_read_after_the_last_answer(server: Server) -> None:
    """A client that announces a gigabyte and goes on sending is cut off."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as sending:
        sending.sendall(scoring(b"", length=1 << 30))
        assert sending.recv(65536).startswith(b"HTTP/1.1 413 ")
        sent = 0
        with suppress(BrokenPipeError, ConnectionResetError):
            while sent < 1 << 30:
                sent += sending.send(b"y" * 65536)
    assert sent < 1 << 27


def test_a_client_that_reads_after_it_has_sent_everything_gets_its_refusal(server: Server) -> None:
    """The answer is not taken back by what it still sends."""
    with wired(server) as wire:
        wire.send(scoring(b"x" * 5_000_000))
        answer = wire.answer()
    assert answer is not None
    assert answer.status == 413


@pytest.mark.parametrize("leads", [1, 400])
def test_whoever_stops_sending_still_gets_all_answers(server: Server, leads: int) -> None:
    """Whole ones, however large; then the connection ends."""
    sent = b"[" + b",".join(body(lead(f"lead-{place}")) for place in range(leads)) + b"]"
    with wired(server) as wire:
        wire.send(HEALTH + scoring(sent, path=b"/api/v1/score/batch") * 3)
        wire.end()
        assert statuses(wire) == [200] * 4


def test_whoever_stops_in_the_middle_of_a_request_gets_what_came_before(server: Server) -> None:
    """And no answer to what nobody can know the end of."""
    for unfinished in (b"GET /hea", scoring(b"{", length=10)):
        with wired(server) as wire:
            wire.send(scoring(SENT, b"X-A: 1", b"X-A: 2") + unfinished)
            wire.end()
            assert statuses(wire) == [200]


@pytest.mark.parametrize(
    ("head", "trailers", "status", "named"),
    [
        (b"", b"X-API-Key: " + KEY.encode(), 401, None),
        (b"X-API-Key: " + KEY.encode(), b"X-API-Key: nope", 200, None),
        (b"X-API-Key: " + KEY.encode(), b"X-Request-ID: trailing", 200, "trailing"),
        (b"X-API-Key: " + KEY.encode(), b"Origin: http://evil", 200, None),
        (b"X-API-Key: " + KEY.encode(), b"Host: b", 200, None),
    ],
)
def test_a_trailer_is_no_header(server: Server, head: bytes, trailers: bytes, status: int, named: str | None) -> None:
    """A proxy that sets a header has not seen the trailer of the same name."""
    with wired(server) as wire:
        wire.send(CHUNKED + (head + b"\r\n" if head else b"") + b"\r\n" + CHUNKS + trailers + b"\r\n\r\n")
        answer = wire.answer()
    assert answer is not None
    assert answer.status == status
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["x-request-id"] != named


def test_trailers_are_bounded_as_heads_are(server: Server) -> None:
    """Whoever never ends them is refused."""
    with wired(server) as wire:
        wire.send(CHUNKED + OURS[9:] + b"\r\n" + CHUNKS)
        wire.send(b"X-A: " + b"a" * 400_000)
        assert 431 in statuses(wire)


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"gzip", b"chunked, chunked", b"identity", b"xchunked"])
def test_a_body_in_another_coding_is_refused(server: Server, coding: bytes) -> None:
    """It would be read as what it is not; the connection ends, for its end cannot be trusted."""
    with wired(server) as wire:
        wire.send(CHUNKED.replace(b"chunked", coding) + OURS[9:] + b"\r\n" + CHUNKS + b"\r\n")
        answer = wire.answer()
        assert answer is not None
        assert answer.status == 400
        assert statuses(wire) == []


UPGRADE = b"Connection: Upgrade"


@pytest.mark.parametrize("name", [b"Upgrade", b"uPgRaDe", b"UPGRADE"])
@pytest.mark.parametrize("before", [b"", HEALTH, scoring(), b"\r\n"], ids=["first", "second", "plain", "blank"])
@pytest.mark.parametrize("filler", [b"", b"X-A: " + b"a" * 3000], ids=["short", "long"])
def test_an_offer_loses_no_body_wherever_it_stands(server: Server, name: bytes, before: bytes, filler: bytes) -> None:
    """In any letters, in any request, however long its head."""
    lines = (UPGRADE, filler, name + b": h2c") if filler else (UPGRADE, name + b": h2c")
    with wired(server) as wire:
        wire.send(before + scoring(SENT, *lines))
        wire.end()
        assert statuses(wire) == [200] * (1 + bool(before.strip()))

"""What no client library sends, over raw sockets: the server answers sanely or hangs up, and goes on serving."""

import json
from collections.abc import Iterator

import pytest
from factories import LEAD, body, model_file
from serving import KEY, Server, serving
from wire import Answer, Wire, wired

pytestmark = pytest.mark.integration

SOUND = body(LEAD)
HEAD = f"POST /api/v1/score HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n".encode()
LENGTH = b"Content-Length: %d\r\n" % len(SOUND)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNK = b"%x\r\n%s\r\n" % (len(SOUND), SOUND)
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service for this file."""
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, model_file(folder)) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """The service, which must score a sound lead after each test and have nothing to be ashamed of in its log."""
    yield running
    assert running.http.post("/api/v1/score", json=LEAD).status_code == 200
    for word in ("Traceback", '"ERROR"', '"status":500'):
        assert word not in running.logged()


def get(target: bytes, *headers: bytes) -> bytes:
    """A request of a target, which may be anything."""
    return b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + b"".join(line + b"\r\n" for line in headers) + b"\r\n"


def next_answer(wire: Wire) -> Answer:
    """The next answer, which must come."""
    answer = wire.answer()
    assert answer is not None
    return answer


NOT_HTTP = {
    "nonsense": b"nonsense\r\n\r\n",
    "every byte": bytes(range(256)),
    "zeros": b"\0" * 1000,
    "TLS on a plain port": bytes.fromhex("16030100c8010000c40303") + b"\x8f" * 200,
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version that is none": b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
    "a method that is none": b"BREW /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method in small letters": b"get /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target without a slash": get(b"health"),
    "a target of a question mark": get(b"?"),
    "a target in UTF-8": get("/ü".encode()),
    "a target that is no text": get(b"/\xff"),
    "a query that is no text": get(b"/health?x=\xff"),
    "a path too long to be one": get(b"/" + b"a" * 100_000),
    "a header without a colon": get(b"/health", b"nonsense"),
    "a blank before the colon": get(b"/health", b"X-API-Key : a"),
    "a folded header": get(b"/health", b"X: a", b" b"),
    "a zero in a header": get(b"/health", b"X: a\0b"),
    "a bare carriage return": get(b"/health", b"X: a\rb"),
    "bare line feeds": b"GET /health HTTP/1.1\nHost: x\n\n",
    "a negative length": HEAD + b"Content-Length: -5\r\n\r\n" + SOUND,
    "a signed length": HEAD + b"Content-Length: +5\r\n\r\n" + SOUND,
    "a length in words": HEAD + b"Content-Length: many\r\n\r\n" + SOUND,
    "a length beyond all machines": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n" + SOUND,
    "two lengths": HEAD + b"Content-Length: 5\r\n" + LENGTH + b"\r\n" + SOUND,
    "one length twice": HEAD + LENGTH + LENGTH + b"\r\n" + SOUND,
    "a list of lengths": HEAD + b"Content-Length: 5, 5\r\n\r\n" + SOUND,
    "a length beside chunks": HEAD + LENGTH + CHUNKED + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "chunks beside a length": HEAD + CHUNKED + LENGTH + b"\r\n" + CHUNK + b"0\r\n\r\n",
    "an encoding beside a length": HEAD + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + SOUND,
    "a chunk size that is none": HEAD + CHUNKED + b"\r\nzz\r\n" + SOUND,
    "a negative chunk": HEAD + CHUNKED + b"\r\n-5\r\n" + SOUND,
    "an endless chunk": HEAD + CHUNKED + b"\r\nffffffffffffffffff\r\n" + SOUND,
    "a chunk longer than its size": HEAD + CHUNKED + b"\r\n5\r\n" + SOUND + b"\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_not_http_is_refused_and_the_connection_closed(server: Server, name: str) -> None:
    """Where one request ends and the next begins is not known any more: guessing is how requests are smuggled."""
    with wired(server) as wire:
        wire.send(NOT_HTTP[name])
        assert next_answer(wire).status in (400, 414, 431)
        assert wire.closed


NOT_CLEAR = {
    "no host": (HEAD.replace(b"Host: x\r\n", b"") + LENGTH + b"\r\n" + SOUND, 400, "host_not_clear"),
    "one host twice": (HEAD + LENGTH + b"Host: x\r\n\r\n" + SOUND, 400, "host_not_clear"),
    "two hosts": (HEAD + LENGTH + b"HOST: y\r\n\r\n" + SOUND, 400, "host_not_clear"),
    "two hosts of HTTP/1.0": (b"GET /health HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400, "host_not_clear"),
    "no host of a probe": (b"GET /health HTTP/1.1\r\n\r\n", 400, "host_not_clear"),
    "HTTP/2 in plain words": (b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n", 400, "version_not_supported"),
    "HTTP/0.9 in plain words": (b"GET /health HTTP/0.9\r\nHost: x\r\n\r\n", 400, "version_not_supported"),
    "HTTP/0.9 as it was": (b"GET /health\r\n\r\n", 400, "version_not_supported"),
}


@pytest.mark.parametrize("name", NOT_CLEAR)
def test_a_request_of_an_unclear_host_or_another_version_is_refused(server: Server, name: str) -> None:
    """As a problem, and the connection is closed: two programs could read it as two different requests."""
    sent, status, code = NOT_CLEAR[name]
    with wired(server) as wire:
        wire.send(sent)
        answer = next_answer(wire)
        assert (answer.status, json.loads(answer.body)["code"]) == (status, code)
        assert wire.closed


TOO_MUCH = {
    "a header of a megabyte": get(b"/health", b"X: " + b"a" * (1 << 20)),
    "five thousand headers": get(b"/health", *(b"X-%d: a" % number for number in range(5000))),
    "a head that never ends": b"GET /health HTTP/1.1\r\n" + b"X: a\r\n" * 100_000,
    "a path of a megabyte": get(b"/" + b"a" * (1 << 20)),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_head_without_measure_is_refused(server: Server, name: str) -> None:
    """The client may still be writing when the connection closes, and then sees that alone."""
    with wired(server) as wire:
        wire.send(TOO_MUCH[name])
        answer = wire.answer()
        assert answer is None or answer.status in (400, 431)
        assert wire.closed


UNUSUAL = {
    "chunks": (HEAD + CHUNKED + b"\r\n" + CHUNK + b"0\r\n\r\n", 200),
    "chunks with an extension and a trailer": (
        HEAD + CHUNKED + b"\r\n%x;a=b\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(SOUND), SOUND),
        200,
    ),
    "empty chunks": (HEAD + CHUNKED + b"\r\n0\r\n\r\n", 400),
    "no body at all": (HEAD + b"\r\n", 400),
    "a body on a route that takes none": (get(b"/health", b"Content-Length: 5") + b"hello", 200),
    "empty lines before the request": (b"\r\n\r\n" + HEALTH, 200),
    "the whole address": (get(b"http://elsewhere.example/health"), 200),
    "the address of a proxy request": (get(b"https://elsewhere.example:99/nothing"), 404),
    "an escaped route": (get(b"/%68ealth"), 200),
    "escapes of no text": (get(b"/%FF%00%0d%0a"), 404),
    "escapes that are none": (get(b"/%zz%"), 404),
    "a path upwards": (get(b"/docs/../health"), 404),
    "a path upwards, escaped": (get(b"/%2e%2e/%2e%2e/etc/passwd"), 404),
    "two slashes": (get(b"//health"), 404),
    "a long path": (get(b"/" + b"a" * 8_000), 404),
    "a long query": (get(b"/health?" + b"a" * 8_000), 200),
    "a fragment": (get(b"/health#there"), 200),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "TRACE": (b"TRACE /health HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "headers of no text": (get(b"/health", b"X-Request-ID: \xff\xfe", b"X-API-Key: \xff", b"Origin: \xff"), 200),
    "a key of no text": (get(b"/api/v1/model/info", b"X-API-Key: \xff\xfe"), 401),
    "an empty key": (get(b"/api/v1/model/info", b"X-API-Key:"), 401),
    "an expectation that nobody knows": (HEAD + b"Expect: 200-maybe\r\n" + LENGTH + b"\r\n" + SOUND, 200),
    "an offer of HTTP/2, as Java makes it": (
        HEAD
        + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
        + LENGTH
        + b"\r\n"
        + SOUND,
        200,
    ),
    "an offer of WebSocket": (
        get(b"/health", b"connection: upgrade", b"upgrade: websocket", b"sec-websocket-version: 13"),
        200,
    ),
    "a content type that is none": (HEAD.replace(b"application/json", b"\xff/;;=") + LENGTH + b"\r\n" + SOUND, 415),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_is_answered_and_the_connection_goes_on(server: Server, name: str) -> None:
    """HTTP allows it, so the next request on the same connection is none the worse."""
    sent, status = UNUSUAL[name]
    with wired(server) as wire:
        wire.send(sent)
        assert next_answer(wire).status == status
        wire.send(HEALTH)
        assert next_answer(wire).status == 200


def test_several_requests_in_one_packet_are_answered_in_their_order(server: Server) -> None:
    """Each under its own id, whatever it ends with and however long it takes."""
    batch = b"[" + b",".join([SOUND] * 500) + b"]"
    many = HEAD.replace(b"/score", b"/score/batch") + b"Content-Length: %d\r\n" % len(batch)
    with wired(server) as wire:
        wire.send(
            many + b"X-Request-ID: a\r\n\r\n" + batch
            + get(b"/health", b"X-Request-ID: b")
            + HEAD + LENGTH + b"X-Request-ID: c\r\n\r\n" + SOUND
            + get(b"/nothing", b"X-Request-ID: d")
        )  # fmt: skip
        answers = [next_answer(wire) for _ in range(4)]
    assert [(answer.status, answer.headers["x-request-id"]) for answer in answers] == [
        (200, "a"),
        (200, "b"),
        (200, "c"),
        (404, "d"),
    ]


def test_a_body_shorter_than_announced_is_never_scored(server: Server) -> None:
    """Nothing is answered for it, since nothing whole was asked."""
    with wired(server) as wire:
        wire.send(HEAD + b"Content-Length: %d\r\n\r\n" % (len(SOUND) + 100) + SOUND)
        wire.end()
        assert wire.closed


def test_a_body_longer_than_announced_is_never_scored(server: Server) -> None:
    """What is announced is cut off from its end, so it is no lead; the rest is no request."""
    with wired(server) as wire:
        wire.send(HEAD + b"Content-Length: %d\r\n\r\n" % (len(SOUND) - 10) + SOUND)
        assert next_answer(wire).status == 400


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_that_says_nothing_whole_is_closed_when_its_client_ends_it(server: Server, sent: bytes) -> None:
    """Port scanners and load balancers do that all day."""
    with wired(server) as wire:
        wire.send(sent)
        wire.end()
        assert wire.closed


@pytest.mark.parametrize("sent", [HEALTH, HEAD + LENGTH + b"\r\n" + SOUND])
def test_a_client_that_closed_its_sending_half_still_gets_its_answer(server: Server, sent: bytes) -> None:
    """As ``nc`` and some health checks do."""
    with wired(server) as wire:
        wire.send(sent)
        wire.end()
        assert next_answer(wire).status == 200
        assert wire.closed


def test_a_body_may_come_byte_by_byte(server: Server) -> None:
    """Slowly is not wrongly, and others are served meanwhile."""
    sent = HEAD + LENGTH + b"\r\n" + SOUND
    with wired(server) as wire:
        for place in range(len(sent)):
            wire.send(sent[place : place + 1])
            if place % 100 == 0:
                assert server.http.get("/health").status_code == 200
        assert next_answer(wire).status == 200


def test_a_client_that_hangs_up_in_the_middle_hurts_nobody(server: Server) -> None:
    """In the head, in the body, and before the answer is read."""
    for sent in (HEAD, HEAD + LENGTH + b"\r\n" + SOUND[:50], HEAD + LENGTH + b"\r\n" + SOUND):
        for _ in range(20):
            with wired(server) as wire:
                wire.send(sent)


def test_a_body_is_asked_for_when_the_client_waits_to_be_asked(server: Server) -> None:
    """``Expect: 100-continue``, as curl sends it with a large batch."""
    with wired(server) as wire:
        wire.send(HEAD + LENGTH + b"Expect: 100-continue\r\n\r\n")
        assert next_answer(wire).status == 100
        wire.send(SOUND)
        assert next_answer(wire).status == 200


def test_a_body_that_will_be_refused_is_not_asked_for(server: Server) -> None:
    """Without a key, or over the limit: the answer comes instead of the invitation."""
    nobody = HEAD.replace(KEY.encode(), b"wrong")
    for head, length, status in ((nobody, 100, 401), (HEAD, 10**9, 413)):
        with wired(server) as wire:
            wire.send(head + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % length)
            assert next_answer(wire).status == status


def test_http_1_0_is_answered_and_closed(server: Server) -> None:
    """Old probes speak it."""
    with wired(server) as wire:
        wire.send(b"GET /health HTTP/1.0\r\n\r\n")
        assert next_answer(wire).status == 200
        assert wire.closed


@pytest.mark.parametrize(
    "path",
    [
        "/", "/health", "/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json",
        "/api/v1/model/info", "/api/v1/model/features", "/api/v1/model/importance",
        "/api/v1/model/drift",
        "/api/v1/score", "/api/v1/score/batch", "/nothing",
    ],
)  # fmt: skip
def test_head_is_get_without_its_body(server: Server, path: str) -> None:
    """The same status and type, the length told, nothing after the head; a scoring route takes POST only."""
    expected = server.http.get(path)
    with wired(server) as wire:
        wire.send(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n\r\n".encode() + HEALTH)
        answer = wire.answer(has_body=False)
        assert answer is not None
        assert answer.status == expected.status_code
        assert answer.headers["content-type"] == expected.headers["content-type"]
        assert int(answer.headers["content-length"]) > 0
        assert next_answer(wire).status == 200

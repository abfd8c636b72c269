"""Bytes mean the same wherever they are cut, and whichever way reads them: the short one, or the parser."""

import asyncio
import itertools
import os
import re
from collections.abc import Iterator
from time import perf_counter

import pytest
from factories import LEAD, body, model_file
from fuzzing import EFFORT
from hypothesis import given, settings
from hypothesis import strategies as st
from inside import Fed, Pipe
from serving import KEY

from leadscoring.api.app import App
from leadscoring.serving.wiring import create
from leadscoring.settings import read_settings
from leadscoring.transport.backlog import AHEAD_BYTES

SENT = body(LEAD)
HOST = b"Host: a\r\n"
OURS = HOST + b"X-API-Key: " + KEY.encode() + b"\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(SENT)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SCORE = b"POST /api/v1/score?reasons=0 HTTP/1.1\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n" % (len(SENT), SENT)


def scoring(*lines: bytes, sent: bytes = SENT, first: bytes = SCORE) -> bytes:
    """A request to score, with some more headers."""
    return first + OURS + b"".join(line + b"\r\n" for line in lines) + b"Content-Length: %d\r\n\r\n" % len(sent) + sent


CORPUS = {
    "plain": scoring(),
    "health": b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n",
    "a key that is wrong": SCORE + HOST + b"X-API-Key: other\r\n" + LENGTH + b"\r\n" + SENT,
    "a lead that is wrong": scoring(sent=b"{}"),
    "nothing sent": scoring(sent=b""),
    "a head that hides a request": b"POST /health HTTP/1.1\r\nX-A: " + SCORE.replace(b"\r\n", b" ") + b"\r\n" + HOST
    + b"\r\n",
    "a body that hides a request": scoring(sent=b"{}\r\n\r\n" + b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a header of a next request": b"GET /health HTTP/1.1\r\n" + HOST + b"X-Foo: POST /api/v1/score HTTP/1.1\r\n\r\n",
    "chunks": SCORE + OURS + CHUNKED + b"\r\n" + CHUNKS + b"\r\n",
    "trailers": SCORE + HOST + CHUNKED + b"\r\n" + CHUNKS + b"X-API-Key: " + KEY.encode() + b"\r\nHost: b\r\n\r\n",
    "an upgrade": scoring(b"Connection: Upgrade", b"Upgrade: h2c"),
    "an upgrade in odd letters": scoring(b"uPgRaDe: h2c", b"CONNECTION: upGrade"),
    "blanks after a value": scoring(b"X-Request-ID: mine \t", b"X-API-Key:" + KEY.encode() + b"  ").replace(
        b"X-API-Key: " + KEY.encode() + b"\r\n", b"", 1
    ),
    "a fragment": scoring(first=b"POST /api/v1/score?reasons=0#top HTTP/1.1\r\n"),
    "a fragment in the path": scoring(first=b"POST /api/v1/score#?reasons=x HTTP/1.1\r\n"),
    "an escaped path": scoring(first=b"POST /api/v1/s%63ore HTTP/1.1\r\n"),
    "a proxy's connection": scoring(b"Proxy-Connection: close"),
    "the last": scoring(b"Connection: close"),
    "another coding": SCORE + OURS + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS + b"\r\n",
    "line ends before it": b"\r\n" + scoring(),
    "of a browser": scoring(b"Origin: http://a"),
    "junk": b"\0\1\2",
    "a batch": scoring(sent=b"[" + SENT + b"]", first=b"POST /api/v1/score/batch HTTP/1.1\r\n"),
}  # fmt: skip
PAIRS = list(itertools.product(CORPUS, CORPUS))
DETAILS = re.compile(rb"[0-9a-f]{12}-[0-9a-f]+|content-length: [0-9]+|date: [^\r]*|\"timestamp\":\"[^\"]*\"")
STATUS = re.compile(rb"HTTP/1\.1 ([0-9]+) ")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    """The application of this file."""
    folder = tmp_path_factory.mktemp("cuts")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"MODEL_PATH": str(model_file(folder)), "API_KEYS": KEY, "LOG_LEVEL": "ERROR"}.items():
            patch.setenv(name, value)
        for name in ("PORT", "WORKERS", "API_KEYS_FILE"):
            patch.delenv(name, raising=False)
        made = create(read_settings(os.environ))
    made.lifecycle.start()
    return made


def said(written: bytes) -> bytes:
    """What was answered, without ids, which are of any length, and times."""
    return DETAILS.sub(b"", written)


async def by_parser(app: App, fed: Fed, *parts: bytes) -> tuple[bytes, bool]:
    """The answers that the parser's way gives."""
    at_once, app.gate.answer_at_once = app.gate.answer_at_once, lambda _head, _body: None
    try:
        written, closed = await fed.answers(*parts)
    finally:
        app.gate.answer_at_once = at_once
    return said(written), closed


async def compared(app: App, sent: bytes, cuts: Iterator[int] | range) -> int:
    """Checks that some bytes are answered alike however they are cut; says how many ways were tried."""
    fed, tried = Fed(app), 0
    expected = await by_parser(app, fed, sent)
    for cut in cuts:
        parts = (sent[:cut], sent[cut:])
        written, closed = await fed.answers(*parts)
        assert (said(written), closed) == expected, parts
        assert await by_parser(app, fed, *parts) == expected, parts
        tried += 2
    return tried


@pytest.mark.parametrize("first", CORPUS)
def test_a_pair_of_requests_is_answered_alike_wherever_it_is_cut(app: App, first: str) -> None:
    """By the short way as by the parser; at every place in ``make fuzz``, at some in the tests."""
    step = max(1, 41 - EFFORT * 2)  # a prime or so: over all pairs every place comes

    async def scenario() -> None:
        for place, second in enumerate(CORPUS):
            sent = CORPUS[first] + CORPUS[second]
            await compared(app, sent, range(1 + place % step, len(sent), step))

    asyncio.run(scenario())


@given(data=st.data())
@settings(max_examples=50 * EFFORT, deadline=None)
def test_any_requests_in_any_parts_are_answered_alike(app: App, data: st.DataObject) -> None:
    """Three of them, in up to five parts, with a byte that is changed."""
    sent = b"".join(CORPUS[name] for name in data.draw(st.lists(st.sampled_from(list(CORPUS)), min_size=1, max_size=3)))
    place, value = data.draw(st.integers(0, len(sent) - 1)), data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        sent = sent[:place] + bytes([value]) + sent[place + 1 :]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=4)))
    parts = [sent[start:end] for start, end in itertools.pairwise([0, *cuts, len(sent)])]

    async def scenario() -> None:
        fed = Fed(app)
        expected = await by_parser(app, fed, sent)
        written, closed = await fed.answers(*parts)
        found = said(written), closed
        assert found == expected or broken_later(found, expected)

    asyncio.run(scenario())


def broken_later(found: tuple[bytes, bool], expected: tuple[bytes, bool]) -> bool:
    """Whether two differ only in that a request was refused for its head before its body was seen to be broken."""
    ours, theirs = (STATUS.findall(written) for written, _ in (found, expected))
    return found[1] and expected[1] and ours[:-1] == theirs[:-1] and b"400" in (ours[-1], theirs[-1])


def test_a_body_that_is_not_read_for_now_has_all_of_its_time_left(app: App) -> None:
    """Its client is not slow while nobody reads what it sends; after that it is, as any other."""

    async def scenario() -> None:
        gate, pipe = app.gate, Pipe()
        turn = asyncio.ensure_future(gate.backlog.admission.place(0.001, perf_counter(), "busy"))
        await asyncio.sleep(0)  # so that work waits
        gate.buffers.took(pipe, AHEAD_BYTES + 1)  # type: ignore[arg-type]  # it is never given up here
        connected = Fed(app).connected(pipe)
        head = f"POST /api/v1/score/batch HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Length: 9000\r\n\r\n"
        for part in (head.encode(), b"[" + b" " * 2000):
            connected.get_buffer(-1)[: len(part)] = part
            connected.buffer_updated(len(part))
        allowed = gate.limits.body_seconds
        gate.now += 0.5 * allowed
        connected.http.sweep(gate.now)
        gate.now += 10 * allowed
        connected.http.sweep(gate.now)
        assert not pipe.written
        gate.buffers.let_go(pipe)  # type: ignore[arg-type]  # as above
        await turn
        gate.backlog.release()
        gate.now += 0.9 * allowed
        connected.http.sweep(gate.now)
        assert not pipe.written
        gate.now += 0.2 * allowed
        connected.http.sweep(gate.now)
        assert pipe.written.startswith(b"HTTP/1.1 408 ")
        connected.connection_lost(None)
        await asyncio.sleep(0)

    asyncio.run(scenario())

"""Bodies may come in gzip, answers go in gzip to who asks, and neither costs more than it may."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest
from factories import LEAD, SMALL, lead, model_file
from fuzzing import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import KEY, Server, serving

from leadscoring.errors import BodyTooLarge, MalformedEncoding
from leadscoring.transport.admission import SLICE, Admission
from leadscoring.transport.compression import (
    AT_ONCE,
    MOST_MEMBERS,
    PAYS_FROM,
    PIECE,
    Unpacking,
    packed,
    packed_at_once,
    takes_gzip,
    unpacked,
)
from leadscoring.transport.exchange import Exchange, Reply

JSON = {"Content-Type": "application/json", "X-API-Key": KEY}
LIMIT = 1_000_000
"""MAX_BODY_BYTES of the service."""

ALL_ROUTES = {"ENDPOINT_PROTOCOLS": "sagemaker,v2"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with every route that takes a body."""
    folder = tmp_path_factory.mktemp("gzip")
    with serving(folder, model_file(folder), MAX_BODY_BYTES=str(LIMIT), **ALL_ROUTES) as running:
        yield running


def post(server: Server, path: str, sent: bytes, **headers: str) -> httpx.Response:
    """An answer to a body in gzip."""
    return server.http.post(path, content=sent, headers=JSON | {"Content-Encoding": "gzip"} | headers)


def leads(number: int) -> list[dict[str, Any]]:
    """As many different leads."""
    return [lead(f"lead-{place}", revenue=place * 1000, visits=place % 50) for place in range(number)]


def unpack(body: bytes, limit: int, piece: int = PIECE) -> bytes:
    """All of a body, fed in pieces of this size."""
    unpacking, parts = Unpacking(limit), []
    for start in range(0, len(body), piece):
        unpacking.feed(body[start : start + piece])
        while (part := unpacking.part()) is not None:
            assert len(part) <= PIECE
            parts.append(part)
    unpacking.end()
    return b"".join(parts)


# --- unpacking ------------------------------------------------------------------------------------------------


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.binary(max_size=300) | st.just(b"a" * 200_000), min_size=1, max_size=4), st.integers(1, 100_000))
def test_what_was_packed_is_unpacked_whatever_the_pieces_and_members(members: list[bytes], piece: int) -> None:
    """As Python's own reader has it."""
    body = b"".join(map(gzip.compress, members))
    if len(body) / piece > 5000:
        piece = 1 + len(body) // 5000
    assert unpack(body, 2_000_000, piece) == gzip.decompress(body) == b"".join(members)


@settings(max_examples=examples(200), deadline=None)
@given(st.binary(min_size=1, max_size=400), st.data())
def test_a_body_that_is_cut_is_never_taken_for_whole(content: bytes, data: st.DataObject) -> None:
    """Wherever it ends."""
    body = gzip.compress(content)
    with pytest.raises(MalformedEncoding):
        unpack(body[: data.draw(st.integers(0, len(body) - 1))], LIMIT)


@settings(max_examples=examples(300), deadline=None)
@given(st.binary(max_size=200), st.data())
def test_a_body_that_was_altered_is_refused_or_means_the_same(content: bytes, data: st.DataObject) -> None:
    """Nothing else is raised; a flag or a time in its head says nothing of the content."""
    body = bytearray(gzip.compress(content))
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        taken = unpack(bytes(body), LIMIT)
    except MalformedEncoding:
        return
    assert taken == content


@pytest.mark.parametrize("after", [b"\0", b"\0" * 600, b"garbage", b"{}"])
def test_nothing_may_follow_the_end(after: bytes) -> None:
    """What was meant by it cannot be known."""
    with pytest.raises(MalformedEncoding, match=r"follows its end|ends in the middle"):
        unpack(gzip.compress(b"{}") + after, LIMIT)


def test_a_bomb_is_put_down_at_the_limit() -> None:
    """What comes out of it is never more than the limit and one part; its rest is not looked at."""
    bomb = gzip.compress(bytes(100_000_000), 9)
    unpacking = Unpacking(LIMIT)
    out: list[bytes] = []
    unpacking.feed(bomb[:PIECE])
    with pytest.raises(BodyTooLarge, match="after decompression"):
        out.extend(iter(unpacking.part, None))
    assert LIMIT - PIECE <= sum(map(len, out)) <= LIMIT


def test_a_body_of_countless_empty_members_is_refused() -> None:
    """Each costs its start, and nothing comes out that a limit could count."""
    with pytest.raises(MalformedEncoding, match=f"more than {MOST_MEMBERS} members"):
        unpack(gzip.compress(b"") * 50_000, LIMIT)
    assert unpack(gzip.compress(b"") * MOST_MEMBERS, LIMIT) == b""


# --- what is asked for ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepts", "wanted"),
    [
        (b"", False), (b"gzip", True), (b"gzip, deflate, br, zstd", True), (b"GZIP", True), (b"x-gzip", True), (b"*", True),
        (b"br", False), (b"identity", False), (b"deflate", False), (b"gzip;q=0", False), (b"gzip;q=0.0", False),
        (b"*;q=0", False), (b"*, gzip;q=0", False), (b"gzip;q=0.5, identity;q=1", False), (b"gzip;q=1, identity;q=0.5", True),
        (b"gzip; q=0.2", True), (b"identity;q=0.1, *;q=0.5", True), (b"br;q=1, gzip;q=0.1", True), (b"gzip;q=x", False),
        (b"gzip;q=nan", False), (b"gzip;q=2", False), (b",,;q", False), (b"\xff\xfe", False),
    ],
)  # fmt: skip
def test_weights_decide_whether_an_answer_is_packed(accepts: bytes, wanted: bool) -> None:
    """As RFC 9110 has it; one who does not ask gets none."""
    assert takes_gzip(accepts) is wanted


@settings(max_examples=examples(300), deadline=None)
@given(st.binary(max_size=60) | st.text("gzip*;q=01., identy", max_size=40).map(str.encode))
def test_no_header_breaks_the_choice(accepts: bytes) -> None:
    """Whatever stands in it."""
    assert takes_gzip(accepts) in (True, False)


# --- pauses ---------------------------------------------------------------------------------------------------


class Paused(Admission):
    """A line that counts how often it was asked for a pause."""

    def __init__(self) -> None:
        super().__init__(1.0, 1.0)
        self.pauses = 0

    async def breathe(self, behind: str | None = None, cost: float = SLICE) -> None:
        """Notes it."""
        self.pauses += 1
        await super().breathe(behind, cost)


def asking(**headers: str) -> Exchange:
    """A request with these headers."""
    sent = [(b"host", b"x"), *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())]
    scope = {"method": "POST", "path": "/", "query_string": b"", "headers": sent, "http_version": "1.1"}
    return Exchange(scope, None, "id")  # type: ignore[arg-type]  # nothing is received


def test_both_ways_pause_after_each_piece() -> None:
    """So that neither holds the event loop for longer than a piece takes."""
    asyncio.run(both_ways())


async def both_ways() -> None:
    """Packs and unpacks, and counts pauses."""
    text = json.dumps(leads(20_000)).encode()
    line = Paused()
    reply = await packed(Reply(200, text), asking(accept_encoding="gzip"), line)
    assert gzip.decompress(reply.body) == text
    assert line.pauses >= len(text) // PIECE
    line = Paused()
    assert await unpacked(asking(content_encoding="gzip"), reply.body, len(text), line) == text
    assert line.pauses >= len(text) // PIECE


# --- the service ----------------------------------------------------------------------------------------------


def test_a_lead_in_gzip_is_scored_as_any_other(server: Server) -> None:
    """Alone, and in a batch."""
    plain = server.http.post("/api/v1/score", json=LEAD).json()
    answer = post(server, "/api/v1/score", gzip.compress(json.dumps(LEAD).encode()))
    assert answer.status_code == 200, answer.text
    assert answer.json()["score"] == plain["score"]
    sent = leads(500)
    answer = post(server, "/api/v1/score/batch", gzip.compress(json.dumps(sent).encode()))
    assert [place["score"] for place in answer.json()] == [
        place["score"] for place in server.http.post("/api/v1/score/batch", json=sent).json()
    ]


def test_the_protocols_of_model_servers_take_gzip_too(server: Server) -> None:
    """Each route that takes a body does."""
    answer = post(server, "/invocations", gzip.compress(b"1,2,0.1,1,0,0,0.4\n"), **{"Content-Type": "text/csv"})
    assert answer.status_code == 200, answer.text
    assert post(server, "/invocations", gzip.compress(json.dumps([LEAD]).encode())).json()[0]["score"]
    inputs = [
        {"name": feature.name, "shape": [1], "datatype": "BYTES" if feature.kind == "category" else "FP64", "data": [LEAD["features"][feature.name]]}
        for feature in SMALL.features if feature.kind != "flag"
    ] + [{"name": "decision_maker", "shape": [1], "datatype": "BOOL", "data": [True]}]  # fmt: skip
    answer = post(server, "/v2/models/small/infer", gzip.compress(json.dumps({"inputs": inputs}).encode()))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/api/v1/score", "/api/v1/score/batch", "/invocations", "/v2/models/small/infer"])
def test_what_is_no_gzip_is_refused_in_words(server: Server, path: str) -> None:
    """And another coding with the one that is taken."""
    whole = gzip.compress(json.dumps([LEAD]).encode())
    for sent in (b"", b"\x1f\x8b", b"{}", whole[:-1], whole + b"x", whole[:-8] + bytes(8), zlib.compress(b"[]")):
        answer = post(server, path, sent)
        assert answer.status_code == 400, (sent, answer.text)
        assert "not valid gzip" in answer.text
    answer = post(server, path, whole, **{"Content-Encoding": "br"})
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "gzip"
    assert "Content-Encoding must be gzip or absent, not 'br'" in answer.text


@pytest.mark.parametrize("path", ["/api/v1/score", "/api/v1/score/batch", "/invocations", "/v2/models/small/infer"])
def test_the_limit_counts_what_is_unpacked(server: Server, path: str) -> None:
    """A body that unpacks to more is refused, and the service lives on."""
    for content in (b" " * (LIMIT + 1), bytes(200_000_000)):
        answer = post(server, path, gzip.compress(content, 9))
        assert answer.status_code == 413
        assert "after decompression" in answer.text
    assert server.http.get("/health/ready").status_code == 200


def test_a_packed_lead_in_pieces_is_taken(server: Server) -> None:
    """As clients send it that do not know its length beforehand."""
    whole = gzip.compress(json.dumps(LEAD).encode())
    pieces = iter([whole[:5], whole[5:9], whole[9:]])
    answer = server.http.post("/api/v1/score", content=pieces, headers=JSON | {"Content-Encoding": "gzip"})
    assert answer.status_code == 200


def test_a_large_answer_is_packed_for_who_asks(server: Server) -> None:
    """With the same content; and a cache is told that it depends on that."""
    sent = leads(1000)
    answers = {
        asked: server.http.post(
            "/api/v1/score/batch", json=sent, headers={"Accept-Encoding": asked, "X-Request-ID": "same"}
        )
        for asked in ("gzip", "identity", "br", "gzip;q=0", "gzip, br")
    }
    plain = answers["identity"]
    assert int(plain.headers["content-length"]) > 8 * int(answers["gzip"].headers["content-length"])
    for asked, answer in answers.items():
        assert answer.content == plain.content
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers.get("content-encoding") == ("gzip" if asked in ("gzip", "gzip, br") else None)


def test_a_small_answer_is_never_packed(server: Server) -> None:
    """It fits into one flight of packets; nor is it said to vary."""
    for answer in (
        server.http.post("/api/v1/score", json=LEAD),
        server.http.post("/api/v1/score", json=lead(revenue=-1)),
    ):
        assert len(answer.content) < PAYS_FROM
        assert "gzip" in answer.request.headers["accept-encoding"]
        assert not {"content-encoding", "vary"} & set(answer.headers)


def test_descriptions_are_packed_too(server: Server) -> None:
    """Those that are large enough."""
    packed_ = {
        path
        for path in ("/openapi.json", "/docs", "/metrics", "/health")
        if "content-encoding" in server.http.get(path).headers
    }
    assert packed_ == {"/openapi.json", "/docs", "/metrics"}


def test_a_page_of_an_allowed_origin_gets_it_packed_too(server: Server) -> None:
    """On the way through CORS."""
    answer = server.http.post("/api/v1/score/batch", json=leads(300), headers={"Origin": "https://a.example"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()) == 300


def test_bodies_of_random_bytes_never_fail_the_service(server: Server) -> None:
    """They are refused."""
    random = Random(4)
    for _ in range(50):
        sent = gzip.compress(json.dumps(LEAD).encode())
        place = random.randrange(len(sent))
        assert post(server, "/api/v1/score", sent[:place] + random.randbytes(3) + sent[place + 3 :]).status_code in (
            200,
            400,
            413,
            422,
        )
    assert '"ERROR"' not in server.logged()


@pytest.mark.parametrize(
    ("reply", "is_packed_"),
    [
        (Reply(200, b"x" * PAYS_FROM), True),
        (Reply(200, b"x" * PAYS_FROM, b"text/csv; charset=utf-8"), True),
        (Reply(422, b"x" * PAYS_FROM, b"application/problem+json"), True),
        (Reply(200, b"x" * (PAYS_FROM - 1)), False),
        (Reply(200, b"x" * PAYS_FROM, b"application/octet-stream"), False),
        (Reply(200, b"x" * (AT_ONCE + 1)), False),
    ],
)
def test_an_answer_that_cannot_wait_is_packed_in_one_go_where_that_is_quick(reply: Reply, is_packed_: bool) -> None:
    """Such as that to a single lead with hundreds of reasons."""
    made = packed_at_once(reply, asking(accept_encoding="gzip"))
    assert ((b"content-encoding", b"gzip") in made.headers) is is_packed_
    assert (gzip.decompress(made.body) if is_packed_ else made.body) == reply.body
    assert not [value for name, value in packed_at_once(reply, asking()).headers if name == b"content-encoding"]

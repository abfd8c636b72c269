"""A request is known by its headers, and its body is read as far as it may be and no further."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.errors import (
    BodyTooLarge,
    HostNotClear,
    UnsupportedEncoding,
    UnsupportedMediaType,
    VersionNotSupported,
)
from leadscoring.transport.exchange import (
    ClientGone,
    Exchange,
    Message,
    Reply,
    collected,
    head,
    is_json,
    is_packed,
    request_id_in,
)
from leadscoring.transport.head import read_head

LIMIT = 100


def asking(*parts: bytes | None, version: str = "1.1", hosts: int = 1, **headers: str) -> Exchange:
    """A request whose body comes in these parts; with ``None`` its client hangs up."""
    sent = [(b"host", b"a")] * hosts + [
        (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
    ]
    coming = list(parts)

    async def receive() -> Message:
        part = coming.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(coming)}

    scope = {"method": "POST", "path": "/x", "query_string": b"a=1", "headers": sent, "http_version": version}
    return Exchange(scope, receive, "ours")


def body_of(exchange: Exchange, limit: int = LIMIT) -> bytes:
    """Its body."""
    return asyncio.run(exchange.json_body(limit))


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_a_body_is_the_same_however_it_arrives_and_never_over_its_limit(parts: list[bytes]) -> None:
    """In one part or in many, some of them empty."""
    whole = b"".join(parts)
    if len(whole) <= LIMIT:
        assert body_of(asking(*parts)) == whole
    else:
        with pytest.raises(BodyTooLarge):
            body_of(asking(*parts))


def test_a_body_that_is_announced_as_too_large_is_not_waited_for() -> None:
    """Nothing of it is read."""
    with pytest.raises(BodyTooLarge):
        body_of(asking(content_length=str(LIMIT + 1)))


@pytest.mark.parametrize("parts", [(None,), (b"a", None), (b"a", b"b", None)])
def test_a_client_that_hangs_up_ends_the_reading(parts: tuple[bytes | None, ...]) -> None:
    """Before its body or in the middle of it."""
    with pytest.raises(ClientGone):
        body_of(asking(*parts))


def test_a_request_that_is_all_there_is_known_as_any_other() -> None:
    """Nothing has to be received."""
    sent = b"POST /x?a=1 HTTP/1.1\r\nHost: a\r\nX-API-Key: k\r\nX-Request-ID: mine\r\nContent-Length: 2\r\n\r\n"
    whole = read_head(sent)
    assert whole is not None
    at_once = Exchange.whole(whole, b"{}", "ours", 0.0)
    parsed = asking(b"{}", x_api_key="k", x_request_id="mine", content_length="2")
    for name in ("method", "path", "query", "presented_key", "content_type", "content_length", "request_id", "unusual"):
        assert getattr(at_once, name) == getattr(parsed, name), name
    assert body_of(at_once) == body_of(parsed) == b"{}"


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/problem+json", True),
        ("text/json", False),
        ("application/jsonl", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_a_body_must_be_announced_as_json_or_as_nothing(kind: str, taken: bool) -> None:
    """With or without parameters."""
    assert is_json(kind.encode()) is taken
    if taken:
        assert body_of(asking(b"1", content_type=kind)) == b"1"
    else:
        with pytest.raises(UnsupportedMediaType):
            body_of(asking(b"1", content_type=kind))


def test_a_body_of_another_kind_is_read_where_it_is_allowed() -> None:
    """JSON only where that is among them; whoever reads on knows what it is."""
    exchange = asking(b"1", content_type="text/CSV; header=present")
    assert asyncio.run(exchange.body(LIMIT, (b"text/csv",))) == b"1"
    with pytest.raises(UnsupportedMediaType, match="text/csv, text/plain"):
        asyncio.run(asking(b"1", content_type="application/json").body(LIMIT, (b"text/csv", b"text/plain")))
    assert asyncio.run(asking(b"1").body(LIMIT, (b"text/csv",))) == b"1"


@pytest.mark.parametrize(
    ("named", "is_it"),
    [
        (b"gzip", True),
        (b"GZip", True),
        (b"x-gzip", True),
        (b" gzip ", True),
        (b"identity", False),
        (b"", False),
        (b"gzip, identity", True),
    ],
)
def test_a_coding_goes_by_its_name(named: bytes, is_it: bool) -> None:
    """In any case, also by its old name."""
    assert is_packed(named) is is_it


@pytest.mark.parametrize("named", [b"br", b"deflate", b"zstd", b"compress", b"gzip, gzip", b"gzip, br", b"\xff", b"*"])
def test_another_coding_is_refused(named: bytes) -> None:
    """Also gzip in gzip."""
    with pytest.raises(UnsupportedEncoding):
        is_packed(named)


@pytest.mark.parametrize(
    ("named", "kept"),
    [("a.B-1:c_d", True), ("x" * 128, True), ("x" * 129, False), ("", False), ('a"b', False), ("a b", False)],
)
def test_the_id_of_a_client_is_kept_where_it_is_sane(named: str, kept: bool) -> None:
    """It stands in logs and headers."""
    exchange = asking(x_request_id=named)
    assert exchange.request_id == (named if kept else "ours")
    assert request_id_in(exchange.scope) == (named if kept else "")


@pytest.mark.parametrize(
    ("version", "hosts", "unusual", "error"),
    [
        ("1.1", 1, False, None),
        ("1.0", 1, True, None),
        ("1.0", 0, True, None),
        ("1.1", 0, True, HostNotClear),
        ("1.1", 2, True, HostNotClear),
        ("1.0", 2, True, HostNotClear),
        ("2.0", 1, True, VersionNotSupported),
    ],
)
def test_what_needs_a_closer_look_is_known_from_the_head(
    version: str, hosts: int, unusual: bool, error: type[Exception] | None
) -> None:
    """And what it is refused for."""
    exchange = asking(version=version, hosts=hosts)
    assert exchange.unusual is unusual
    if error is None:
        exchange.check_protocol()
        return
    with pytest.raises(error):
        exchange.check_protocol()


def test_of_a_header_that_comes_twice_the_last_counts() -> None:
    """Two that are no Host make no request unusual; a page's origin does."""
    twice = Exchange({"method": "GET", "path": "/", "query_string": b"", "http_version": "1.1",
                      "headers": [(b"host", b"a"), (b"x-api-key", b"1"), (b"x-api-key", b"2")]}, asking().receive, "id")  # fmt: skip
    assert (twice.presented_key, twice.header(b"x-api-key"), twice.unusual) == (b"2", b"2", False)
    assert asking(origin="https://a").unusual


def test_a_reply_goes_through_messages_and_back() -> None:
    """Its type, its status and its own headers; one without a type is no reply."""
    reply = Reply(503, b"no", b"text/plain", ((b"retry-after", b"1"),))
    start: Any = head(reply, "mine")
    assert dict(start["headers"])[b"content-length"] == b"2"
    found = collected(start, {"type": "http.response.body", "body": b"no"})
    assert found is not None
    assert (found.status, found.body, found.media_type) == (reply.status, reply.body, reply.media_type)
    assert found.headers == ((b"x-request-id", b"mine"), (b"retry-after", b"1"))
    assert collected({"type": "", "status": 200, "headers": []}, {"type": ""}) is None

"""One request and its reply, independent of any web framework."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

import msgspec

from leadscoring.errors import (
    BodyTooLarge,
    HostNotClear,
    UnsupportedEncoding,
    UnsupportedMediaType,
    VersionNotSupported,
)
from leadscoring.transport.head import Head

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}").fullmatch
JSON = b"application/json"

GZIP_NAMES = ("gzip", "x-gzip")
"""The current and the legacy name of gzip."""

CUT = "leadscoring.cut"
"""Our server's ASGI extension that aborts the connection."""

CLOSE = (b"connection", b"close")
"""The header that closes the connection after a reply."""

IN_ONE_WRITE = "leadscoring.in_one_write"
"""Our server's ASGI extension that sends a complete reply in one write, if the scope has it."""

BEGAN, WAITED = "leadscoring.began", "leadscoring.waited"
"""The keys in the scope of a queued request for its arrival time, by ``perf_counter``, and for how long it waited."""

DROPPED = "leadscoring.dropped"
"""Our server's ASGI extension that discards the rest of the body, if the scope has it."""


class ClientGone(Exception):  # not a domain error: the client disconnected
    """The client disconnected before its request was complete or its answer was sent."""


class Reply(msgspec.Struct, frozen=True, gc=False):
    """The answer to a request."""

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class StreamedReply(Reply, frozen=True, kw_only=True, gc=True):
    """An answer in ``parts``, each produced when the client has taken the previous ones.

    ``patience`` is for how many seconds the client may take none; ``at_once`` is the maximum number of leads if the
    answer has to be sent in one piece.
    """

    parts: AsyncGenerator[bytes, None]
    patience: float
    at_once: int


class Exchange:
    """The state of one request: its relevant headers, and the fields for the access log.

    ``unusual`` marks a request that needs further checks: sent from a web page, not HTTP/1.1, or without exactly one
    Host header. ``kept`` is the memory reserved for it, as (key, bytes); ``waited`` is its time in queues, in seconds.
    """

    __slots__ = (
        "arrived", "began", "content_encoding", "content_length", "content_type", "endpoint", "error",
        "headers", "kept", "key", "leads", "method", "path", "presented_key", "query",
        "receive", "refused", "request_id", "scope", "unusual", "waited",
    )  # fmt: skip

    headers: Mapping[bytes, bytes]
    receive: Receive
    scope: Scope

    def __init__(self, scope: Scope, receive: Receive, request_id: str, began: float = 0.0) -> None:
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.arrived: bytes | None = None
        sent = scope["headers"]
        headers = dict(sent)  # a single call; the last of repeated headers counts
        self._begin(headers, request_id, began)
        self.waited: float = scope.get(WAITED, 0.0)
        self.unusual = (
            b"origin" in headers
            or b"host" not in headers
            or scope["http_version"] != "1.1"
            or (len(headers) != len(sent) and hosts(sent) > 1)
        )

    @classmethod
    def whole(cls, head: Head, body: bytes, request_id: str, began: float) -> "Exchange":
        """Creates the exchange of a complete plain request, which has no ``scope`` and nothing to ``receive``."""
        exchange = cls.__new__(cls)
        exchange.method, exchange.path, exchange.query = head.method, head.path, head.query
        exchange.arrived = body
        exchange.unusual = False
        exchange._begin(head.headers, request_id, began)
        exchange.waited = head.waited
        return exchange

    def _begin(self, headers: Mapping[bytes, bytes], request_id: str, began: float) -> None:
        self.headers = headers
        self.began = began
        self.request_id = request_id
        self.endpoint = "unknown"
        self.key: str | None = None
        self.kept: tuple[str, int] | None = None
        self.leads = 0
        self.error: str | None = None
        self.refused: dict[str, int] | None = None
        self.presented_key: bytes | None = headers.get(b"x-api-key")
        self.content_type: bytes | None = headers.get(b"content-type")
        self.content_length: bytes | None = headers.get(b"content-length")
        self.content_encoding: bytes | None = headers.get(b"content-encoding")
        named = headers.get(b"x-request-id")
        if named is not None and SANE_REQUEST_ID(named):
            self.request_id = named.decode()

    def check_protocol(self) -> None:
        """Raises ``VersionNotSupported`` or ``HostNotClear`` for a request that violates HTTP/1.1 or 1.0."""
        version, count = self.scope["http_version"], hosts(self.scope["headers"])
        if version not in ("1.0", "1.1"):
            raise VersionNotSupported(version)
        if count > 1 or (version == "1.1" and not count):
            raise HostNotClear(count)

    async def json_body(self, limit: int) -> bytes:
        """Reads the whole body of a JSON request, still compressed if it has a Content-Encoding.

        Raises ``UnsupportedMediaType`` for another media type, ``UnsupportedEncoding`` for a content encoding other
        than gzip, ``BodyTooLarge`` as soon as the body is known to exceed ``limit`` bytes, and ``ClientGone`` if the
        client disconnects.
        """
        kind = self.content_type
        if kind is not None and kind != JSON and not is_json(kind):
            raise UnsupportedMediaType(kind[:80].decode("latin-1"))
        if self.content_encoding is not None:
            is_packed(self.content_encoding)
        if self.content_length is not None and int(self.content_length) > limit:
            raise BodyTooLarge(limit)
        if self.arrived is not None:
            return self.arrived
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body: bytes = message.get("body", b"")
        if len(body) <= limit and not message.get("more_body", False):
            return body
        return await self._rest_of_body(body, limit)

    async def body(self, limit: int, kinds: tuple[bytes, ...]) -> bytes:
        """Reads the whole body if its media type is one of ``kinds`` or missing; raises as ``json_body`` does.

        Afterwards the exchange has no content type, so that the body can be read on as JSON.
        """
        kind = self.content_type
        if kind is not None and not (JSON in kinds and is_json(kind)):
            plain = kind.split(b";", 1)[0].strip().lower()
            if plain not in kinds:
                allowed = b", ".join(kinds).decode()
                raise UnsupportedMediaType(kind[:80].decode("latin-1"), allowed)
        self.content_type = None
        return await self.json_body(limit)

    def header(self, name: bytes) -> bytes | None:
        """A header that few routes need, by its lower-case name; the last one if it is repeated."""
        return self.headers.get(name)

    async def _rest_of_body(self, first: bytes, limit: int) -> bytes:
        parts, size, more = [first], len(first), True
        while more:
            if size > limit:
                raise BodyTooLarge(limit)
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            parts.append(part)
            size += len(part)
            more = message.get("more_body", False)
        if size > limit:
            raise BodyTooLarge(limit)
        return b"".join(parts)


def request_id_in(scope: Scope) -> str:
    """The request id from the headers if it is valid, else empty; the last one if it is repeated."""
    named: bytes = dict(scope["headers"]).get(b"x-request-id", b"")
    return named.decode() if SANE_REQUEST_ID(named) else ""


def hosts(headers: list[tuple[bytes, bytes]]) -> int:
    """The number of Host headers."""
    return sum(name == b"host" for name, _ in headers)


def is_json(content_type: bytes) -> bool:
    """Whether a Content-Type is JSON, with or without parameters."""
    kind = content_type.split(b";", 1)[0].strip().lower()
    return kind == JSON or (kind.startswith(b"application/") and kind.endswith(b"+json"))


@lru_cache(maxsize=64)
def is_packed(encoding: bytes) -> bool:
    """Whether a Content-Encoding is gzip. Raises ``UnsupportedEncoding`` for any other coding but identity."""
    named = [name.strip().lower() for name in encoding.decode("latin-1").split(",")]
    codings = [name for name in named if name not in ("", "identity")]
    if len(codings) > 1 or any(name not in GZIP_NAMES for name in codings):
        raise UnsupportedEncoding(encoding[:80].decode("latin-1"))
    return bool(codings)


def collected(start: Message, body: Message) -> Reply | None:
    """Combines the two ASGI messages of a complete answer; ``None`` if they have no content type."""
    kind, headers = None, []
    for name, value in start["headers"]:
        if name == b"content-type":
            kind = value
        elif name != b"content-length":
            headers.append((name, value))
    return Reply(start["status"], body.get("body", b""), kind, tuple(headers)) if kind is not None else None


def head(reply: Reply, request_id: str) -> Message:
    """The first ASGI message of a reply."""
    headers = [
        (b"content-type", reply.media_type),
        (b"content-length", b"%d" % len(reply.body)),
        (b"x-request-id", request_id.encode()),
        *reply.headers,
    ]
    return {"type": "http.response.start", "status": reply.status, "headers": headers}

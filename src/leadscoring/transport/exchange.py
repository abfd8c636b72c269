"""One request and its reply, below any framework: what the scoring routes work with."""

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
"""What the one coding is called, today and in the old days."""

CUT = "leadscoring.cut"
"""The extension of our own server that ends the connection at once, with nothing more said."""

CLOSE = (b"connection", b"close")
"""The header of a reply after which its connection is closed."""

IN_ONE_WRITE = "leadscoring.in_one_write"
"""The extension of our own server that takes a whole reply, where the scope has it."""

BEGAN, WAITED = "leadscoring.began", "leadscoring.waited"
"""Where the scope of a request that was left unread has when it came, by ``perf_counter``, and for how long it was."""

DROPPED = "leadscoring.dropped"
"""The extension of our own server that lets go of a body which nobody will read, where the scope has it."""


class ClientGone(Exception):  # not an error of ours: the caller hung up
    """The client closed the connection before its request was read."""


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What to send back."""

    status: int
    body: bytes
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class StreamedReply(Reply, frozen=True, kw_only=True, gc=True):
    """What to send back in ``parts``, of which each is made when the client has taken those before.

    ``patience`` is for how many seconds the client may take none, ``at_once`` how many leads it may be about for a
    client that takes it whole.
    """

    parts: AsyncGenerator[bytes, None]
    patience: float
    at_once: int


class Exchange:
    """What is known of one request: its headers of interest, and what there is to log of it.

    ``unusual`` says that it needs a closer look: sent by a browser's page, not of HTTP/1.1, or without a clear Host;
    ``kept`` how many bytes it has reserved, and for which key; ``waited`` for how many seconds it had to wait.
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
        headers = dict(sent)  # one call; of a header that came twice, the last counts
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
        """A request that is plain and all there; it has no ``scope``, and nothing more to ``receive``."""
        made = cls.__new__(cls)
        made.method, made.path, made.query = head.method, head.path, head.query
        made.arrived = body
        made.unusual = False
        made._begin(head.headers, request_id, began)
        made.waited = head.waited
        return made

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
        """Raises ``VersionNotSupported`` or ``HostNotClear`` for a request that is no sound one of HTTP/1.1 or 1.0."""
        version, given = self.scope["http_version"], hosts(self.scope["headers"])
        if version not in ("1.0", "1.1"):
            raise VersionNotSupported(version)
        if given > 1 or (version == "1.1" and not given):
            raise HostNotClear(given)

    async def json_body(self, limit: int) -> bytes:
        """The whole body, announced as JSON, as it arrives: a Content-Encoding is for ``compression`` to undo.

        Raises ``UnsupportedMediaType`` for another kind, ``UnsupportedEncoding`` for one that is compressed in another
        way than gzip, ``BodyTooLarge`` as soon as it is known to be over ``limit`` bytes, ``ClientGone`` when the
        client hangs up.
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
        """The whole body, announced as one of these kinds, or as none; errors as in ``json_body``.

        From then on the exchange counts as one of JSON: whoever reads the body on knows what it is.
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
        """A header that few routes look at, by its name in lower case; of one that came twice, the last."""
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
    """The id that a request brings, where it is sane; of two the last counts."""
    named: bytes = dict(scope["headers"]).get(b"x-request-id", b"")
    return named.decode() if SANE_REQUEST_ID(named) else ""


def hosts(headers: list[tuple[bytes, bytes]]) -> int:
    """How many Host headers there are."""
    return sum(name == b"host" for name, _ in headers)


def is_json(content_type: bytes) -> bool:
    """Whether a Content-Type says JSON, with or without parameters."""
    kind = content_type.split(b";", 1)[0].strip().lower()
    return kind == JSON or (kind.startswith(b"application/") and kind.endswith(b"+json"))


@lru_cache(maxsize=64)
def is_packed(encoding: bytes) -> bool:
    """Whether a Content-Encoding says gzip. Raises ``UnsupportedEncoding`` when it says something else than nothing."""
    named = [name.strip().lower() for name in encoding.decode("latin-1").split(",")]
    codings = [name for name in named if name not in ("", "identity")]
    if len(codings) > 1 or any(name not in GZIP_NAMES for name in codings):
        raise UnsupportedEncoding(encoding[:80].decode("latin-1"))
    return bool(codings)


def collected(start: Message, body: Message) -> Reply | None:
    """The two messages of a whole answer as one reply; nothing where they do not name its type."""
    kind, headers = None, []
    for name, value in start["headers"]:
        if name == b"content-type":
            kind = value
        elif name != b"content-length":
            headers.append((name, value))
    return Reply(start["status"], body.get("body", b""), kind, tuple(headers)) if kind is not None else None


def head(reply: Reply, request_id: str) -> Message:
    """The first message of a reply."""
    headers = [
        (b"content-type", reply.media_type),
        (b"content-length", b"%d" % len(reply.body)),
        (b"x-request-id", request_id.encode()),
        *reply.headers,
    ]
    return {"type": "http.response.start", "status": reply.status, "headers": headers}

"""gzip: decompresses request bodies, and compresses answers for clients that accept it.

Both work in pieces, between which the event loop runs. Decompression stops at the size limit, so a decompression bomb
costs no more than the largest allowed body.
"""

import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import lru_cache
from time import perf_counter

from leadscoring.errors import BodyTooLarge, MalformedEncoding
from leadscoring.transport.admission import Admission
from leadscoring.transport.exchange import GZIP_NAMES, Exchange, Reply, is_packed

GZIP = 31
"""zlib's ``wbits`` for gzip: a window of 2**15 bytes, with gzip's header and checksum."""

LEVEL = 3
"""A batch's answer of 738 kB shrinks to 67 kB in 2.3 ms at level 3, 78 kB in 2.1 ms at level 1, 53 kB in 9.6 ms at
level 6."""

PAYS_FROM = 14_336
"""Minimum size in bytes of an answer to compress: a smaller one fits into TCP's initial window of ten packets
anyway."""

AT_ONCE = 262_144
"""Maximum size in bytes of an answer that is compressed without pausing."""

PIECE = 65_536
"""Bytes processed between two pauses, about 0.2 ms."""

MOST_RATIO = 1032
"""Maximum compression ratio of gzip."""

MOST_MEMBERS = 1000
"""Maximum number of gzip members in one body: each has a fixed cost, and an empty one takes only 20 bytes."""

Handler = Callable[[Exchange], Awaitable[Reply]]


async def unpacked(exchange: Exchange, body: bytes, limit: int, admission: Admission) -> bytes:
    """Decompresses the body according to its Content-Encoding.

    Raises ``UnsupportedEncoding`` for any coding but gzip, ``MalformedEncoding`` for a body that is not gzip, and
    ``BodyTooLarge`` as soon as the output exceeds ``limit`` bytes.
    """
    if not is_packed(exchange.content_encoding or b""):
        return body
    caller = exchange.key or ""
    if admission.crowded:
        await admission.turn(exchange, len(body))
    await admission.kept.reserve(exchange, min(limit, MOST_RATIO * len(body)))
    unpacking, parts = Unpacking(limit), []
    for start in range(0, len(body), PIECE):
        unpacking.feed(body[start : start + PIECE])
        while True:
            began = perf_counter()
            part = unpacking.part()
            took = perf_counter() - began
            admission.spend(took)
            if part is None:
                break
            parts.append(part)
            # queued by caller: the cost cannot be known from the compressed size
            await admission.breathe(behind=caller, cost=took)
    unpacking.end()
    admission.kept.shrink(exchange, unpacking.size)
    exchange.content_encoding = None
    return b"".join(parts)


class Unpacking:
    """Incremental decompression of one body, in parts of at most ``PIECE`` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.size = 0
        self._members = 0
        self._stream = zlib.decompressobj(GZIP)
        self._data = b""
        self._begun = False

    def feed(self, data: bytes) -> None:
        """Takes the next compressed bytes; all parts of the previous ones must have been read."""
        self._data = data

    def part(self) -> bytes | None:
        """Decompresses the next part, which may be empty; ``None`` if the input is exhausted.

        Raises ``MalformedEncoding`` or ``BodyTooLarge``.
        """
        if self._stream.eof and self._data:
            self._next_member()
        if not self._data and not self._begun:
            return None
        try:
            part = self._stream.decompress(self._data, PIECE)
        except zlib.error as failure:
            raise MalformedEncoding(self._reason(failure)) from None
        self._begun = bool(part) and not self._stream.eof  # the stream may hold more output
        self._data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        self.size += len(part)
        if self.size > self._limit:
            raise BodyTooLarge(self._limit, unpacked=True)
        return part

    def end(self) -> None:
        """Raises ``MalformedEncoding`` if the body is truncated."""
        if not self._stream.eof:
            raise MalformedEncoding("it ends in the middle")

    def _next_member(self) -> None:
        self._members += 1
        if self._members >= MOST_MEMBERS:
            raise MalformedEncoding(f"it has more than {MOST_MEMBERS} members")
        self._stream = zlib.decompressobj(GZIP)

    def _reason(self, failure: zlib.error) -> str:
        """The reason in words: zlib's messages begin with an error number."""
        if self._members and "header" in str(failure):
            return "something that is not gzip follows its end"
        return str(failure).partition(": ")[2] or str(failure)


def compressing(handler: Handler, admission: Admission) -> Handler:
    """Wraps a handler so that large answers are compressed for clients that accept it."""

    async def respond(exchange: Exchange) -> Reply:
        return await packed(await handler(exchange), exchange, admission)

    return respond


async def packed(reply: Reply, exchange: Exchange, admission: Admission) -> Reply:
    """Compresses the reply, with pauses, if that is worthwhile and the client accepts it."""
    if not worth_packing(reply):
        return reply
    if not takes_gzip(exchange.header(b"accept-encoding") or b""):
        return varying(reply)
    packer, parts, body = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP), [], reply.body
    for start in range(0, len(body), PIECE):
        began = perf_counter()
        parts.append(packer.compress(body[start : start + PIECE]))
        admission.spend(perf_counter() - began)
        await admission.breathe()
    parts.append(packer.flush())
    return in_gzip(reply, b"".join(parts))


async def packed_parts(parts: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Compresses the parts of an answer; each can be decompressed as soon as it arrives."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    async with aclosing(parts):
        async for part in parts:
            yield packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
        yield packer.flush()


def packed_at_once(reply: Reply, exchange: Exchange) -> Reply:
    """Compresses without pausing an answer of up to ``AT_ONCE`` bytes; a larger one is not compressed."""
    if not worth_packing(reply) or len(reply.body) > AT_ONCE:
        return reply
    if not takes_gzip(exchange.header(b"accept-encoding") or b""):
        return varying(reply)
    return in_gzip(reply, zlib.compress(reply.body, LEVEL, GZIP))


def worth_packing(reply: Reply) -> bool:
    """Whether the type and size of a reply make compression worthwhile."""
    if len(reply.body) < PAYS_FROM:
        return False
    kind = reply.media_type.partition(b";")[0]
    return kind.startswith(b"text/") or kind.endswith((b"json", b"jsonl", b"jsonlines"))


def in_gzip(reply: Reply, body: bytes) -> Reply:
    """The reply with its compressed body."""
    headers = ((b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"), *reply.headers)
    return Reply(reply.status, body, reply.media_type, headers)


def varying(reply: Reply) -> Reply:
    """The uncompressed reply with a Vary header, for caches: other clients may get it compressed."""
    return Reply(reply.status, reply.body, reply.media_type, ((b"vary", b"Accept-Encoding"), *reply.headers))


@lru_cache(maxsize=256)
def takes_gzip(accepts: bytes) -> bool:
    """Whether an Accept-Encoding allows gzip and does not prefer identity (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for entry in accepts.decode("latin-1").lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        weights[name] = weight_in(parameters)
    rest = weights.get("*", 0.0)
    gzip = max((weights[name] for name in GZIP_NAMES if name in weights), default=rest)
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def weight_in(parameters: list[str]) -> float:
    """The quality value among the parameters of an entry; 1 by default, 0 if it is invalid."""
    value = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0

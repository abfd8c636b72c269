"""gzip on the wire: bodies that arrive packed, and answers that are packed where the client asks for it.

Both are done in pieces, between which the event loop does everything else. A body is unpacked up to its limit and no
further, so that a small one which unpacks to a huge one costs no more than one of the largest size allowed.
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
"""What zlib calls gzip: a window of 2**15 bytes, with gzip's head and checksum."""

LEVEL = 3
"""Of a batch's answer of 738 kB, level 3 leaves 67 kB in 2.3 ms; level 1 78 kB in 2.1 ms, level 6 53 kB in 9.6 ms."""

PAYS_FROM = 14_336
"""Bytes of an answer from which packing pays: what is smaller is sent in one flight of ten packets anyway."""

AT_ONCE = 262_144
"""Bytes of an answer that may be packed without a pause, where none can be made."""

PIECE = 65_536
"""Bytes between two pauses; a piece takes about 0.2 ms."""

MOST_RATIO = 1032
"""Bytes that one byte of gzip can become."""

MOST_MEMBERS = 1000
"""Parts that one body may be packed in; each costs its own start, and an empty one has but 20 bytes."""

Handler = Callable[[Exchange], Awaitable[Reply]]


async def unpacked(exchange: Exchange, body: bytes, limit: int, admission: Admission) -> bytes:
    """The body as it is without its Content-Encoding.

    Raises ``UnsupportedEncoding`` for any but gzip, ``MalformedEncoding`` for a body that is not gzip, and
    ``BodyTooLarge`` as soon as more than ``limit`` bytes come out of it.
    """
    if not is_packed(exchange.content_encoding or b""):
        return body
    caller = exchange.key or ""
    if admission.crowded:
        await admission.turn(len(body), exchange.began, caller)
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
            # in its caller's line: what it takes cannot be known from the bytes that came
            await admission.breathe(behind=caller, cost=took)
    unpacking.end()
    admission.kept.shrink(exchange, unpacking.size)
    exchange.content_encoding = None
    return b"".join(parts)


class Unpacking:
    """One body on its way out of gzip: fed with pieces, it gives parts of at most ``PIECE`` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.size = 0
        self._members = 0
        self._stream = zlib.decompressobj(GZIP)
        self._data = b""
        self._begun = False

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the body; all parts of those before were given."""
        self._data = data

    def part(self) -> bytes | None:
        """The next part of what was fed, which may be empty; ``None`` when there is no more of it."""
        if self._stream.eof and self._data:
            self._next_member()
        if not self._data and not self._begun:
            return None
        try:
            part = self._stream.decompress(self._data, PIECE)
        except zlib.error as failure:
            raise MalformedEncoding(self._reason(failure)) from None
        self._begun = bool(part) and not self._stream.eof  # more may come of what the stream has taken in
        self._data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        self.size += len(part)
        if self.size > self._limit:
            raise BodyTooLarge(self._limit, unpacked=True)
        return part

    def end(self) -> None:
        """Raises ``MalformedEncoding`` when the body has ended before what is packed in it."""
        if not self._stream.eof:
            raise MalformedEncoding("it ends in the middle")

    def _next_member(self) -> None:
        self._members += 1
        if self._members >= MOST_MEMBERS:
            raise MalformedEncoding(f"it has more than {MOST_MEMBERS} members")
        self._stream = zlib.decompressobj(GZIP)

    def _reason(self, failure: zlib.error) -> str:
        """What is wrong, in words: zlib's begin with a number."""
        if self._members and "header" in str(failure):
            return "something that is not gzip follows its end"
        return str(failure).partition(": ")[2] or str(failure)


def compressing(handler: Handler, admission: Admission) -> Handler:
    """A handler whose answers are packed where that pays and the client asks for it."""

    async def respond(exchange: Exchange) -> Reply:
        return await packed(await handler(exchange), exchange, admission)

    return respond


async def packed(reply: Reply, exchange: Exchange, admission: Admission) -> Reply:
    """The reply, packed where that pays and the client asks for it."""
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
    """The parts of an answer, packed; each can be unpacked as soon as it has come."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    async with aclosing(parts):
        async for part in parts:
            yield packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
        yield packer.flush()


def packed_at_once(reply: Reply, exchange: Exchange) -> Reply:
    """The same without a pause, for an answer of at most ``AT_ONCE`` bytes; a larger one stays as it is."""
    if not worth_packing(reply) or len(reply.body) > AT_ONCE:
        return reply
    if not takes_gzip(exchange.header(b"accept-encoding") or b""):
        return varying(reply)
    return in_gzip(reply, zlib.compress(reply.body, LEVEL, GZIP))


def worth_packing(reply: Reply) -> bool:
    """Whether a reply is of a kind and a size that packing makes smaller."""
    if len(reply.body) < PAYS_FROM:
        return False
    kind = reply.media_type.partition(b";")[0]
    return kind.startswith(b"text/") or kind.endswith((b"json", b"jsonl"))


def in_gzip(reply: Reply, body: bytes) -> Reply:
    """The reply with its packed body."""
    headers = ((b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"), *reply.headers)
    return Reply(reply.status, body, reply.media_type, headers)


def varying(reply: Reply) -> Reply:
    """The reply as it is, for caches: another client may get it packed."""
    return Reply(reply.status, reply.body, reply.media_type, ((b"vary", b"Accept-Encoding"), *reply.headers))


@lru_cache(maxsize=256)
def takes_gzip(accepts: bytes) -> bool:
    """Whether an Accept-Encoding allows gzip, and prefers nothing before it that is served (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for entry in accepts.decode("latin-1").lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        weights[name] = weight_in(parameters)
    rest = weights.get("*", 0.0)
    gzip = max((weights[name] for name in GZIP_NAMES if name in weights), default=rest)
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def weight_in(parameters: list[str]) -> float:
    """The weight among the parameters of an entry, 1 where none is given; one that is no number counts as 0."""
    given = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        weight = float(given)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0

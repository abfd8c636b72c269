"""Fast path for plain request heads, without the full parser.

It serves two purposes: rejecting a request must be nearly free, and a request that can be answered at once should
cost no more than necessary. Anything unusual is left to the parser, so that the two never disagree on where a request
ends.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

plain_head = re.compile(
    rb"(POST|GET) ([!-\"$->@-~]+)(?:\?([!-\"$-~]*))? HTTP/1\.1((?:\r\n[A-Za-z0-9-]+:[\t -~]*)+)\r\n\r\n"
).fullmatch

UNUSUAL = frozenset((b"transfer-encoding", b"expect", b"upgrade", b"origin", b"proxy-connection", b"content-encoding"))
"""Headers that need the full parser: the body has no known length or is compressed, or the answer needs more
headers."""

END = b"\r\n\r\n"
REMEMBERED = 1024
"""Maximum size in bytes of a cached head."""

LONGEST_LENGTH = 10
"""Maximum digits of a Content-Length."""


class Head(NamedTuple):
    """The parsed head of a plain request."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    """By lower-case name; none is repeated."""
    size: int
    """Size of the head in bytes."""
    body: int
    """Size of the body in bytes."""
    waited: float = 0.0
    """Seconds for which the request waited unread."""


def read_head(data: bytes) -> Head | None:
    """Parses the head at the start of ``data``; ``None`` if it is incomplete or not plain."""
    size = data.find(END) + len(END)
    if size < len(END):
        return None
    return remembered(data[:size]) if size <= REMEMBERED else parsed(data[:size])


def parsed(head: bytes) -> Head | None:
    """Parses a complete head; ``None`` if it is not plain."""
    match = plain_head(head)
    if match is None:
        return None
    headers: dict[bytes, bytes] = {}
    for line in match[4].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in headers or name in UNUSUAL:
            return None
        headers[name] = value.strip()
    length = headers.get(b"content-length", b"") if match[1] == b"POST" else b"0"
    if (
        (match[1] == b"GET" and b"content-length" in headers)
        or not length.isdigit()
        or len(length) > LONGEST_LENGTH
        or b"host" not in headers
    ):
        return None
    if headers.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    method, path = match[1].decode("ascii"), match[2].decode("ascii")
    return Head(method, path, match[3] or b"", MappingProxyType(headers), len(head), int(length))


remembered = lru_cache(maxsize=512)(parsed)
"""Cached, because most clients repeat the same head. A cache miss costs a third of a microsecond."""

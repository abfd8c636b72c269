"""The plainest head of a request, read without the parser: what is known of it at once, or nothing.

Two ways need it: a request that is refused must cost next to nothing, and one that can be answered at once need not
pay for more. Anything unusual is left to the parser, so that the two never see different ends of a request.
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
"""Headers of a request that takes the long way: its body has no told length, or is compressed; or its answer needs more
headers."""

END = b"\r\n\r\n"
REMEMBERED = 1024
"""Bytes of a head that may be remembered, at most."""

LONGEST_LENGTH = 10
"""Digits of a Content-Length that is believed."""


class Head(NamedTuple):
    """What the first bytes of a request say: where it wants to go, and where it ends."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    """By their names in lower case; none came twice."""
    size: int
    """Bytes of the head itself."""
    body: int
    """Bytes that follow it."""
    waited: float = 0.0
    """Seconds for which the request was left unread."""


def read_head(data: bytes) -> Head | None:
    """The head at the start of ``data``; ``None`` when it is not all there, or not of the plain kind."""
    size = data.find(END) + len(END)
    if size < len(END):
        return None
    return remembered(data[:size]) if size <= REMEMBERED else parsed(data[:size])


def parsed(head: bytes) -> Head | None:
    """A whole head."""
    found = plain_head(head)
    if found is None:
        return None
    headers: dict[bytes, bytes] = {}
    for line in found[4].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in headers or name in UNUSUAL:
            return None
        headers[name] = value.strip()
    length = headers.get(b"content-length", b"") if found[1] == b"POST" else b"0"
    if (
        (found[1] == b"GET" and b"content-length" in headers)
        or not length.isdigit()
        or len(length) > LONGEST_LENGTH
        or b"host" not in headers
    ):
        return None
    if headers.get(b"connection", b"keep-alive").lower() != b"keep-alive":
        return None
    method, path = found[1].decode("ascii"), found[2].decode("ascii")
    return Head(method, path, found[3] or b"", MappingProxyType(headers), len(head), int(length))


remembered = lru_cache(maxsize=512)(parsed)
"""Most clients send the same head again and again. Whoever does not pays for it with a third of a microsecond."""

"""Requests that offer another protocol are answered as if they had not: HTTP/1.1 allows that (RFC 9110, 7.8).

The parser below uvicorn believes every offer, and reads no body after it. Java's own client offers HTTP/2 with its
first request on every plain connection, so without this its first lead would be lost. The parser says where such a
head ended; the same head without the offer is then read by another parser, and with it everything that follows.
"""

from collections.abc import Iterable

OFFER = b"upgrade"


def without_offer(method: bytes, target: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of a request of which everything was read, without its ``Upgrade``."""
    lines = [b"%b: %b" % header for header in headers if header[0] != OFFER]
    return b"\r\n".join((b"%b %b HTTP/%b" % (method, target, version.encode()), *lines, b"", b""))

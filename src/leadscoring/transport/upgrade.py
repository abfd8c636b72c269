"""Ignores offers to upgrade the protocol, as HTTP/1.1 allows (RFC 9110, 7.8).

The parser accepts every upgrade, and reads no body after it. Java's standard client offers HTTP/2 with its first
request on every plain connection, so its first lead would be lost. The parser reports where the head ended; the same
head without the Upgrade header is then fed to a new parser, followed by the remaining bytes.
"""

from collections.abc import Iterable

OFFER = b"upgrade"


def without_offer(method: bytes, target: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of a parsed request without its ``Upgrade`` header."""
    lines = [b"%b: %b" % header for header in headers if header[0] != OFFER]
    return b"\r\n".join((b"%b %b HTTP/%b" % (method, target, version.encode()), *lines, b"", b""))

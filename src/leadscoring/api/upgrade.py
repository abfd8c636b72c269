"""Requests that offer another protocol are answered as if they had not: HTTP/1.1 allows that (RFC 9110, 7.8).

The parser below uvicorn believes every offer, and throws away the body that came with it. Java's own client offers
HTTP/2 with its first request on every plain connection, so without this its first lead would be lost.
"""

import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

OFFER = re.compile(rb"(?<=\r\n)upgrade(?=:)", re.IGNORECASE)
UNHEARD = b"ignored"
"""As long as the name that it stands for: no length changes, wherever the bytes are cut."""


def without_offer(data: bytes) -> bytes:
    """Bytes of a request in which nobody sees an ``Upgrade``; a body is safe, since JSON has no such line."""
    if b"pgrade:" in data or b"PGRADE:" in data:
        return OFFER.sub(UNHEARD, data)
    return data


class StayingHttp(HttpToolsProtocol):
    """uvicorn's protocol, deaf to offers of another one."""

    def data_received(self, data: Any) -> None:
        """Bytes from the client."""
        super().data_received(without_offer(data))

"""Requests that offer another protocol are answered as if they had not: HTTP/1.1 allows that (RFC 9110, 7.8).

The parser below uvicorn believes every offer, and throws away the body that came with it. Java's own client offers
HTTP/2 with its first request on every plain connection, so without this its first lead would be lost.
"""

import re

OFFER = re.compile(rb"(?<=\r\n)upgrade(?=:)", re.IGNORECASE)
UNHEARD = b"ignored"
"""As long as the name that it stands for: no length changes, wherever the bytes are cut."""


PIECE = 8192
"""Bytes up to which what has no end of a head may be a piece of one; more are a part of a large body."""


def without_offer(data: bytes) -> bytes:
    """Bytes of a request in whose head nobody sees an ``Upgrade``.

    Clients offer with the first request of a connection, so the first head in ``data`` is the one looked at.
    """
    end = data.find(b"\r\n\r\n")  # looking at the head alone costs a tenth of looking at its lead too
    if end < 0:
        end = min(len(data), PIECE)
    if data.find(b"pgrade:", 0, end) < 0 and data.find(b"PGRADE:", 0, end) < 0:
        return data
    return OFFER.sub(UNHEARD, data[:end]) + data[end:]

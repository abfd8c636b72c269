"""Rejects requests when the queue is full: from their head alone, with a prepared answer, discarding the body unread.

Rejections must be nearly free, or the service spends its time on them. A request whose head is not plain takes the
regular path, with the same answer.
"""

import ctypes
import socket
import sys
from collections.abc import Callable
from functools import lru_cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from leadscoring.transport.exchange import Reply

receive = ctypes.PyDLL(None).recv
"""recv(2) without a buffer, which Python's own would require although the bytes are discarded."""
receive.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
receive.restype = ctypes.c_ssize_t

ANY_ID = "{request_id}"

DISCARDS = sys.platform == "linux"
"""Whether the system can discard received bytes without copying them (``MSG_TRUNC``, tcp(7))."""


class Prepared:
    """A prepared answer in which only the request id varies."""

    def __init__(self, make: Callable[[str], Reply]) -> None:
        reply = make(ANY_ID)
        self.status = reply.status
        self._before, _, self._after = reply.body.partition(ANY_ID.encode())
        self._size = len(self._before) + len(self._after)
        self._lines = head_lines(reply.status, reply.media_type, reply.headers)

    def to(self, request_id: bytes, closes: bool) -> bytes:
        """Serializes the answer to one request; ``closes`` adds ``Connection: close``."""
        size = self._size + len(request_id)
        end = b"connection: close\r\n\r\n" if closes else b"\r\n"
        headers = b"x-request-id: %b\r\ncontent-length: %d\r\n" % (request_id, size)
        return b"".join((self._lines, headers, end, self._before, request_id, self._after))


@lru_cache(maxsize=64)
def head_lines(status: int, media_type: bytes, more: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """The status line and headers of an answer, without its length."""
    headers = [b"%b: %b\r\n" % header for header in ((b"content-type", media_type), *more)]
    return b"".join((STATUS_LINE[status], *headers))


def discard(descriptor: int, most: int) -> int:
    """Discards up to ``most`` bytes received by a TCP socket; returns how many.

    Returns 0 if there are none, or if the connection is closed, which its reader detects.
    """
    return max(0, receive(descriptor, None, most, socket.MSG_TRUNC | socket.MSG_DONTWAIT)) if DISCARDS else 0

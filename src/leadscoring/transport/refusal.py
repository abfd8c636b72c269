"""A request that comes while the line is full: known by its head, answered at once, its body let pass unread.

Work that is refused must cost next to nothing, or else refusing is what the service spends its time on. A request
whose head is not plain takes the long way, where the same is said.
"""

import ctypes
import socket
import sys
from collections.abc import Callable
from functools import lru_cache

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from leadscoring.transport.exchange import Reply

receive = ctypes.PyDLL(None).recv
"""recv(2) itself: Python's own would want a buffer for bytes that nobody reads."""
receive.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
receive.restype = ctypes.c_ssize_t

ANY_ID = "{request_id}"

DISCARDS = sys.platform == "linux"
"""Whether the system drops received bytes without copying them anywhere, when asked to (``MSG_TRUNC``, tcp(7))."""


class Prepared:
    """An answer that differs only in the id of its request, made beforehand."""

    def __init__(self, make: Callable[[str], Reply]) -> None:
        reply = make(ANY_ID)
        self.status = reply.status
        self._before, _, self._after = reply.body.partition(ANY_ID.encode())
        self._size = len(self._before) + len(self._after)
        self._lines = head_lines(reply.status, reply.media_type, reply.headers)

    def to(self, request_id: bytes, closes: bool) -> bytes:
        """All bytes of the answer to one request; ``closes`` says that the connection ends with it."""
        size = self._size + len(request_id)
        end = b"connection: close\r\n\r\n" if closes else b"\r\n"
        told = b"x-request-id: %b\r\ncontent-length: %d\r\n" % (request_id, size)
        return b"".join((self._lines, told, end, self._before, request_id, self._after))


@lru_cache(maxsize=64)
def head_lines(status: int, media_type: bytes, more: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """The status line and the headers of an answer, without its length."""
    headers = [b"%b: %b\r\n" % header for header in ((b"content-type", media_type), *more)]
    return b"".join((STATUS_LINE[status], *headers))


def discard(descriptor: int, most: int) -> int:
    """Throws away up to so many bytes that have arrived at a TCP socket; gives how many.

    None where nothing has arrived, or the connection is gone, which its reader finds out.
    """
    return max(0, receive(descriptor, None, most, socket.MSG_TRUNC | socket.MSG_DONTWAIT)) if DISCARDS else 0

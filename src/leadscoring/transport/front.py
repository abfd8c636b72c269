"""Reads from a connection into a buffer whose size depends on what is expected."""

import asyncio
from typing import Any

from leadscoring.transport.connection import BoundedHttp
from leadscoring.transport.ending import BODY, CLOSED
from leadscoring.transport.refusal import DISCARDS

HEAD_READ = 16384
"""Bytes per read while a head is expected: most of a large body stays unread if its head is rejected."""

BODY_READ = 262144

FULL_READ = 2048
"""Bytes per read while requests are queued: a head, and as little as possible of the body after it."""

SKIP_READ = 1024 if DISCARDS else BODY_READ
"""Bytes per read of a rejected body: enough to detect that there is more, which is then discarded in the kernel."""


class Front(asyncio.BufferedProtocol):
    """The protocol that the event loop reads into; sizes each read by the state of the connection."""

    buffer = memoryview(bytearray(BODY_READ))
    """Shared by all connections: data is consumed before the next read."""

    __slots__ = ("http",)

    def __init__(self, http: BoundedHttp) -> None:
        self.http = http

    def connection_made(self, transport: Any) -> None:
        """Called for a new connection."""
        self.http.connection_made(transport)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """The buffer for the next read."""
        http = self.http
        if http.skip:
            return self.buffer[: min(http.skip, SKIP_READ)]
        if http.receiving == CLOSED:
            return self.buffer[:SKIP_READ]
        if http.receiving == BODY:
            return self.buffer
        return self.buffer[: FULL_READ if http.gate.backlog.holds else HEAD_READ]

    def buffer_updated(self, nbytes: int) -> None:
        """Called after ``nbytes`` were read."""
        if self.http.skip:
            self.http.passed(nbytes)
        else:
            self.http.data_received(bytes(self.buffer[:nbytes]))

    def eof_received(self) -> bool:
        """Called at the end of the client's stream; returns whether answers are pending."""
        return self.http.ended()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection is closed."""
        self.http.connection_lost(exc)

    def pause_writing(self) -> None:
        """Called when the write buffer is full."""
        self.http.pause_writing()

    def resume_writing(self) -> None:
        """Called when the write buffer has drained."""
        self.http.resume_writing()


def connection(config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> Front:
    """Creates the protocol for a new connection, as uvicorn's ``http`` option."""
    return Front(BoundedHttp(config, server_state, app_state, _loop))

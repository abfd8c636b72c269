"""What the event loop reads into, for one connection."""

import asyncio
from typing import Any

from leadscoring.transport.connection import BoundedHttp
from leadscoring.transport.ending import BODY, CLOSED
from leadscoring.transport.refusal import DISCARDS

HEAD_READ = 16384
"""Bytes read at once while a head is expected: most of a large body stays unread if its head is refused."""

BODY_READ = 262144

FULL_READ = 2048
"""Bytes read at once while requests wait unread: a head, and as little as can be of the body after it."""

SKIP_READ = 1024 if DISCARDS else BODY_READ
"""The same of a refused body: enough to notice that there is more, all of which is then discarded."""


class Front(asyncio.BufferedProtocol):
    """Reads as much at once as what is expected deserves."""

    buffer = memoryview(bytearray(BODY_READ))
    """One for all connections: what was read is handed on before the next read."""

    __slots__ = ("http",)

    def __init__(self, http: BoundedHttp) -> None:
        self.http = http

    def connection_made(self, transport: Any) -> None:
        """A client connects."""
        self.http.connection_made(transport)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where to read to."""
        http = self.http
        if http.skip:
            return self.buffer[: min(http.skip, SKIP_READ)]
        if http.receiving == CLOSED:
            return self.buffer[:SKIP_READ]
        if http.receiving == BODY:
            return self.buffer
        return self.buffer[: FULL_READ if http.gate.backlog.holds else HEAD_READ]

    def buffer_updated(self, nbytes: int) -> None:
        """So much was read."""
        if self.http.skip:
            self.http.passed(nbytes)
        else:
            self.http.data_received(bytes(self.buffer[:nbytes]))

    def eof_received(self) -> bool:
        """The client sends no more; says whether it is still owed something."""
        return self.http.ended()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.http.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self.http.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.http.resume_writing()


def connection(config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> Front:
    """A protocol for one new connection, as uvicorn asks for it."""
    return Front(BoundedHttp(config, server_state, app_state, _loop))

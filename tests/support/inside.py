"""The service inside the process of a test: on a real port, or without any, fed by hand."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from serving import eventually
from uvicorn.server import ServerState
from wire import Wire

from leadscoring.api.app import App
from leadscoring.serving.drain import Server
from leadscoring.transport.front import Front, connection


@contextmanager
def served(app: App) -> Iterator[int]:
    """The port of the loopback on which an application is served, for as long as the context is open."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=connection, ws="none", log_config=None, proxy_headers=False)  # type: ignore[arg-type]  # ours
        server = Server(config, 0)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert eventually(lambda: server.started)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)
    assert not thread.is_alive()


@contextmanager
def wired_to(port: int) -> Iterator[Wire]:
    """A connection to a port of the loopback."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as made:
        yield Wire(made)


class Pipe(asyncio.Transport):
    """A transport to nowhere, which keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        """Keeps it."""
        self.written += bytes(data)

    def write_eof(self) -> None:
        """The last answer was written."""
        self.closed = True

    def close(self) -> None:
        """The connection ends."""
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        """Whether it has ended."""
        return self.closed

    def pause_reading(self) -> None:
        """Does nothing: the test feeds what it likes."""

    def resume_reading(self) -> None:
        """Does nothing either."""

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0


class Fed:
    """Connections of an application that get their bytes from a test, in the running event loop."""

    def __init__(self, app: App) -> None:
        self._config = uvicorn.Config(app, http=connection, ws="none", log_config=None, proxy_headers=False)  # type: ignore[arg-type]  # ours
        self._config.load()

    def connected(self, pipe: Pipe) -> Front:
        """A new connection, whose answers go into a pipe."""
        front = connection(self._config, ServerState(), {})
        front.connection_made(pipe)
        return front

    async def answers(self, *parts: bytes) -> tuple[bytes, bool]:
        """What is written to a client that sends these parts one by one, and whether its connection was ended."""
        pipe = Pipe()
        front = self.connected(pipe)
        for part in parts:
            await self._feed(front, pipe, part)
        closed = pipe.closed
        front.connection_lost(None)
        return pipe.written, closed

    async def _feed(self, front: Front, pipe: Pipe, part: bytes) -> None:
        rest = part
        while rest and not pipe.closed:
            room = front.get_buffer(-1)
            size = min(len(room), len(rest))
            room[:size] = rest[:size]
            front.buffer_updated(size)
            rest = rest[size:]
        http = front.http  # whether anything is left to do is not visible from outside
        for turn in range(1000):
            if not http.tasks or (turn > 8 and http.begun and http.cycle is http.current):  # done, or waits for more
                return
            await asyncio.sleep(0)
        raise AssertionError("the answer does not come")

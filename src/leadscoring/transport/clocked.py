"""A uvicorn server that provides its connections' clock and enforces their time limits."""

import asyncio
from socket import socket
from time import monotonic
from typing import Any

import uvicorn

from leadscoring.transport.acceptor import Acceptor
from leadscoring.transport.front import Front, connection


class Clocked(uvicorn.Server):
    """uvicorn's server for our applications: updates the clock ten times a second.

    Once a second it checks the time limits of all connections. When the application drains, the server does too.
    """

    sharers = 1
    """Number of processes that accept connections on the same port."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.acceptors: list[Acceptor] = []
        self.turned = monotonic()
        """When the event loop last ran, by ``monotonic``."""

    @property
    def app(self) -> Any:
        """The application, which has a ``gate``, a ``lifecycle`` and a ``tick`` method."""
        return self.config.loaded_app

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        self._tick()
        if counter % 10 == 0:
            self.sweep(self.turned)
        ended = await super().on_tick(counter)
        self.app.gate.lines = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
        return ended

    def _connection(self) -> Front:
        """Creates the protocol for a new connection."""
        return connection(self.config, self.server_state, self.lifespan.state)

    def _tick(self) -> None:
        self.turned = monotonic()
        for acceptor in self.acceptors:
            acceptor.tick()
        self.app.tick(self.turned)

    def sweep(self, now: float) -> None:
        """Enforces the time limits of all connections."""
        for each in list(self.server_state.connections):
            each.sweep(now)  # type: ignore[union-attr]  # ours is the only protocol

    def close_after_answers(self) -> None:
        """From now on each answer closes its connection, with a ``Connection: close`` header.

        Answers whose head is already written keep their connection open: the client would otherwise send its next
        request into a closed connection. A signal may arrive between head and body.
        """
        self.app.gate.closing = True
        for each in list(self.server_state.connections):
            cycle: Any = each.cycle  # type: ignore[union-attr]  # ours is the only protocol
            if cycle is not None and not cycle.response_started:
                cycle.keep_alive = False

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Starts the application, then opens the port."""
        self.app.gate.now = monotonic()
        await super().startup([])  # opens no sockets: the acceptors do
        config, sharers = self.config, self.sharers
        for listener in sockets or ():
            acceptor = Acceptor(listener, self._connection, sharers, lambda: self.app.gate.rejected("descriptors"))
            acceptor.open(config.backlog)
            self.acceptors.append(acceptor)
        self.app.lifecycle.at_drain(self.close_after_answers)
        self._tick()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Stops accepting, then completes the requests that have arrived."""
        for acceptor in self.acceptors:
            acceptor.close()
        for _ in range(5):  # reads what clients sent before the port closed
            await asyncio.sleep(0.01)
        sweeping = asyncio.create_task(self._sweep_on())
        try:
            await super().shutdown(sockets)
        finally:
            sweeping.cancel()

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(0.1)  # the resolution of all time limits
            self._tick()
            self.sweep(self.turned)

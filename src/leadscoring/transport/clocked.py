"""A server that keeps the clock of its connections, and ends what takes too long."""

import asyncio
from socket import socket
from time import monotonic
from typing import Any

import uvicorn

from leadscoring.transport.acceptor import Acceptor
from leadscoring.transport.front import Front, connection


class Clocked(uvicorn.Server):
    """uvicorn's server around one of our applications: ten times a second it says what time it is.

    Once a second it looks through all connections. When the application's process drains, so does this.
    """

    sharers = 1
    """Processes that take connections from the same port."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.acceptors: list[Acceptor] = []
        self.turned = monotonic()
        """When the event loop turned last."""

    @property
    def app(self) -> Any:
        """The application, which has a ``gate``, a ``lifecycle`` and a ``tick``."""
        return self.config.loaded_app

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        self._tick()
        if counter % 10 == 0:
            self.sweep(self.turned)
        ended = await super().on_tick(counter)
        self.app.gate.lines = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
        return ended

    def _connection(self) -> Front:
        """A protocol for one more connection."""
        return connection(self.config, self.server_state, self.lifespan.state)

    def _tick(self) -> None:
        self.turned = monotonic()
        for acceptor in self.acceptors:
            acceptor.tick()
        self.app.tick(self.turned)

    def sweep(self, now: float) -> None:
        """Looks through all connections."""
        for each in list(self.server_state.connections):
            each.sweep(now)  # type: ignore[union-attr]  # ours is the only protocol

    def close_after_answers(self) -> None:
        """From now on every answer ends its connection, and says so.

        One whose head is written already may not: its client would send the next request into a closed connection.
        A signal may come between its head and its body.
        """
        self.app.gate.closing = True
        for each in list(self.server_state.connections):
            cycle: Any = each.cycle  # type: ignore[union-attr]  # ours is the only protocol
            if cycle is not None and not cycle.response_started:
                cycle.keep_alive = False

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Opens the application, then the port."""
        self.app.gate.now = monotonic()
        await super().startup([])  # opens none: that is for the acceptors
        config, sharers = self.config, self.sharers
        for listener in sockets or ():
            acceptor = Acceptor(listener, self._connection, sharers, lambda: self.app.gate.rejected("descriptors"))
            acceptor.open(config.backlog)
            self.acceptors.append(acceptor)
        self.app.lifecycle.at_drain(self.close_after_answers)
        self._tick()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Stops accepting, then answers what has arrived."""
        for acceptor in self.acceptors:
            acceptor.close()
        for _ in range(5):  # what clients sent before the port closed is read first
            await asyncio.sleep(0.01)
        sweeping = asyncio.create_task(self._sweep_on())
        try:
            await super().shutdown(sockets)
        finally:
            sweeping.cancel()

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(0.1)  # the beat of every time limit: ten times a second
            self._tick()
            self.sweep(self.turned)

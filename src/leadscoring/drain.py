"""One serving process: it drains before it ends, and keeps the clock of its connections."""

import asyncio
import os
import signal
from socket import socket
from time import monotonic
from typing import Any

import uvicorn

from leadscoring.api.lifecycle import Lifecycle
from leadscoring.api.protocol import Gate
from leadscoring.logs import Log

log = Log("leadscoring")


class Server(uvicorn.Server):
    """uvicorn's server, which drains before it ends and keeps the clock of its connections.

    ``drain_seconds`` after being asked to end it stops accepting. A second SIGINT ends that wait, a third one ends
    the wait for requests too; of a ``supervised`` server any further SIGTERM does, and it leaves SIGINT to its parent.
    """

    def __init__(self, config: uvicorn.Config, drain_seconds: float, parent: int | None = None) -> None:
        super().__init__(config)
        self.turned = monotonic()
        self._drain_seconds = drain_seconds
        self._parent = parent
        self._leave_at: float | None = None

    def handle_exit(self, sig: int, _frame: Any) -> None:
        """The process is asked to end."""
        if self._parent is not None and sig == signal.SIGINT:
            return  # Ctrl-C reaches every process of a terminal; the parent passes it on
        if self._leave_at is None:
            self._leave_at = monotonic() + self._drain_seconds
            self._drain()
        elif sig == signal.SIGINT or self._parent is not None:
            self.force_exit = self.should_exit
            self.should_exit = True

    def _drain(self) -> None:
        if not self.started:
            self.should_exit = True
            return
        app: Any = self.config.loaded_app
        lifecycle: Lifecycle = app.lifecycle
        lifecycle.drain()
        gate: Gate = app.gate
        gate.closing = True
        for connection in list(self.server_state.connections):
            cycle: Any = connection.cycle  # type: ignore[union-attr]  # ours is the only protocol
            if cycle is not None:
                cycle.keep_alive = False
        log.info("draining", seconds=self._drain_seconds)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: the clock; once a second: what has taken too long."""
        self.turned = now = monotonic()
        app: Any = self.config.loaded_app
        app.gate.now = now
        if counter % 10 == 0:
            self.sweep(now)
        if self._leave_at is not None and now >= self._leave_at:
            self.should_exit = True
        if self._parent is not None and os.getppid() != self._parent:
            self.should_exit = True  # nobody would ever end an orphan, and it would keep the port
        return await super().on_tick(counter)

    def sweep(self, now: float) -> None:
        """Looks through all connections."""
        for connection in list(self.server_state.connections):
            connection.sweep(now)  # type: ignore[union-attr]  # ours is the only protocol

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Opens the application, then the port."""
        app: Any = self.config.loaded_app
        app.gate.now = monotonic()
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            log.info("listening", host=host, port=port, pid=os.getpid())

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Stops accepting, then answers what has arrived."""
        for server in self.servers:
            server.close()
        for _ in range(5):  # what clients sent before the port closed is read first
            await asyncio.sleep(0.01)
        sweeping = asyncio.create_task(self._sweep_on())
        try:
            await super().shutdown(sockets)
        finally:
            sweeping.cancel()

    async def _sweep_on(self) -> None:
        app: Any = self.config.loaded_app
        while True:
            await asyncio.sleep(0.1)  # the beat of every time limit: ten times a second
            self.turned = app.gate.now = monotonic()
            self.sweep(self.turned)

"""One serving process: drains before it exits, and reloads its key file on SIGHUP."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket
from time import monotonic
from typing import Any

import uvicorn

from leadscoring.errors import CannotStart
from leadscoring.telemetry.log import Log
from leadscoring.transport.clocked import Clocked
from leadscoring.transport.listener import check_listens

log = Log("leadscoring")


class Server(Clocked):
    """The server of one process, which drains before it exits.

    It stops accepting connections ``drain_seconds`` after the first SIGTERM or SIGINT. A second SIGINT ends that wait,
    a third one also ends the wait for requests in progress. A worker with a ``parent`` process does so on any further
    SIGTERM, and ignores SIGINT, which its parent handles. ``on_ready`` is called once it accepts connections.

    SIGHUP reloads the key file. On a terminal it ends the process like SIGTERM, since the terminal was closed.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        drain_seconds: float,
        parent: int | None = None,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._drain_seconds = drain_seconds
        self._parent = parent
        self.sharers = config.workers if parent is not None else 1
        self._leave_at: float | None = None
        self._reread_requested = False

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handles SIGHUP and the signals that end the process."""
        if threading.current_thread() is threading.main_thread():  # Python allows it in no other thread
            signal.signal(signal.SIGHUP, self.hang_up)
        with super().capture_signals():
            yield

    def hang_up(self, _sig: int, _frame: Any) -> None:
        """Handles SIGHUP: exits if the terminal was closed, else schedules a reload."""
        if self._parent is None and sys.stdout.isatty():
            self.handle_exit(signal.SIGTERM, None)
        else:
            self._reread_requested = True  # reloads in the next tick, since a signal interrupts any code

    def handle_exit(self, sig: int, _frame: Any) -> None:
        """Handles a signal to terminate: drains on the first, hurries on further ones."""
        if self._parent is not None and sig == signal.SIGINT:
            return  # Ctrl-C reaches every process of a terminal; the parent forwards it
        if self._leave_at is None:
            self._leave_at = monotonic() + self._drain_seconds
            self._drain()
        elif sig == signal.SIGINT or self._parent is not None:
            self.hurry()

    def hurry(self) -> None:
        """Ends the current wait: that of the drain, else that for requests in progress."""
        self.force_exit = self.should_exit
        self.should_exit = True

    def _drain(self) -> None:
        if not self.started:
            self.should_exit = True
            return
        self.app.lifecycle.drain()
        log.info("draining", seconds=self._drain_seconds)

    async def on_tick(self, counter: int) -> bool:
        """Runs ten times a second; returns whether the server should exit."""
        if self._reread_requested:
            self._reread_requested = False
            self.app.reread()
        if self._leave_at is not None and monotonic() >= self._leave_at:
            self.should_exit = True
        if self._parent is not None and os.getppid() != self._parent:
            self.should_exit = True  # an orphan would never be terminated, and would keep the port
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Starts the application, then listens. Raises ``CannotStart`` if it cannot listen on the port."""
        named = [listener.getsockname()[:2] for listener in sockets or ()]
        await super().startup(sockets)
        for listener, (host, port) in zip(sockets or (), named, strict=True):
            try:
                check_listens(listener, host, port)
            except CannotStart:
                await self.lifespan.shutdown()
                raise
            log.info("listening", host=host, port=port, pid=os.getpid())
        if not self.should_exit:
            self._on_ready()

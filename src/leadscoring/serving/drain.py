"""One serving process: it drains before it ends, and reads again what it can when it is told to."""

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
    """The server of one process, which drains before it ends.

    ``drain_seconds`` after being asked to end it stops accepting. A second SIGINT ends that wait, a third one ends
    the wait for requests too; of a ``supervised`` server any further SIGTERM does, and it leaves SIGINT to its parent.
    ``on_ready`` is called once it accepts connections.

    SIGHUP makes it read its key file again. On a terminal it ends the process instead, as SIGTERM does: there it
    says that the terminal is gone.
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
        self._told_to_reread = False

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes those that end it, and SIGHUP."""
        if threading.current_thread() is threading.main_thread():  # no other may
            signal.signal(signal.SIGHUP, self.hang_up)
        with super().capture_signals():
            yield

    def hang_up(self, _sig: int, _frame: Any) -> None:
        """The terminal is gone, or somebody wants settings to be read again."""
        if self._parent is None and sys.stdout.isatty():
            self.handle_exit(signal.SIGTERM, None)
        else:
            self._told_to_reread = True  # by the next tick: a signal comes in the middle of anything

    def handle_exit(self, sig: int, _frame: Any) -> None:
        """The process is asked to end."""
        if self._parent is not None and sig == signal.SIGINT:
            return  # Ctrl-C reaches every process of a terminal; the parent passes it on
        if self._leave_at is None:
            self._leave_at = monotonic() + self._drain_seconds
            self._drain()
        elif sig == signal.SIGINT or self._parent is not None:
            self.hurry()

    def hurry(self) -> None:
        """Ends the wait that goes on: that of the drain, else that for requests."""
        self.force_exit = self.should_exit
        self.should_exit = True

    def _drain(self) -> None:
        if not self.started:
            self.should_exit = True
            return
        self.app.lifecycle.drain()
        log.info("draining", seconds=self._drain_seconds)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to go on."""
        if self._told_to_reread:
            self._told_to_reread = False
            self.app.reread()
        if self._leave_at is not None and monotonic() >= self._leave_at:
            self.should_exit = True
        if self._parent is not None and os.getppid() != self._parent:
            self.should_exit = True  # nobody would ever end an orphan, and it would keep the port
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Opens the application, then the port. Raises ``CannotStart`` when it cannot listen there."""
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

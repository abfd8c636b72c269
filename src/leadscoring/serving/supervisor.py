"""Runs several workers under a supervisor, which replaces workers that die or hang."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from socket import socket
from time import monotonic

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Process

from leadscoring.errors import CannotStart, LeadScoringError
from leadscoring.serving.drain import Server
from leadscoring.telemetry.log import Log

TICK_SECONDS = 0.25
SILENT_SECONDS = 2.0
"""Seconds without a response after which a worker that serves is considered hung."""

STUCK_SECONDS = 10.0
"""Seconds without a turn after which an event loop is considered stuck."""

LOADING_SECONDS = 10.0
"""Seconds without a response for a worker that still loads its model, which blocks its responses."""

STARTING_SECONDS = 60.0
"""Seconds until the first response of a worker: Python starts slowly on a busy machine."""

RETRY_SECONDS = 1.0
"""Seconds between two attempts to replace a worker that does not start."""

FAILED_BY_ITSELF = (1, STARTUP_FAILURE)
"""Exit codes of a worker that failed to start or raised an unexpected error: its replacement would fail, too."""

PING, HURRY = b"ping", b"hurry"
"""Messages of the supervisor to a worker: a liveness check, and the request to stop waiting."""

log = Log("leadscoring")


class Worker(Process):
    """One worker: a uvicorn process that runs our server."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket], drain_seconds: float) -> None:
        super().__init__(config, sockets)
        self.drain_seconds = drain_seconds
        self.supervisor = os.getpid()
        """Set by the parent: a worker that was orphaned while it started would get another parent from ``getppid``."""
        self.heard = False
        self.asked: float | None = None
        self.serves = False
        self.to_reread = False

    def target(self, sockets: list[socket] | None = None) -> None:
        """Runs the server in the new process."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # there is nothing to reload before it serves
        server = self._server = Server(self.config, self.drain_seconds, self.supervisor)
        threading.Thread(target=tell, args=(self.child_conn, server), daemon=True).start()
        try:
            server.run(sockets)
        except LeadScoringError as failure:
            log.error("worker cannot start", error=type(failure).__name__, reason=str(failure))  # noqa: TRY400
            sys.exit(STARTUP_FAILURE)

    def drain(self) -> None:
        """Asks the worker to terminate; uvicorn's method would close the connection to it."""
        if self.process.is_alive() and self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def hurry(self) -> None:
        """Asks the worker to end its current wait: that of the drain, else that for requests in progress."""
        with suppress(OSError):  # it has exited, or is about to
            self.parent_conn.send(HURRY)

    def hung(self, now: float) -> bool:
        """Whether the worker is hung, by its latest responses; sends the next liveness check."""
        try:
            while self.parent_conn.poll():
                started, idle = self.parent_conn.recv()
                self.serves = self.serves or started
                self.heard, self.asked = True, None
                if started and idle > STUCK_SECONDS:
                    return True
            if self.asked is None:
                self.asked = now
                self.parent_conn.send(PING)
        except (OSError, EOFError):
            return True
        patience = SILENT_SECONDS if self.serves else LOADING_SECONDS if self.heard else STARTING_SECONDS
        return now - self.asked > patience


def tell(connection: Connection, server: Server) -> None:
    """Responds to the parent, in a thread of the worker: whether it serves, and how long its event loop has been idle.

    Also receives the request to hurry, since two signals in a row may arrive as one.
    """
    while True:
        try:
            if connection.recv() == HURRY:
                server.hurry()
                continue
            connection.send((server.started, monotonic() - server.turned))
        except (OSError, EOFError):
            return


class Supervisor:
    """Keeps ``config.workers`` workers running on one port.

    ``patience`` is the time in seconds that workers have to exit after SIGTERM before they are killed. ``tend`` is
    called several times a second, before any worker is replaced, ``on_ready`` once the first worker serves. SIGHUP is
    forwarded to the workers; on a terminal it terminates them, since the terminal was closed.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket],
        drain_seconds: float,
        patience: float,
        tend: Callable[[], None],
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._sockets = sockets
        self._drain_seconds = drain_seconds
        self._patience = patience
        self._tend = tend
        self._on_ready = on_ready
        self._workers: list[Worker] = []
        self._retry_at = 0.0
        self._proven = False
        self._woken = threading.Event()
        self._asked: list[int] = []
        self._hung_up = False

    def run(self) -> None:
        """Runs until a signal ends it. Raises ``CannotStart`` if a worker fails before any has served."""
        for sig in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sig, self._ask)
        signal.signal(signal.SIGHUP, self._ask if sys.stdout.isatty() else self._hang_up)
        try:
            for _ in range(self._config.workers):
                self._start()
            while not self._asked:
                self._woken.wait(TICK_SECONDS)
                self._watch(monotonic())
        finally:
            self._end()

    def _ask(self, sig: int, _frame: object) -> None:
        self._asked.append(sig)

    def _hang_up(self, _sig: int, _frame: object) -> None:
        self._hung_up = True

    def _pass_on(self) -> None:
        """Forwards SIGHUP to the workers, to each as soon as it serves: before, it ignores the signal."""
        for worker in self._workers:
            worker.to_reread = worker.to_reread or self._hung_up
            if worker.to_reread and worker.serves and worker.process.is_alive() and worker.pid is not None:
                os.kill(worker.pid, signal.SIGHUP)
                worker.to_reread = False
        self._hung_up = False

    def _start(self) -> None:
        worker = Worker(self._config, self._sockets, self._drain_seconds)
        worker.start()
        self._workers.append(worker)

    def _watch(self, now: float) -> None:
        self._tend()
        self._pass_on()
        for worker in list(self._workers):
            if worker.process.is_alive() and not worker.hung(now):
                self._prove(worker)
                continue
            was_alive = worker.process.is_alive()
            worker.kill()
            worker.join()
            self._workers.remove(worker)
            if worker.exitcode in FAILED_BY_ITSELF and not self._proven:
                raise CannotStart("a worker could not start; the log says why")
            if not worker.serves:
                self._retry_at = now + RETRY_SECONDS
            log.error("worker replaced", pid=worker.pid, exitcode=worker.exitcode, hung=was_alive)
        while len(self._workers) < self._config.workers and now >= self._retry_at and not self._asked:
            self._start()

    def _prove(self, worker: Worker) -> None:
        """Records that a worker serves, which proves that the configuration is usable."""
        if worker.serves and not self._proven:
            self._proven = True
            self._on_ready()

    def _end(self) -> None:
        for listener in self._sockets:
            listener.close()  # the workers keep it open; the port is free when the last of them closes it
        for worker in self._workers:
            worker.drain()
        ends_at, passed_on = monotonic() + self._patience, 0
        while any(worker.process.is_alive() for worker in self._workers) and monotonic() < ends_at:
            self._woken.wait(0.05)
            while passed_on < self._asked[1:].count(signal.SIGINT):
                passed_on += 1
                for worker in self._workers:
                    worker.hurry()
        for worker in self._workers:
            if worker.process.is_alive():
                log.error("worker killed", pid=worker.pid, reason="it did not stop in time")
                worker.process.kill()
            worker.process.join()

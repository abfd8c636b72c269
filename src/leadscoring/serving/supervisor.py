"""Several workers and what watches over them: one that dies or hangs is replaced, one that ends is waited for."""

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
"""A worker that has not answered for so long is taken for hung: stopped, or out of reach of its own clock."""

STUCK_SECONDS = 10.0
"""An event loop that has not turned for so long will not."""

LOADING_SECONDS = 10.0
"""The same for one that still loads its model, which keeps it from answering."""

STARTING_SECONDS = 60.0
"""And for one that has not said anything yet: Python takes long to start on a busy machine."""

RETRY_SECONDS = 1.0
"""Between two attempts to replace a worker that does not start."""

FAILED_BY_ITSELF = (1, STARTUP_FAILURE)
"""Exit codes of a worker that gave up or met an error that nobody expected: the next would do the same."""

PING, HURRY = b"ping", b"hurry"
"""What the supervisor sends to a worker: whether it is there, and that it should not wait any longer."""

log = Log("leadscoring")


class Worker(Process):
    """One worker: uvicorn's process around our server."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket], drain_seconds: float) -> None:
        super().__init__(config, sockets)
        self.drain_seconds = drain_seconds
        self.supervisor = os.getpid()
        """Said by the parent: a worker that asks when it starts would take whoever adopted it for its parent."""
        self.heard = False
        self.asked: float | None = None
        self.serves = False
        self.to_reread = False

    def target(self, sockets: list[socket] | None = None) -> None:
        """What the new process does."""
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it serves there is nothing to read again
        server = self._server = Server(self.config, self.drain_seconds, self.supervisor)
        threading.Thread(target=tell, args=(self.child_conn, server), daemon=True).start()
        try:
            server.run(sockets)
        except LeadScoringError as failure:
            log.error("worker cannot start", error=type(failure).__name__, reason=str(failure))  # noqa: TRY400
            sys.exit(STARTUP_FAILURE)

    def drain(self) -> None:
        """Asks it to end; uvicorn's way would close what it can still be asked by."""
        if self.process.is_alive() and self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def hurry(self) -> None:
        """Asks it not to wait any longer: for the end of its drain, or for requests when it no longer drains."""
        with suppress(OSError):  # it has gone, or is about to
            self.parent_conn.send(HURRY)

    def hung(self, now: float) -> bool:
        """Whether it no longer answers; asks it again if it does."""
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
    """Answers the parent, in a thread of the worker: whether it serves, and for how long its loop has stood still.

    The parent asks it to hurry here too: two signals in a row may arrive as one.
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
    """Keeps so many workers on one port.

    ``patience`` is the time, in seconds, that all of them have to end once they were asked to. ``tend`` is called
    several times a second, before any worker is replaced, ``on_ready`` once the first worker serves. SIGHUP is passed
    on to the workers; on a terminal it ends them, for it says that the terminal is gone.
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
        """Until told to stop. Raises ``CannotStart`` when a worker fails before any has ever served."""
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
        """Tells the workers to read again what they can, each as soon as it serves: before, it could not hear."""
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
        """Notes that a worker serves: the service can be served as it is set up."""
        if worker.serves and not self._proven:
            self._proven = True
            self._on_ready()

    def _end(self) -> None:
        for listener in self._sockets:
            listener.close()  # the workers hold it; when the last of them closes it, the port is free
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

"""Accepts all pending connections of a port, health checks first.

libuv accepts one connection per iteration of its event loop. With long iterations, a new connection would wait for
all those before it (head-of-line blocking), including a health check.
"""

import asyncio
import errno
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from leadscoring.telemetry.log import Log
from leadscoring.transport.connection import PROBING
from leadscoring.transport.front import Front

A_PASS = 32
"""Maximum connections set up per iteration of the event loop, besides health checks."""

AT_A_TIME = 1024
"""Maximum connections accepted per iteration of the event loop."""

FEW = 8
"""Connections accepted per iteration if the system does not report the length of the queue."""

PROBE = 4096
"""Maximum size in bytes of a health check request."""

LONGEST = max(map(len, PROBING))

OUT_OF = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
"""Errors of accept(2) when the process or machine is out of file descriptors or memory."""

WAITING = struct.Struct("24x2I")
"""Layout of TCP_INFO of a listening socket: length of the accept queue, and its limit (tcp(7), Linux)."""

log = Log("leadscoring")


class Acceptor:
    """Accepts the connections of one listening socket that ``sharers`` processes share.

    ``exhausted`` is called when no file descriptor is available. The connections then stay in the kernel's accept
    queue until the next ``tick``.
    """

    def __init__(
        self, listener: socket.socket, make: Callable[[], Front], sharers: int, exhausted: Callable[[], None]
    ) -> None:
        self._listener = listener
        self._make = make
        self._sharers = sharers
        self._exhausted = exhausted
        self._loop = asyncio.get_running_loop()
        self._accepted: deque[socket.socket] = deque()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._listening = False
        self._short = False
        self._setting_up = False

    def open(self, backlog: int) -> None:
        """Starts listening. On failure the socket does not listen, which the caller checks."""
        self._listener.setblocking(False)
        with suppress(OSError):
            self._listener.listen(backlog)
            self._listen()

    def close(self) -> None:
        """Accepts the pending connections, then stops: closing the socket would reset them."""
        if self._listening:
            self._stop()
            self._take(AT_A_TIME)
        while self._accepted:
            self._set_up(self._accepted.popleft())
        self._listener.close()

    def tick(self) -> None:
        """Called ten times a second: resumes accepting after file descriptors ran out."""
        if self._short and not self._listening and self._listener.fileno() >= 0:
            self._listen()

    def _listen(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._ready)
        self._listening = True

    def _stop(self) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._listening = False

    def _ready(self) -> None:
        """Called when connections are pending: accepts this process's share of them."""
        self._take(min(AT_A_TIME, -(-waiting(self._listener) // self._sharers)))
        if not self._setting_up:
            self._next()

    def _take(self, most: int) -> None:
        for _ in range(most):
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                break
            except OSError as failure:
                if failure.errno not in OUT_OF:
                    continue  # that client has disconnected
                self._run_short(failure)
                return
            accepted.setblocking(False)
            if probes(accepted):
                self._set_up(accepted, probes=True)
            else:
                self._accepted.append(accepted)
        if self._short:
            self._short = False
            log.info("descriptors available")

    def _run_short(self, failure: OSError) -> None:
        if not self._short:
            log.error("descriptors exhausted", reason=failure.strerror or str(failure))
        self._short = True
        self._exhausted()
        if self._listening:
            self._stop()

    def _next(self) -> None:
        for _ in range(min(A_PASS, len(self._accepted))):
            self._set_up(self._accepted.popleft())
        self._setting_up = bool(self._accepted)
        if self._setting_up:
            self._loop.call_soon(self._next)

    def _set_up(self, accepted: socket.socket, probes: bool = False) -> None:
        front = self._make()
        front.http.probes = probes
        if probes:
            answer_probe(front, accepted)
        task = self._loop.create_task(connected(self._loop, front, accepted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def connected(loop: asyncio.AbstractEventLoop, front: Front, accepted: socket.socket) -> None:
    """Attaches a connection to the event loop; one that is already closed is not an error."""
    try:
        await loop.connect_accepted_socket(lambda: front, accepted)
    except OSError:
        accepted.close()


def answer_probe(front: Front, accepted: socket.socket) -> None:
    """Answers a health check immediately if its whole request has arrived.

    Setting up the connection would take a few iterations of the event loop.
    """
    answer = front.http.probed(accepted.recv(PROBE, socket.MSG_PEEK))
    if answer is not None:
        with suppress(OSError):
            accepted.recv(PROBE)
            accepted.send(answer)  # the send buffer of a new connection has room


def waiting(listener: socket.socket) -> int:
    """The number of pending connections; at least 1."""
    try:
        pending, _ = WAITING.unpack_from(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104))
    except (AttributeError, OSError, struct.error):
        return FEW
    return max(1, int(pending))


def probes(accepted: socket.socket) -> bool:
    """Whether the first request of a connection has arrived and is a health check."""
    try:
        return accepted.recv(LONGEST, socket.MSG_PEEK).startswith(PROBING)
    except OSError:
        return False

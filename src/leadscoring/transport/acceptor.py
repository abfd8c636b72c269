"""Takes connections from a port: all that wait, those of probes first.

libuv takes one in each pass of its loop. While a pass is long, whoever connects last waits for as many of them as
others stand before; a probe must not.
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
"""Connections that are set up in one pass of the event loop, beside those of probes."""

AT_A_TIME = 1024
"""Connections that are taken from the kernel in one pass, at most."""

FEW = 8
"""The same where the system does not say how many wait."""

PROBE = 4096
"""Bytes of a probe's request, at most."""

LONGEST = max(map(len, PROBING))

OUT_OF = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
"""What accepting ends with when a process, or the machine, has no room for another connection."""

WAITING = struct.Struct("24x2I")
"""Where TCP_INFO of a listening socket has how many wait, and how many may (tcp(7), Linux)."""

log = Log("leadscoring")


class Acceptor:
    """Takes the connections of one listening socket that ``sharers`` processes share.

    ``exhausted`` is called when no descriptor is left for one. They are left with the kernel until the next ``tick``.
    """

    def __init__(
        self, listener: socket.socket, make: Callable[[], Front], sharers: int, exhausted: Callable[[], None]
    ) -> None:
        self._listener = listener
        self._make = make
        self._sharers = sharers
        self._exhausted = exhausted
        self._loop = asyncio.get_running_loop()
        self._taken: deque[socket.socket] = deque()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._listening = False
        self._short = False
        self._setting_up = False

    def open(self, backlog: int) -> None:
        """Begins to listen. A socket that cannot is left as it is: whoever asked for it looks."""
        self._listener.setblocking(False)
        with suppress(OSError):
            self._listener.listen(backlog)
            self._listen()

    def close(self) -> None:
        """Takes those that wait already, and no more: closing the socket would reset them."""
        if self._listening:
            self._stop()
            self._take(AT_A_TIME)
        while self._taken:
            self._set_up(self._taken.popleft())
        self._listener.close()

    def tick(self) -> None:
        """Ten times a second: tries again when there was no descriptor left."""
        if self._short and not self._listening and self._listener.fileno() >= 0:
            self._listen()

    def _listen(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._ready)
        self._listening = True

    def _stop(self) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._listening = False

    def _ready(self) -> None:
        """Somebody has connected: takes this process's share of those who wait, and no other's."""
        self._take(min(AT_A_TIME, -(-waiting(self._listener) // self._sharers)))
        if not self._setting_up:
            self._next()

    def _take(self, most: int) -> None:
        for _ in range(most):
            try:
                taken, _ = self._listener.accept()
            except BlockingIOError:
                break
            except OSError as failure:
                if failure.errno not in OUT_OF:
                    continue  # that client has gone
                self._run_short(failure)
                return
            taken.setblocking(False)
            if probes(taken):
                self._set_up(taken, probes=True)
            else:
                self._taken.append(taken)
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
        for _ in range(min(A_PASS, len(self._taken))):
            self._set_up(self._taken.popleft())
        self._setting_up = bool(self._taken)
        if self._setting_up:
            self._loop.call_soon(self._next)

    def _set_up(self, taken: socket.socket, probes: bool = False) -> None:
        front = self._make()
        front.http.probes = probes
        if probes:
            answer_probe(front, taken)
        task = self._loop.create_task(connected(self._loop, front, taken))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def connected(loop: asyncio.AbstractEventLoop, front: Front, taken: socket.socket) -> None:
    """Has the event loop read from a connection; one that is gone already is nobody's failure."""
    try:
        await loop.connect_accepted_socket(lambda: front, taken)
    except OSError:
        taken.close()


def answer_probe(front: Front, taken: socket.socket) -> None:
    """Answers a probe here and now, where all of its request is there: to set its connection up takes a few passes."""
    answer = front.http.probed(taken.recv(PROBE, socket.MSG_PEEK))
    if answer is not None:
        with suppress(OSError):
            taken.recv(PROBE)
            taken.send(answer)  # on a new connection there is room for it


def waiting(listener: socket.socket) -> int:
    """How many connections wait to be taken; at least one."""
    try:
        found, _ = WAITING.unpack_from(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104))
    except (AttributeError, OSError, struct.error):
        return FEW
    return max(1, int(found))


def probes(taken: socket.socket) -> bool:
    """Whether the first request of a connection is there, and a probe's."""
    try:
        return taken.recv(LONGEST, socket.MSG_PEEK).startswith(PROBING)
    except OSError:
        return False

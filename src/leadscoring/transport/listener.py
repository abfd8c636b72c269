"""A second port of the same process, for what the first one should not show."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from leadscoring.errors import CannotStart
from leadscoring.transport.clocked import Clocked
from leadscoring.transport.front import connection

GRACE_SECONDS = 1
"""Time for its last answers when the process ends: all that it does is quick."""

CONNECTIONS = 64
"""Open connections of the second port, at most: who watches a service needs few."""


class Beside(Clocked):
    """A server inside a process that another server runs in, and whose signals are that one's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Takes none."""
        yield


@asynccontextmanager
async def listening(app: Any, host: str, port: int) -> AsyncIterator[None]:
    """Serves ``app`` on this port too, for as long as the context is open.

    Within the limits of the first port, but for the number of connections. Every worker does, and the kernel shares
    the connections out among them, so the port lives as long as any worker does.
    """
    with bound(host, port, shared=True) as listener:
        listener.listen()
        config = uvicorn.Config(
            app, http=connection,  # type: ignore[arg-type]  # a function that makes one, as uvicorn calls it
            ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, proxy_headers=False, timeout_graceful_shutdown=GRACE_SECONDS,
        )  # fmt: skip
        server = Beside(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving


def check_free(host: str, port: int) -> None:
    """Raises ``CannotStart`` when another program listens there: workers that share a port would not notice."""
    try:
        bound(host, port, shared=False).close()
    except OSError as failure:
        raise cannot_listen(host, port, failure, "OPERATIONS_PORT") from None


def cannot_listen(host: str, port: int, failure: OSError, name: str = "PORT") -> CannotStart:
    """What to say of an address or port that cannot be had, and what to do about it."""
    why = (failure.strerror or str(failure)).lower()
    if failure.errno == errno.EADDRINUSE:
        advice = f"set {name} to another, or stop what listens there"
    elif failure.errno == errno.EACCES:
        advice = f"set {name} to one that this user may take, such as 8000"
    else:
        advice = "set HOST to an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all"
    return CannotStart(f"HOST {host} {name} {port}: {why}; {advice}")


def check_listens(listener: socket.socket, host: str, port: int) -> None:
    """Raises ``CannotStart`` when a socket does not listen although a server was told to: uvloop then keeps silent.

    Another program may have begun to listen after this one took the port: the kernel lets both have it until then.
    """
    try:
        listens = listener.fileno() >= 0 and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        listens = False
    if not listens:
        raise cannot_listen(host, port, OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE)))


def bound(host: str, port: int, shared: bool) -> socket.socket:
    """A socket that is bound and does not listen yet; ``shared`` with others that are."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made

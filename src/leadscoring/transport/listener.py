"""A second port of the same process, for operations endpoints that the public port should not expose."""

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
"""Time for the last answers at shutdown: all of its requests are short."""

CONNECTIONS = 64
"""Maximum number of connections to the second port, which only monitoring uses."""


class Beside(Clocked):
    """A server in a process whose signals another server handles."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures no signals."""
        yield


@asynccontextmanager
async def listening(app: Any, host: str, port: int) -> AsyncIterator[None]:
    """Serves ``app`` on an additional port while the context is open.

    The limits of the first port apply, except the number of connections. Every worker listens, and the kernel
    distributes the connections, so the port is available as long as any worker runs.
    """
    with bound(host, port, shared=True) as listener:
        listener.listen()
        config = uvicorn.Config(
            app, http=connection,  # type: ignore[arg-type]  # a factory, as uvicorn calls it
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
    """Raises ``CannotStart`` if another program listens there, which workers that share a port would not notice."""
    try:
        bound(host, port, shared=False).close()
    except OSError as failure:
        raise cannot_listen(host, port, failure, "OPERATIONS_PORT") from None


def cannot_listen(host: str, port: int, failure: OSError, name: str = "PORT") -> CannotStart:
    """The error for an address or port that cannot be bound, with advice."""
    why = (failure.strerror or str(failure)).lower()
    if failure.errno == errno.EADDRINUSE:
        advice = f"set {name} to another, or stop what listens there"
    elif failure.errno == errno.EACCES:
        advice = f"set {name} to one that this user may take, such as 8000"
    else:
        advice = "set HOST to an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all"
    return CannotStart(f"HOST {host} {name} {port}: {why}; {advice}")


def check_listens(listener: socket.socket, host: str, port: int) -> None:
    """Raises ``CannotStart`` if a socket does not listen after startup: uvloop does not report that failure.

    The kernel lets two programs bind the same port until one of them listens, so another program may have been first.
    """
    try:
        listens = listener.fileno() >= 0 and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        listens = False
    if not listens:
        raise cannot_listen(host, port, OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE)))


def bound(host: str, port: int, shared: bool) -> socket.socket:
    """A bound socket that does not listen yet; ``shared`` allows other sockets on the same port."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener

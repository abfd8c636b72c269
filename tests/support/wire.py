"""HTTP by hand: a connection that sends what no client library would, and reads what comes back."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from serving import Server

PATIENCE = 20.0
"""Seconds within which a server must have said something or hung up."""


class Answer(NamedTuple):
    """One answer: names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """One connection to a server."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = b""

    def send(self, sent: bytes) -> None:
        """Sends bytes as they are; a server that has hung up meanwhile is for ``answer`` to notice."""
        try:
            self._connection.sendall(sent)
        except (BrokenPipeError, ConnectionResetError):
            return

    def end(self) -> None:
        """Closes the sending half."""
        self._connection.shutdown(socket.SHUT_WR)

    def answer(self, has_body: bool = True) -> Answer | None:
        """The next answer, or nothing when the server hung up before it was whole."""
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                return None
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0)) if has_body else 0
        while len(self._read) < length:
            if not self._more():
                return None
        body, self._read = self._read[:length], self._read[length:]
        return Answer(int(first.split(" ")[1]), headers, body)

    @property
    def closed(self) -> bool:
        """Whether the server hangs up now, with nothing more said."""
        return not self._read and not self._more()

    def _more(self) -> bool:
        try:
            part = self._connection.recv(65536)
        except ConnectionResetError:
            return False
        self._read += part
        return bool(part)


@contextmanager
def wired(server: Server) -> Iterator[Wire]:
    """A connection to a server, closed at the end of the context."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        yield Wire(connection)

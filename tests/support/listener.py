"""A small HTTP server on the loopback, whose every answer a test decides."""

import threading
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from serving import DEADLINE


class Asked(NamedTuple):
    """A request, all of it."""

    method: str
    path: str
    headers: Message
    body: bytes


class Listener:
    """Answers each request with the status and the body that ``answer`` gives."""

    def __init__(self, answer: Callable[[Asked], tuple[int, bytes]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, content = answer(Asked(self.command, self.path, self.headers, body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815  # the library looks for this name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
                """Nothing: a test tells of itself."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answers nothing any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(DEADLINE)

"""A cloud on this machine: a server of S3, and a proxy before it that fails as it is asked to."""

import http.client
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[[str, str], str | None]
"""Takes the method and the path of a request; returns ``cut``, ``denied``, or ``None`` for a request that passes."""

KNOWN = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=a"
}
"""What a request has that the server takes for one of its owner; it checks no signatures."""

DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


class Cloud:
    """A server of S3 with one bucket; ``fault`` decides what becomes of each request, and ``asked`` are all of them."""

    def __init__(self, address: tuple[str, int], port: int) -> None:
        self._address = address
        self.endpoint = f"http://127.0.0.1:{port}"
        self.fault: Fault = passing
        self.asked: list[tuple[str, str]] = []

    def request(self, method: str, path: str, body: bytes = b"", headers: Any = None) -> tuple[int, Any, bytes]:
        """Asks the server itself, past the proxy."""
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or KNOWN))
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def put(self, key: str, content: bytes) -> None:
        """Makes an object."""
        assert self.request("PUT", f"/bucket/{key}", content)[0] == 200

    def get(self, key: str) -> bytes | None:
        """The content of an object, if there is one."""
        status, _, content = self.request("GET", f"/bucket/{key}")
        return content if status == 200 else None

    def empty(self, *keys: str) -> None:
        """Removes objects, and forgets faults and requests."""
        for key in keys:
            self.request("DELETE", f"/bucket/{key}")
        self.fault, self.asked = passing, []


def passing(_method: str, _path: str) -> None:
    """No fault at all."""


def handler_of(cloud: Callable[[], Cloud]) -> type[BaseHTTPRequestHandler]:
    """What the proxy does with a request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            cloud().asked.append((self.command, self.path))
            fault = cloud().fault(self.command, self.path)
            if fault == "denied":
                self.reply(403, [], DENIED)
            else:
                headers = {name: value for name, value in self.headers.items() if name.lower() != "authorization"}
                self.reply(*cloud().request(self.command, self.path, body, headers | KNOWN), cut=fault == "cut")

        def reply(self, status: int, headers: Any, content: bytes, cut: bool = False) -> None:
            self.send_response_only(status)
            length = next((value for name, value in headers if name.lower() == "content-length"), len(content))
            for name, value in [*headers, ("Content-Length", str(length))]:
                if name.lower() not in HOP or name == "Content-Length":
                    self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[: len(content) // 2] if cut else content)
            self.close_connection = self.close_connection or cut

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer  # noqa: N815  # as the library calls them

        def log_message(self, *_: Any) -> None:
            """Logs nothing."""

    return Handler


@contextmanager
def cloud_here() -> Iterator[Cloud]:
    """Starts both servers; the environment has the address of the proxy and credentials for it."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    found: list[Cloud] = []
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(lambda: found[0]))
    found.append(Cloud(server.get_host_and_port(), proxy.server_address[1]))
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    before = dict(os.environ)
    try:
        assert found[0].request("PUT", "/bucket")[0] == 200
        os.environ |= {
            "AWS_ENDPOINT_URL": found[0].endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        yield found[0]
    finally:
        os.environ.clear()
        os.environ.update(before)
        proxy.shutdown()
        proxy.server_close()
        thread.join()
        server.stop()

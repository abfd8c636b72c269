"""A collector of traces on the loopback: it takes OTLP over HTTP, as OpenTelemetry's own would."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from serving import DEADLINE


class Seen(NamedTuple):
    """A span that has arrived; ids in hexadecimal digits, the parent's empty for none."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    failed: bool
    told: dict[str, Any]
    service: dict[str, Any]
    state: str


class Collector:
    """Keeps what it gets."""

    def __init__(self) -> None:
        collector = self
        self.bodies: list[bytes] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                known = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
                if known:
                    collector.bodies.append(body)
                self.send_response(200 if known else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the library's
                """Nothing: a test tells of itself."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Takes nothing any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(DEADLINE)

    @property
    def spans(self) -> list[Seen]:
        """What has arrived, in the order in which it ended."""
        return [seen for body in list(self.bodies) for seen in spans_in(body)]

    def of(self, trace: str) -> list[Seen]:
        """The spans of one trace."""
        return [seen for seen in self.spans if seen.trace == trace]


def spans_in(body: bytes) -> Iterator[Seen]:
    """The spans of one export."""
    for of_service in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = values(of_service.resource.attributes)
        for scope in of_service.scope_spans:
            for span in scope.spans:
                assert not span.events  # where messages of errors would stand
                assert not span.status.message
                yield Seen(
                    span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.kind,
                    span.status.code == 2, values(span.attributes), service, span.trace_state,
                )  # fmt: skip


def values(attributes: Any) -> dict[str, Any]:
    """Attributes as Python has them."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector, for as long as the context is open."""
    collector = Collector()
    try:
        yield collector
    finally:
        collector.close()

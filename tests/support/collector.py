"""A collector of traces on the loopback: it takes OTLP over HTTP, as OpenTelemetry's own would."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from listener import Asked, Listener
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


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


class Collector(Listener):
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        super().__init__(self._take)

    def _take(self, asked: Asked) -> tuple[int, bytes]:
        known = asked.path == "/v1/traces" and asked.headers["Content-Type"] == "application/x-protobuf"
        if known:
            packed = asked.headers.get("Content-Encoding") == "gzip"
            self.bodies.append(gzip.decompress(asked.body) if packed else asked.body)
        return 200 if known else 404, b""

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

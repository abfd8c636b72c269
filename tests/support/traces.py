"""Services that send their traces to a collector of the tests'."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from collector import Collector, Seen, collecting
from factories import model_file
from serving import Server, eventually, serving
from ways import Way, way

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLER = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=opaque"}
WAYS = ("sagemaker-csv", "azure")
"""Ways to a remote model, one of each library."""

SERVER, CLIENT, INTERNAL = 2, 3, 1
"""Kinds of spans, as the protocol numbers them."""


def tracing(collector: Collector) -> dict[str, str]:
    """The settings of a service that tells this collector soon."""
    return {
        "OTEL_TRACES": "on",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "no_proxy": "127.0.0.1",
    }


class Traced(NamedTuple):
    """A service with a remote model, and where its traces arrive."""

    server: Server
    way: Way
    collector: Collector

    def trace(self, spans: int, trace: str = TRACE) -> list[Seen]:
        """The spans of a trace as soon as so many have come, with that of the request, which ends last."""

        def told() -> bool:
            found = self.collector.of(trace)
            return len(found) >= spans and any(span.kind == SERVER for span in found)

        assert eventually(told), self.collector.spans
        return self.collector.of(trace)


@contextmanager
def traced_remotely(by: str, folder: Path) -> Iterator[Traced]:
    """A service that asks a remote model by one of the ways."""
    with (
        collecting() as collector,
        way(by, folder, model_file(folder)) as asked,
        asked.serving(folder, **tracing(collector)) as server,
    ):
        yield Traced(server, asked, collector)


@contextmanager
def traced_locally(folder: Path) -> Iterator[tuple[Server, Collector]]:
    """A service with its own model, and where its traces arrive."""
    with collecting() as collector, serving(folder, model_file(folder), **tracing(collector)) as server:
        yield server, collector

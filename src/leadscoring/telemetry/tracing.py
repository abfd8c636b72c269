"""Traces by OpenTelemetry, which is imported only where ``OTEL_TRACES=on`` asks for them.

Where spans go, how many are kept and what they are sent with is OpenTelemetry's own configuration (``OTEL_*``). No span
holds anything of a lead: of an error it has the type, since a message may quote what a client sent.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from leadscoring import __version__
from leadscoring.settings import Settings
from leadscoring.telemetry.log import hush

NAME = "lead-scoring"
"""The service in traces, unless OTEL_SERVICE_NAME has another name for it."""

LAST_SECONDS = 1.0
"""For the last spans to be sent: a collector that is gone must not keep the service from ending in its time."""

UNNAMED = "unknown_service"
CONTEXT = TraceContextTextMapPropagator()
"""``traceparent`` and ``tracestate`` alone: baggage may hold what a client knows of a lead, and goes nowhere."""

METHOD, ROUTE, STATUS, ERROR = "http.request.method", "http.route", "http.response.status_code", "error.type"
HOST, PORT = "server.address", "server.port"
PROVIDER, LEADS, REQUEST_ID = "leadscoring.provider", "leadscoring.leads", "leadscoring.request_id"
"""What spans tell: OpenTelemetry's names where it has one."""

Attributes = Mapping[str, str | int]


def start(settings: Settings) -> Callable[[], None]:
    """Sends spans from now on; gives what sends the last of them and ends that."""
    hush("urllib3")
    provider = TracerProvider(resource=resource(settings), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

    def end() -> None:
        if sys.is_finalizing():  # the start has failed: no thread starts any more, and there are no spans
            return
        ending = Thread(target=provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(LAST_SECONDS)

    return end


def resource(settings: Settings) -> Resource:
    """What the spans are of; the variables of OpenTelemetry have the last word."""
    told = Resource.create()
    ours = Resource({"service.version": __version__, "deployment.environment.name": settings.env})
    named = str(told.attributes["service.name"])
    return ours.merge(told).merge(Resource({"service.name": NAME if named.startswith(UNNAMED) else named}))


def caller(headers: Mapping[str, str]) -> Context:
    """The trace that a request belongs to, by its headers; a new one when they name none, or none that makes sense."""
    return CONTEXT.extract(headers, context=Context())


def onward() -> dict[str, str]:
    """The headers by which whoever is called now belongs to the same trace."""
    headers: dict[str, str] = {}
    CONTEXT.inject(headers)
    return headers


def begin(name: str, kind: SpanKind, attributes: Attributes, of: Context | None = None) -> Span:
    """A span that somebody has to end."""
    return trace.get_tracer("leadscoring", __version__).start_span(name, of, kind, attributes)


@contextmanager
def within(span: Span) -> Iterator[None]:
    """Makes a span the parent of those that begin here; an error that passes through leaves its type on it."""
    with trace.use_span(span, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as failure:
            span.set_attribute(ERROR, type(failure).__name__)
            raise


@contextmanager
def spanning(name: str, kind: SpanKind, attributes: Attributes, of: Context | None = None) -> Iterator[Span]:
    """A span from here to the end of the context."""
    span = begin(name, kind, attributes, of)
    try:
        with within(span):
            yield span
    finally:
        span.end()

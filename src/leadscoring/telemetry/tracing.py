"""Traces with OpenTelemetry, which is imported only if ``OTEL_TRACES=on``.

The exporter, sampling and limits are configured by OpenTelemetry's own variables (``OTEL_*``). No span contains data
of a lead: of an error it has the type only, since a message may quote what a client sent.
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
"""The service name in traces, unless OTEL_SERVICE_NAME is set."""

LAST_SECONDS = 1.0
"""Time to send the last spans: an unreachable collector must not delay the shutdown beyond its grace period."""

UNNAMED = "unknown_service"
CONTEXT = TraceContextTextMapPropagator()
"""Propagates ``traceparent`` and ``tracestate`` only: baggage may contain data of a lead and is not forwarded."""

METHOD, ROUTE, STATUS, ERROR = "http.request.method", "http.route", "http.response.status_code", "error.type"
HOST, PORT = "server.address", "server.port"
PROVIDER, LEADS, REQUEST_ID = "leadscoring.provider", "leadscoring.leads", "leadscoring.request_id"
"""Span attributes, with OpenTelemetry's semantic names where they exist."""

Attributes = Mapping[str, str | int]


def start(settings: Settings) -> Callable[[], None]:
    """Starts sending spans; returns a function that sends the last of them and stops."""
    hush("urllib3")
    provider = TracerProvider(resource=resource(settings), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

    def end() -> None:
        if sys.is_finalizing():  # the start failed: threads cannot start any more, and there are no spans
            return
        ending = Thread(target=provider.shutdown, name="last spans", daemon=True)
        ending.start()
        ending.join(LAST_SECONDS)

    return end


def resource(settings: Settings) -> Resource:
    """The resource attributes of all spans; OpenTelemetry's variables take precedence."""
    configured = Resource.create()
    ours = Resource({"service.version": __version__, "deployment.environment.name": settings.env})
    named = str(configured.attributes["service.name"])
    return ours.merge(configured).merge(Resource({"service.name": NAME if named.startswith(UNNAMED) else named}))


def caller(headers: Mapping[str, str]) -> Context:
    """The trace context in a request's headers; a new trace if they have none or an invalid one."""
    return CONTEXT.extract(headers, context=Context())


def onward() -> dict[str, str]:
    """The headers that propagate the current trace to a called service."""
    headers: dict[str, str] = {}
    CONTEXT.inject(headers)
    return headers


def begin(name: str, kind: SpanKind, attributes: Attributes, of: Context | None = None) -> Span:
    """Starts a span that the caller has to end."""
    return trace.get_tracer("leadscoring", __version__).start_span(name, of, kind, attributes)


@contextmanager
def within(span: Span) -> Iterator[None]:
    """Makes a span the parent of spans started inside; an exception sets the span's error type."""
    with trace.use_span(span, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except BaseException as failure:
            span.set_attribute(ERROR, type(failure).__name__)
            raise


@contextmanager
def spanning(name: str, kind: SpanKind, attributes: Attributes, of: Context | None = None) -> Iterator[Span]:
    """A span that ends with the context."""
    span = begin(name, kind, attributes, of)
    try:
        with within(span):
            yield span
    finally:
        span.end()

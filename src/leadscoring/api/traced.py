"""Handlers, seen by OpenTelemetry: a span for each request that wants something scored."""

from collections.abc import Awaitable, Callable, Mapping

from opentelemetry.trace import SpanKind, StatusCode

from leadscoring.api.exchange import Exchange, Reply
from leadscoring.api.failures import status_of
from leadscoring.tracing import LEADS, METHOD, REQUEST_ID, ROUTE, STATUS, caller, spanning

Handler = Callable[[Exchange], Awaitable[Reply]]

FROM_CALLER = (b"traceparent", b"tracestate")
SERVER_ERROR = 500


def traced(routes: Mapping[tuple[str, str], Handler]) -> dict[tuple[str, str], Handler]:
    """The same routes; those that score tell of every request. Nobody wants to see each look at health."""
    return {
        (method, path): told_of(handler, method, path) if method == "POST" else handler
        for (method, path), handler in routes.items()
    }


def told_of(handler: Handler, method: str, path: str) -> Handler:
    """A handler within a span of the caller's trace."""

    async def respond(exchange: Exchange) -> Reply:
        headers = {
            name.decode(): value.decode("latin-1") for name, value in exchange.scope["headers"] if name in FROM_CALLER
        }
        about = {METHOD: method, ROUTE: path, REQUEST_ID: exchange.request_id}
        with spanning(f"{method} {path}", SpanKind.SERVER, about, caller(headers)) as span:
            status = SERVER_ERROR
            try:
                reply = await handler(exchange)
                status = reply.status
                return reply
            except Exception as failure:
                status = status_of(failure)
                raise
            finally:
                span.set_attribute(STATUS, status)
                span.set_attribute(LEADS, exchange.leads)
                if status >= SERVER_ERROR:
                    span.set_status(StatusCode.ERROR)

    return respond

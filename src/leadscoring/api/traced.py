"""OpenTelemetry tracing of handlers: a span for each scoring request, including those rejected by their head."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing

from msgspec.structs import replace
from opentelemetry.trace import Span, SpanKind, StatusCode

from leadscoring.errors import Overloaded
from leadscoring.telemetry.tracing import ERROR, LEADS, METHOD, REQUEST_ID, ROUTE, STATUS, begin, caller, within
from leadscoring.transport.exchange import Exchange, Reply, StreamedReply
from leadscoring.transport.failures import status_of
from leadscoring.transport.head import Head

Handler = Callable[[Exchange], Awaitable[Reply]]

FROM_CALLER = (b"traceparent", b"tracestate")
TurnAway = Callable[[Head, bool], bytes]

SERVER_ERROR = 500

answered = re.compile(rb"HTTP/1\.1 (\d+) [^\0]*?\r\nx-request-id: ([!-~]+)\r\n").match
"""Matches the status and the request id of a prepared response."""


def traced(routes: Mapping[tuple[str, str], Handler]) -> dict[tuple[str, str], Handler]:
    """Wraps the handlers of scoring routes with tracing; health checks and other GET routes are not traced."""
    return {
        (method, path): traced_handler(handler, method, path) if method == "POST" else handler
        for (method, path), handler in routes.items()
    }


def traced_handler(handler: Handler, method: str, path: str) -> Handler:
    """Wraps a handler in a server span of the caller's trace."""

    async def respond(exchange: Exchange) -> Reply:
        about = {METHOD: method, ROUTE: path, REQUEST_ID: exchange.request_id}
        span = begin(f"{method} {path}", SpanKind.SERVER, about, caller(sent(exchange.scope["headers"])))
        status, goes_on = SERVER_ERROR, False
        try:
            with within(span):
                reply = await handler(exchange)
            status = reply.status
            if isinstance(reply, StreamedReply):
                goes_on = True
                return replace(reply, parts=traced_parts(reply, span, exchange))
            return reply
        except Exception as failure:
            status = status_of(failure)
            raise
        finally:
            if not goes_on:
                end(span, status, exchange)

    return respond


async def traced_parts(reply: StreamedReply, span: Span, exchange: Exchange) -> AsyncGenerator[bytes, None]:
    """Yields the parts of a reply, produced within the span of the request, which ends with the last part."""
    try:
        async with aclosing(reply.parts):
            while True:
                with within(span):
                    part = await anext(reply.parts, None)
                if part is None:
                    break
                yield part
    finally:
        end(span, reply.status, exchange)


def end(span: Span, status: int, exchange: Exchange) -> None:
    """Ends the span of a request with the status of its reply."""
    span.set_attribute(STATUS, status)
    span.set_attribute(LEADS, exchange.leads)
    if status >= SERVER_ERROR:
        span.set_status(StatusCode.ERROR)
    span.end()


def traced_refusals(turn_away: TurnAway) -> TurnAway:
    """Wraps the rejection of requests by their head, so that each has a span of the caller's trace."""

    def refuse(head: Head, closes: bool) -> bytes:
        answer = turn_away(head, closes)
        status_and_id = answered(answer)
        if status_and_id:
            about = {
                METHOD: "POST",
                ROUTE: head.path,
                STATUS: int(status_and_id[1]),
                LEADS: 0,
                REQUEST_ID: status_and_id[2].decode(),
            }
            span = begin(f"POST {head.path}", SpanKind.SERVER, about, caller(sent(head.headers.items())))
            span.set_attribute(ERROR, Overloaded.__name__)
            span.set_status(StatusCode.ERROR)
            span.end()
        return answer

    return refuse


def sent(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Returns the trace context headers of a request."""
    return {name.decode(): value.decode("latin-1") for name, value in headers if name in FROM_CALLER}

"""Handlers, seen by OpenTelemetry: a span for each request that wants something scored, refused at its head or not."""

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
"""What an answer that was made beforehand says of itself."""


def traced(routes: Mapping[tuple[str, str], Handler]) -> dict[tuple[str, str], Handler]:
    """The same routes; those that score tell of every request. Nobody wants to see each look at health."""
    return {
        (method, path): told_of(handler, method, path) if method == "POST" else handler
        for (method, path), handler in routes.items()
    }


def told_of(handler: Handler, method: str, path: str) -> Handler:
    """A handler within a span of the caller's trace."""

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
                return replace(reply, parts=told_to_the_end(reply, span, exchange))
            return reply
        except Exception as failure:
            status = status_of(failure)
            raise
        finally:
            if not goes_on:
                end(span, status, exchange)

    return respond


async def told_to_the_end(reply: StreamedReply, span: Span, exchange: Exchange) -> AsyncGenerator[bytes, None]:
    """The parts of a reply, made within the span of their request, which ends with the last."""
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
    """Ends the span of a request that was answered with this status."""
    span.set_attribute(STATUS, status)
    span.set_attribute(LEADS, exchange.leads)
    if status >= SERVER_ERROR:
        span.set_status(StatusCode.ERROR)
    span.end()


def told_away(turn_away: TurnAway) -> TurnAway:
    """The same refusals, each with a span of the caller's trace that began and ended with it."""

    def refuse(head: Head, closes: bool) -> bytes:
        answer = turn_away(head, closes)
        said = answered(answer)
        if said:
            about = {METHOD: "POST", ROUTE: head.path, STATUS: int(said[1]), LEADS: 0, REQUEST_ID: said[2].decode()}
            told = begin(f"POST {head.path}", SpanKind.SERVER, about, caller(sent(head.headers.items())))
            told.set_attribute(ERROR, Overloaded.__name__)
            told.set_status(StatusCode.ERROR)
            told.end()
        return answer

    return refuse


def sent(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """What a request says of the trace that it belongs to."""
    return {name.decode(): value.decode("latin-1") for name, value in headers if name in FROM_CALLER}

"""Handlers, seen by OpenTelemetry: a span for each request that wants something scored, refused at its head or not."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping

from opentelemetry.trace import SpanKind, StatusCode

from leadscoring.api.exchange import Exchange, Reply
from leadscoring.api.failures import status_of
from leadscoring.api.head import Head
from leadscoring.errors import Overloaded
from leadscoring.tracing import ERROR, LEADS, METHOD, REQUEST_ID, ROUTE, STATUS, begin, caller, spanning

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
        with spanning(f"{method} {path}", SpanKind.SERVER, about, caller(sent(exchange.scope["headers"]))) as span:
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

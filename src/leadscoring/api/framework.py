"""The slow path of requests, through Starlette: for browsers, unusual methods, and unknown paths."""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leadscoring.api.cors import Cors
from leadscoring.api.paths import Methods, by_path, methods_of, not_found, wrong_method
from leadscoring.errors import LeadScoringError, RequestError
from leadscoring.telemetry.log import Log
from leadscoring.transport.exchange import ClientGone, Exchange, Receive, Reply, Scope, Send, StreamedReply
from leadscoring.transport.failures import plain_problem, problem
from leadscoring.transport.sending import gathered, send_parts

Handler = Callable[[Exchange], Awaitable[Reply]]
RouteTable = dict[tuple[str, str], Handler]
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

log = Log("leadscoring")


def framework(routes: RouteTable, cors_origins: tuple[str, ...], lifespan: Lifespan) -> Starlette:
    """Creates a Starlette application with the same routes, and CORS."""
    made = Starlette(
        routes=[Route(path, endpoint(path, handler), methods=[method]) for (method, path), handler in routes.items()],
        middleware=[
            Middleware(
                Cors,
                allow_origins=cors_origins,
                allow_methods=["GET", "POST"],
                # libraries add many (X-Requested-With, traceparent, sentry-trace, x-datadog-...), and none grants
                # access, which depends on the key and CORS_ORIGINS only
                allow_headers=["*"],
                expose_headers=[
                    "X-Request-ID",
                    "Retry-After",
                    "RateLimit-Limit",
                    "RateLimit-Remaining",
                    "RateLimit-Reset",
                    "Server-Timing",
                ],
            )
        ],
        lifespan=lifespan,
        exception_handlers={HTTPException: lost(by_path(routes))},  # type: ignore[dict-item]  # Starlette types handlers by Exception
    )
    made.router.redirect_slashes = False  # a redirected client would POST without its body
    return made


def endpoint(path: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Wraps a handler as a Starlette endpoint."""

    async def respond(request: Request) -> Response:
        exchange: Exchange = request.scope["exchange"]
        exchange.endpoint = path
        try:
            reply = await handler(exchange)
            if isinstance(reply, StreamedReply):
                if exchange.scope["http_version"] != "1.0":
                    return InParts(reply, exchange)
                reply = await gathered(reply, exchange)
            return response(reply)
        except ClientGone:
            raise
        except Exception as failure:
            return response(failed(failure, exchange))

    return respond


def lost(methods: Methods) -> Callable[[Request, HTTPException], Awaitable[Response]]:
    """Returns the exception handler for unknown paths and methods."""

    async def http_problem(request: Request, failure: HTTPException) -> Response:
        status, path = failure.status_code, request.scope["path"]
        detail = failure.detail
        if status == 404:
            detail = not_found(path, methods)
        elif status == 405:
            detail = wrong_method(request.method, path, methods)
        headers = tuple((name.lower().encode(), value.encode()) for name, value in (failure.headers or {}).items())
        if status == 405:  # Starlette names the methods of one of the routes of a path
            headers = ((b"allow", allowed(methods_of(path, methods)).encode()),)
        return response(plain_problem(status, detail, request.scope["exchange"].request_id, headers))

    return http_problem


def allowed(methods: Iterable[str]) -> str:
    """The header Allow of a path with these methods; whoever may GET may ask for the head."""
    return ", ".join(found for method in methods for found in ((method, "HEAD") if method == "GET" else (method,)))


class InParts(Response):
    """A Starlette response that sends a streamed reply."""

    def __init__(self, reply: StreamedReply, exchange: Exchange) -> None:
        super().__init__(status_code=reply.status)
        self._reply = reply
        self._exchange = exchange

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Sends the reply."""
        await send_parts(self._reply, self._exchange, send, [])


def response(reply: Reply) -> Response:
    """Converts a reply to a Starlette response."""
    made = Response(reply.body, reply.status, media_type=None)
    made.raw_headers.append((b"content-type", reply.media_type))
    made.raw_headers.extend(reply.headers)
    return made


def failed(failure: Exception, exchange: Exchange) -> Reply:
    """Converts the exception of a handler to a problem reply; logs unexpected ones."""
    exchange.error = type(failure).__name__
    if isinstance(failure, LeadScoringError):
        if isinstance(failure, RequestError) and failure.key:
            exchange.key = failure.key
        return problem(failure, exchange.request_id)
    log.error("request failed", request_id=exchange.request_id, endpoint=exchange.endpoint, exc_info=failure)
    return plain_problem(500, "the service failed to answer; its log has the reason", exchange.request_id)

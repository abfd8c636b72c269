"""The longer way of a request, through Starlette: for browsers, unusual methods, and paths that are none."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leadscoring.api.cors import Cors
from leadscoring.api.exchange import ClientGone, Exchange, Reply
from leadscoring.api.failures import plain_problem, problem
from leadscoring.errors import LeadScoringError, RequestError
from leadscoring.logs import Log

Handler = Callable[[Exchange], Awaitable[Reply]]
RouteTable = dict[tuple[str, str], Handler]
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

TRACE = ("traceparent", "tracestate")
"""What pages that are traced send with every request."""

log = Log("leadscoring")


def framework(routes: RouteTable, cors_origins: tuple[str, ...], lifespan: Lifespan) -> Starlette:
    """The same routes inside Starlette, with CORS around them."""
    made = Starlette(
        routes=[Route(path, endpoint(path, handler), methods=[method]) for (method, path), handler in routes.items()],
        middleware=[
            Middleware(
                Cors,
                allow_origins=cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Content-Type", "X-API-Key", "X-Request-ID", "X-Request-Timeout-Ms", *TRACE],
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
        exception_handlers={HTTPException: http_problem},  # type: ignore[dict-item]  # Starlette types handlers by Exception
    )
    made.router.redirect_slashes = False  # a client that is redirected on POST loses its body
    return made


def endpoint(path: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler of ours as an endpoint of Starlette's."""

    async def respond(request: Request) -> Response:
        exchange: Exchange = request.scope["exchange"]
        exchange.endpoint = path
        try:
            return response(await handler(exchange))
        except ClientGone:
            raise
        except Exception as failure:
            return response(failed(failure, exchange))

    return respond


async def http_problem(request: Request, failure: HTTPException) -> Response:
    """The reply for a path or method that no route takes."""
    said = {404: "there is nothing at this path; / lists where to go", 405: "this path does not take this method"}
    detail = said.get(failure.status_code, failure.detail)
    headers = tuple((name.lower().encode(), value.encode()) for name, value in (failure.headers or {}).items())
    return response(plain_problem(failure.status_code, detail, request.scope["exchange"].request_id, headers))


def response(reply: Reply) -> Response:
    """A reply as Starlette sends it."""
    made = Response(reply.body, reply.status, media_type=None)
    made.raw_headers.append((b"content-type", reply.media_type))
    made.raw_headers.extend(reply.headers)
    return made


def failed(failure: Exception, exchange: Exchange) -> Reply:
    """What to reply when a handler failed: every error as a problem."""
    exchange.error = type(failure).__name__
    if isinstance(failure, LeadScoringError):
        if isinstance(failure, RequestError) and failure.key:
            exchange.key = failure.key
        return problem(failure, exchange.request_id)
    log.error("request failed", request_id=exchange.request_id, endpoint=exchange.endpoint, exc_info=failure)
    return plain_problem(500, "the service failed to answer; its log has the reason", exchange.request_id)

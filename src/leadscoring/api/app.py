"""The service as one ASGI application: every request enters and leaves here."""

import itertools
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from time import perf_counter

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from leadscoring.api.admission import Admission
from leadscoring.api.docs import Documentation
from leadscoring.api.exchange import ClientGone, Exchange, Message, Receive, Reply, Scope, Send
from leadscoring.api.failures import plain_problem, problem
from leadscoring.api.lifecycle import Lifecycle
from leadscoring.api.model import ModelRoutes
from leadscoring.api.operations import Operations
from leadscoring.api.protocol import Gate, Limits
from leadscoring.api.score import Scoring
from leadscoring.errors import LeadScoringError, Overloaded
from leadscoring.settings import read_settings
from leadscoring.wiring import Service, open_service

Handler = Callable[[Exchange], Awaitable[Reply]]
RouteTable = dict[tuple[str, str], Handler]

PATHS = (
    "/",
    "/api/v1/model/features",
    "/api/v1/model/importance",
    "/api/v1/model/info",
    "/api/v1/score",
    "/api/v1/score/batch",
    "/docs",
    "/health",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.json",
)
"""Every path of the service, by which requests are counted."""

SCORING_PATHS = ("/api/v1/score", "/api/v1/score/batch")

METRICS_FILE = "LEADSCORING_METRICS_FILE"
"""The variable by which the supervisor tells its workers where they count together."""

REJECTED = {"Overloaded": "overloaded", "DeadlineExceeded": "deadline", "RateLimited": "rate_limit"}
"""Errors by which the service protects itself, as its metrics name them."""

log = structlog.get_logger("leadscoring")


class App:
    """Gives every request an id, answers it, counts, times and logs it; no failure escapes.

    A request that no browser page sent (no ``Origin``) and whose path and method are a route goes
    straight to its handler. All others take the way through Starlette, which knows CORS, HEAD,
    what methods a path takes, and what to say of a path that is none.
    """

    def __init__(self, service: Service, close: Callable[[], None]) -> None:
        self.lifecycle = Lifecycle()
        self._metrics = metrics = service.metrics
        settings = service.settings
        admission = Admission(
            settings.max_queue_seconds, settings.request_timeout_seconds, metrics.queued.set, metrics.waited
        )
        self.gate = Gate(Limits.of(settings), admission, metrics.rejected, self.turn_away)
        self._routes = route_table(service, self.lifecycle, admission)
        self._access_log = service.access_log
        self._framework = framework(self._routes, service.settings.cors_origins, self.lifecycle.start, close)
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request, or takes part in the life of the server."""
        if scope["type"] != "http":
            await self._framework(scope, receive, send)
            return
        began = perf_counter()
        exchange = Exchange(scope, receive, f"{self._prefix}-{next(self._numbers):x}", began)
        self._metrics.active.add()
        status = 499  # the client hung up: nothing was sent
        try:
            handler = None if exchange.origin else self._routes.get((scope["method"], scope["path"]))
            if handler is None:
                status = await self._through_framework(exchange, send)
            else:
                exchange.endpoint = scope["path"]
                reply = await answered(handler, exchange)
                status = reply.status
                await transmit(reply, exchange.request_id, send)
        except ClientGone:
            exchange.error = "ClientGone"
        finally:
            self._metrics.active.add(-1.0)
            seconds = perf_counter() - began
            if exchange.error in REJECTED:
                self._metrics.rejected(REJECTED[exchange.error])
            self._metrics.answered(scope["method"], exchange.endpoint, status, seconds)
            self._access_log.write(
                exchange.request_id,
                exchange.key,
                scope["method"],
                scope["path"][:200],
                status,
                seconds,
                exchange.leads,
                exchange.error,
            )

    def turn_away(self, target: bytes, headers: list[tuple[bytes, bytes]]) -> Reply | None:
        """The answer to a scoring request that cannot be scored in time, from its head alone.

        Nothing for other requests, and for those of browsers, whose answers need more headers.
        """
        path = target.partition(b"?")[0].decode("latin-1")
        if path not in SCORING_PATHS:
            return None
        exchange = Exchange({"headers": headers}, no_body, f"{self._prefix}-{next(self._numbers):x}")
        if exchange.origin:
            return None
        reply = problem(Overloaded(), exchange.request_id)
        self._metrics.rejected("overloaded")
        self._metrics.answered("POST", path, reply.status, 0.0)
        self._access_log.write(exchange.request_id, None, "POST", path, reply.status, 0.0, 0, "Overloaded")
        return reply._replace(headers=(*reply.headers, (b"x-request-id", exchange.request_id.encode())))

    async def _through_framework(self, exchange: Exchange, send: Send) -> int:
        status = 499

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", exchange.request_id.encode())]
            await send(message)

        exchange.scope["exchange"] = exchange
        await self._framework(exchange.scope, exchange.receive, sending)
        return status


async def no_body() -> Message:
    """The body of a request that was turned away: nobody asks for it."""
    raise ClientGone


def create() -> App:
    """The application that this process's environment describes, for the server to run.

    Raises ``SettingError`` or a ``ModelError`` when it cannot be served.
    """
    settings = read_settings(os.environ)
    closing = ExitStack()
    file = os.environ.get(METRICS_FILE)
    service = closing.enter_context(open_service(settings, PATHS, metrics_file=Path(file) if file else None))
    return App(service, closing.close)


def route_table(service: Service, lifecycle: Lifecycle, admission: Admission) -> RouteTable:
    """Every route of the service."""
    settings, metrics = service.settings, service.metrics
    scoring = Scoring(service.scorer, service.keys, metrics, settings, admission)
    model = ModelRoutes(service.scorer, service.keys)
    operations = Operations(service.scorer, metrics, lifecycle)
    documentation = Documentation(service.scorer, settings)
    return {
        ("POST", "/api/v1/score"): scoring.one,
        ("POST", "/api/v1/score/batch"): scoring.batch,
        ("GET", "/api/v1/model/info"): model.info,
        ("GET", "/api/v1/model/features"): model.features,
        ("GET", "/api/v1/model/importance"): model.importance,
        ("GET", "/"): operations.root,
        ("GET", "/health"): operations.health,
        ("GET", "/health/live"): operations.live,
        ("GET", "/health/ready"): operations.ready,
        ("GET", "/metrics"): operations.metrics,
        ("GET", "/docs"): documentation.page,
        ("GET", "/openapi.json"): documentation.openapi,
    }


async def answered(handler: Handler, exchange: Exchange) -> Reply:
    """What a handler replies, with every error turned into a problem."""
    try:
        return await handler(exchange)
    except LeadScoringError as error:
        exchange.error = type(error).__name__
        return problem(error, exchange.request_id)
    except ClientGone:
        raise
    except Exception as failure:
        exchange.error = type(failure).__name__
        log.exception("request failed", request_id=exchange.request_id, endpoint=exchange.endpoint)
        return plain_problem(500, "the service failed to answer; its log has the reason", exchange.request_id)


async def transmit(reply: Reply, request_id: str, send: Send) -> None:
    """Sends a reply."""
    headers = [
        (b"content-type", reply.media_type),
        (b"content-length", b"%d" % len(reply.body)),
        (b"x-request-id", request_id.encode()),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def framework(
    routes: RouteTable, cors_origins: tuple[str, ...], start: Callable[[], None], close: Callable[[], None]
) -> Starlette:
    """The same routes inside Starlette, with CORS around them, ``start`` and ``close`` at the ends of its life."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        start()
        yield
        close()

    made = Starlette(
        routes=[Route(path, endpoint(path, handler), methods=[method]) for (method, path), handler in routes.items()],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Content-Type", "X-API-Key", "X-Request-ID"],
                expose_headers=[
                    "X-Request-ID",
                    "Retry-After",
                    "RateLimit-Limit",
                    "RateLimit-Remaining",
                    "RateLimit-Reset",
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
        return response(await answered(handler, exchange))

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

"""The service as one ASGI application: every request enters and leaves here."""

import itertools
import os
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import perf_counter, time
from typing import Any

from starlette.applications import Starlette

from leadscoring.api.admission import Admission
from leadscoring.api.backlog import Backlog
from leadscoring.api.buffers import Buffers, most
from leadscoring.api.compression import with_compression
from leadscoring.api.exchange import (
    BEGAN,
    DROPPED,
    IN_ONE_WRITE,
    SANE_REQUEST_ID,
    ClientGone,
    Exchange,
    Message,
    Receive,
    Reply,
    Scope,
    Send,
    StreamedReply,
    collected,
    head,
    request_id_in,
)
from leadscoring.api.failures import problem
from leadscoring.api.framework import Lifespan, RouteTable, failed, framework, response
from leadscoring.api.gate import Gate, Limits, Refusal
from leadscoring.api.head import Head
from leadscoring.api.kept import Kept
from leadscoring.api.lifecycle import Lifecycle
from leadscoring.api.limits import RateLimit
from leadscoring.api.listener import CONNECTIONS, listening
from leadscoring.api.operations import Operations
from leadscoring.api.pulse import Pulse
from leadscoring.api.refusal import Prepared
from leadscoring.api.routes import SINGLE_PATH, detail_table, route_table
from leadscoring.api.score import Scoring
from leadscoring.api.sending import send_parts
from leadscoring.errors import DeadlineExceeded, Overloaded, RequestError
from leadscoring.logs import Answered
from leadscoring.metrics import UNKNOWN
from leadscoring.settings import read_settings
from leadscoring.tally import OTHER
from leadscoring.vitals import age, give_back_memory, started_at
from leadscoring.wiring import Service, Shared, open_service

Prompt = Callable[[Exchange], Coroutine[Any, Any, Reply]]
"""A handler that waits for nothing when the whole request is there and nobody stands in line."""

PATHS = (
    "/",
    "/api/v1/model/features",
    "/api/v1/model/importance",
    "/api/v1/model/drift",
    "/api/v1/model/info",
    "/api/v1/score",
    "/api/v1/score/batch",
    "/docs",
    "/execution-parameters",
    "/health",
    "/health/live",
    "/health/ready",
    "/invocations",
    "/metrics",
    "/openapi.json",
    "/ping",
    "/resources",
    "/status",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/{name}",
    "/v2/models/{name}/infer",
    "/v2/models/{name}/ready",
    "/v2/models/{name}/versions/{version}",
    "/v2/models/{name}/versions/{version}/infer",
    "/v2/models/{name}/versions/{version}/ready",
)
"""Every path of the service, by which requests are counted."""

SCORING_PATHS = (SINGLE_PATH, "/api/v1/score/batch")

SHARED_FOLDER = "LEADSCORING_SHARED_FOLDER"
"""The variable by which the supervisor tells its workers where to find what they share."""

REJECTED = {"Overloaded": "overloaded", "DeadlineExceeded": "deadline", "RateLimited": "rate_limit"}
"""Errors by which the service protects itself, as its metrics name them."""

PROBES = frozenset(("/health", "/health/live", "/health/ready", "/ping", "/v2/health/live", "/v2/health/ready"))
"""Paths that are answered at once, however busy the process is."""

OTHER_SECONDS = 0.00005
"""What it takes to answer a request that scores nothing, about."""

TURNED_AWAY = Prepared(lambda request_id: problem(Overloaded(), request_id))

REQUEST_ID, CUT_OFF = "leadscoring.request_id", "leadscoring.cut_off"
"""Where the scope of a request has its id and, when it was refused before it was whole, the status of that."""


class App:
    """Gives every request an id, answers it, counts, times and logs it; no failure escapes.

    A plain one that is all there, and whose path is a probe's or one of ``prompt``, is answered where it was read: no
    parser, task or scope is made for it. Any other that is not ``unusual`` (no browser's ``Origin``, one ``Host``,
    HTTP/1.1) and whose path and method are a route goes straight to its handler. All others take the way through
    Starlette, which knows CORS, HEAD, what methods a path takes, and what to answer for an unknown path.
    """

    def __init__(
        self,
        service: Service,
        routes: RouteTable,
        lifespan: Lifespan,
        lifecycle: Lifecycle,
        backlog: Backlog,
        prompt: Mapping[str, Prompt] | None = None,
    ) -> None:
        self.lifecycle = lifecycle
        self.gate = Gate(
            Limits.of(service.settings),
            backlog,
            service.metrics.rejected,
            self.caller_of,
            self.turn_away,
            self.answer_at_once,
            self.refused,
        )
        self._admission = backlog.admission
        self._routes = routes
        self._prompt = prompt or {}
        self._probes: dict[str, Any] = {path: handler for (_, path), handler in routes.items() if path in PROBES}
        self._metrics = service.metrics
        self._keys = service.keys
        self._access_log = service.access_log
        self._framework = framework(routes, service.settings.cors_origins, lifespan)
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request, or takes part in the life of the server."""
        if scope["type"] != "http":
            await self._framework(scope, receive, send)
            return
        exchange = Exchange(
            scope, receive, scope.get(REQUEST_ID) or self._next_id(), scope.get(BEGAN) or perf_counter()
        )
        scope[REQUEST_ID] = exchange.request_id
        self._metrics.arrived()
        status = 499  # the client hung up: nothing was sent
        try:
            handler = None if exchange.unusual else self._routes.get((scope["method"], scope["path"]))
            if handler is None:
                if exchange.path not in PROBES:
                    await self._turn(exchange)
                status = await self._through_framework(exchange, send)
            else:
                exchange.endpoint = scope["path"]
                try:  # no layer that only forwards: each costs a request half a microsecond
                    reply = await handler(exchange)
                except ClientGone:
                    raise
                except Exception as failure:
                    reply = failed(failure, exchange)
                status = reply.status
                if isinstance(reply, StreamedReply):
                    await send_parts(reply, exchange, send, [(b"x-request-id", exchange.request_id.encode())])
                    return
                if not exchange.leads and exchange.path not in PROBES:
                    await self._turn(exchange, scope.get("extensions", {}).get(DROPPED))
                answer = scope.get("extensions", {}).get(IN_ONE_WRITE)
                if answer is not None:
                    await answer(reply, exchange.request_id)
                else:
                    await send(head(reply, exchange.request_id))
                    await send({"type": "http.response.body", "body": reply.body})
        except ClientGone:
            status = scope.get(CUT_OFF, 499)
            exchange.error = "ClientGone" if status == 499 else None
        finally:
            self._admission.kept.release(exchange)
            self._note(exchange, status)

    def answer_at_once(self, head: Head, body: bytes) -> tuple[Reply, str] | None:
        """The reply to a plain request that is all there, and its id; nothing where it may have to wait."""
        if head.method == "GET":
            handler = self._probes.get(head.path)
        else:
            handler = None if self._admission.busy else self._prompt.get(head.path)
        if handler is None:
            return None
        exchange = Exchange.whole(head, body, self._next_id(), perf_counter() - head.waited)
        exchange.endpoint = head.path
        self._metrics.arrived()
        try:
            reply = at_once(handler(exchange))
        except Exception as failure:
            reply = failed(failure, exchange)
            self._admission.spend(OTHER_SECONDS)
        self._note(exchange, reply.status)
        return reply, exchange.request_id

    async def _turn(self, exchange: Exchange, drop: Callable[[], None] | None = None) -> None:
        """Waits, as leads do, while there is more to answer than one pass of the loop should: probes come first.

        ``drop`` lets go of a body that nobody will read any more, and is called before.
        """
        self._admission.spend(OTHER_SECONDS)
        if self._admission.busy:
            self._admission.strained = True
            if drop is not None:
                drop()
            with suppress(Overloaded, DeadlineExceeded):
                await self._admission.turn_of(exchange, OTHER_SECONDS, "")

    def _note(self, exchange: Exchange, status: int) -> None:
        """Counts and logs a request that was answered."""
        seconds = perf_counter() - exchange.began
        if exchange.error in REJECTED:
            self._metrics.rejected(REJECTED[exchange.error])
        if exchange.waited:
            self._metrics.waited(exchange.waited)
        self._metrics.answered(exchange.method, exchange.endpoint, status, seconds)
        self._access_log.note(
            Answered(
                time(), exchange.request_id, exchange.key, exchange.method, exchange.path,
                status, seconds, exchange.leads, exchange.error, exchange.refused,
            )
        )  # fmt: skip

    def caller_of(self, head: Head) -> str | None:
        """Whose request to score this is; nothing for any other request, and where that is not known."""
        if head.path not in SCORING_PATHS or head.method != "POST":
            return None
        try:
            return self._keys.check(head.headers.get(b"x-api-key")).label
        except RequestError:
            return None

    def turn_away(self, head: Head, closes: bool) -> bytes:
        """The answer to a request that cannot be scored in time."""
        sent = head.headers.get(b"x-request-id", b"")
        request_id = sent if SANE_REQUEST_ID(sent) else self._next_id().encode()
        self._metrics.turned_away(head.path, head.waited)
        self._access_log.note(
            Answered(
                time(), request_id.decode(), None, "POST", head.path,
                TURNED_AWAY.status, head.waited, 0, Overloaded.__name__,
            )
        )  # fmt: skip
        return TURNED_AWAY.to(request_id, closes)

    def refused(self, refusal: Refusal, scope: Scope | None) -> tuple[str, Reply]:
        """The id and the reply of a request that is refused before it is whole; counted and noted like any other."""
        if scope is None:
            request_id = self._next_id()
            reply = refusal(request_id)
            self._metrics.arrived()
            self._metrics.answered(OTHER, UNKNOWN, reply.status, 0.0)
            self._access_log.note(Answered(time(), request_id, None, "", "", reply.status, 0.0, 0, None))
            return request_id, reply
        if REQUEST_ID not in scope:  # its handler has not begun
            scope[REQUEST_ID] = request_id_in(scope) or self._next_id()
        reply = refusal(scope[REQUEST_ID])
        scope[CUT_OFF] = reply.status  # the handler hears that nothing more will come, and the request's line tells
        return scope[REQUEST_ID], reply

    def _next_id(self) -> str:
        return f"{self._prefix}-{next(self._numbers):x}"

    def tick(self, now: float) -> None:
        """Ten times a second: the time is ``now``, and the process lives."""
        self.gate.now = now
        admission = self._admission
        self.gate.backlog.tick(now)
        if admission.strained and not (
            admission or self.gate.backlog
        ):  # the bodies that waited are gone, and leave holes in the heap
            admission.strained = False
            give_back_memory()
        self._metrics.beat(now if self.lifecycle.scores else 0.0)

    def reread(self) -> None:
        """Reads again what can be: the key file. Settings of the environment cannot change."""
        self._keys.reread()

    async def _through_framework(self, exchange: Exchange, send: Send) -> int:
        status = 499
        start: Message | None = None
        answer = exchange.scope.get("extensions", {}).get(IN_ONE_WRITE)

        async def sending(message: Message) -> None:
            nonlocal status, start
            if message["type"] == "http.response.start":
                status, start = message["status"], message
                return
            if start is not None:
                first, start = start, None
                whole = answer is not None and not message.get("more_body") and collected(first, message)
                if whole:
                    await answer(whole, exchange.request_id)
                    return
                first["headers"] = [*first["headers"], (b"x-request-id", exchange.request_id.encode())]
                await send(first)
            await send(message)

        exchange.scope["exchange"] = exchange
        try:
            exchange.check_protocol()
        except RequestError as failure:
            await response(failed(failure, exchange))(exchange.scope, exchange.receive, sending)
            return status
        await self._framework(exchange.scope, exchange.receive, sending)
        return status


def create() -> App:
    """The application that this process's environment describes, for the server to run.

    Raises ``SettingError``, ``KeyFileInvalid`` or a ``ModelError`` when it cannot be served.
    """
    settings = read_settings(os.environ)
    closing = ExitStack()
    folder = os.environ.get(SHARED_FOLDER)
    shared = Shared(Path(folder)) if folder else None
    service = closing.enter_context(open_service(settings, PATHS, shared=shared))
    lifecycle, backlog = Lifecycle(), backlog_of(service)
    admission = backlog.admission
    pulse = Pulse(service.scorer, lifecycle, service.metrics, service.vitals)
    first = os.getppid() if shared else os.getpid()
    service.metrics.started(started_at(first))
    operations = Operations(
        service.scorer, service.metrics, service.keys, service.vitals, lifecycle, pulse, settings, age(first)
    )
    limit = RateLimit(settings.rate_limit_per_minute, shared.limits if shared else None)
    closing.callback(limit.close)
    provider = service.scorer.provider
    scoring = Scoring(service.scorer, service.keys, service.metrics, settings, admission, limit)
    routes = route_table(service, scoring, operations, admission, lifecycle, limit)
    detail = with_compression(detail_table(operations), admission)
    if settings.operations_access != "port":
        beside = (provider.running(), pulse.beating())
        routes, life = routes | detail, lifespan(lifecycle, closing, *beside)
        return application(service, scoring, routes, life, lifecycle, backlog)
    apart = App(service, detail, lifespan(lifecycle, ExitStack()), lifecycle, backlog)
    apart.gate.limits = apart.gate.limits._replace(connections=CONNECTIONS)
    second = listening(apart, settings.host, settings.operations_port)
    opened = lifespan(lifecycle, closing, provider.running(), second, pulse.beating())
    return application(service, scoring, routes, opened, lifecycle, backlog)


def application(
    service: Service, scoring: Scoring, routes: RouteTable, life: Lifespan, lifecycle: Lifecycle, backlog: Backlog
) -> App:
    """The application of the port that scores: one that tells of its requests where traces are on.

    What is traced, or asks a remote model, has to have a task of its own, and is not answered where it was read.
    """
    if not service.settings.otel_traces:
        prompt = {SINGLE_PATH: scoring.one} if service.settings.model_endpoint_provider == "local" else {}
        return App(service, routes, life, lifecycle, backlog, prompt)
    from leadscoring.api.traced import told_away, traced

    app = App(service, traced(routes), life, lifecycle, backlog)
    app.gate.turn_away = told_away(app.turn_away)
    return app


def at_once(waiting: Coroutine[Any, Any, Reply]) -> Reply:
    """What a coroutine returns that waits for nothing. Raises ``RuntimeError`` when it waits all the same."""
    try:
        waiting.send(None)
    except StopIteration as done:
        reply: Reply = done.value
        return reply
    waiting.close()
    raise RuntimeError("a request was to be answered at once, and waited for something")


def backlog_of(service: Service) -> Backlog:
    """The lines in front of this process's scoring."""
    settings, metrics = service.settings, service.metrics
    longest = settings.max_queue_seconds
    bytes_each_way = most(settings.max_buffered_bytes, settings.max_body_bytes)
    kept = Kept(bytes_each_way, settings.request_timeout_seconds)
    admission = Admission(longest, settings.request_timeout_seconds, metrics.queued.set, kept)
    return Backlog(admission, longest, Buffers(bytes_each_way, metrics.rejected))


def lifespan(lifecycle: Lifecycle, closing: ExitStack, *beside: AbstractAsyncContextManager[None]) -> Lifespan:
    """What is open while the server runs: all that is ``beside``, and what ``closing`` closes at the end."""

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as opened:
            for context in beside:
                await opened.enter_async_context(context)
            lifecycle.start()
            yield
        closing.close()

    return life

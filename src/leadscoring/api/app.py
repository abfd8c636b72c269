"""The ASGI application of the service, which all requests pass through."""

import itertools
import secrets
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from time import perf_counter, time
from typing import Any

from leadscoring.api.framework import Handler, Lifespan, RouteTable, failed, framework, response
from leadscoring.api.routes import PROBES, TIMED
from leadscoring.api.service import Service
from leadscoring.errors import DeadlineExceeded, Overloaded, RequestError
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.telemetry.access_log import Answered
from leadscoring.telemetry.metrics import UNKNOWN
from leadscoring.telemetry.tally import OTHER
from leadscoring.telemetry.vitals import give_back_memory
from leadscoring.transport.backlog import Backlog
from leadscoring.transport.exchange import (
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
from leadscoring.transport.failures import problem
from leadscoring.transport.gate import Gate, Limits, Refusal
from leadscoring.transport.head import Head
from leadscoring.transport.refusal import Prepared
from leadscoring.transport.sending import send_parts

SCORING_PATHS = frozenset(path for _, path in TIMED)

LEADS = "/api/v1/leads/"
"""Where the paths begin that contain the id of a lead."""

SEGMENT = "/leads/"
"""What comes before the id in such a path."""

REJECTED = {"Overloaded": "overloaded", "DeadlineExceeded": "deadline", "RateLimited": "rate_limit"}
"""Errors by which the service protects itself, with their names in metrics."""

OTHER_SECONDS = 0.00005
"""Approximate seconds to answer a request that does not score."""

TURNED_AWAY = Prepared(lambda request_id: problem(Overloaded(), request_id))

REQUEST_ID, CUT_OFF = "leadscoring.request_id", "leadscoring.cut_off"
"""Keys in the scope of the request id and of the status of a request that was rejected before it was complete."""


def without_id(path: str) -> str:
    """Returns a path as it is logged: without the id of a lead, also if a proxy or a typo made it of no route."""
    before, leads, _ = path.partition(SEGMENT)
    return before + leads


class App:
    """Assigns an id to every request, answers, counts, times and logs it; no exception escapes.

    A plain and complete request for a probe, or for a path in ``prompt`` (handlers that do not wait if the request is
    complete and the queue is empty), is answered where it is read: without a parser, task or scope. Any other request
    that is not ``unusual`` (no ``Origin`` of a browser, one ``Host``, HTTP/1.1) and matches a route goes directly to
    its handler. All others pass through Starlette, which handles CORS, HEAD, unsupported methods and unknown paths.
    """

    def __init__(
        self,
        service: Service,
        routes: RouteTable,
        lifespan: Lifespan,
        lifecycle: Lifecycle,
        backlog: Backlog,
        prompt: Mapping[str, Handler] | None = None,
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
        self._prompt: Mapping[str, Any] = prompt or {}
        self._probes: dict[str, Any] = {path: handler for (_, path), handler in routes.items() if path in PROBES}
        self._metrics = service.metrics
        self._keys = service.keys
        self._access_log = service.access_log
        self._framework = framework(routes, service.settings.cors_origins, lifespan)
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request, or handles the ASGI lifespan."""
        if scope["type"] != "http":
            await self._framework(scope, receive, send)
            return
        exchange = Exchange(
            scope, receive, scope.get(REQUEST_ID) or self._next_id(), scope.get(BEGAN) or perf_counter()
        )
        scope[REQUEST_ID] = exchange.request_id
        self._metrics.arrived()
        status = 499  # the status if the client disconnects before a response is sent
        try:
            handler = None if exchange.unusual else self._routes.get((scope["method"], scope["path"]))
            if handler is None:
                if exchange.path.startswith(LEADS):
                    scope["path"] = scope["raw_path"].decode("ascii")  # an id may contain a slash
                exchange.path = without_id(exchange.path)
                if exchange.path not in PROBES:
                    await self._turn(exchange)
                status = await self._through_framework(exchange, send)
            else:
                exchange.endpoint = scope["path"]
                try:  # without forwarding layers, each of which costs half a microsecond per request
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
        """Returns the reply to a plain and complete request, and its id; ``None`` if it may have to wait."""
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
        """Waits in the queue, like leads, if the current pass of the loop is busy, so that probes come first.

        ``drop`` releases a body that is no longer needed, and is called before waiting.
        """
        self._admission.spend(OTHER_SECONDS)
        if self._admission.busy:
            self._admission.strained = True
            if drop is not None:
                drop()
            with suppress(Overloaded, DeadlineExceeded):
                await self._admission.turn_of(exchange, OTHER_SECONDS, "")

    def _note(self, exchange: Exchange, status: int) -> None:
        """Counts and logs an answered request."""
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
        """Returns the key label of a scoring request; ``None`` for any other request, and without a valid key."""
        if head.path not in SCORING_PATHS or head.method != "POST":
            return None
        try:
            return self._keys.check(head.headers.get(b"x-api-key")).label
        except RequestError:
            return None

    def turn_away(self, head: Head, closes: bool) -> bytes:
        """Returns the response to a request that cannot be scored in time; counts and logs it."""
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
        """Returns id and reply of a request that is rejected before it is complete; counts and logs it like others."""
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
        scope[CUT_OFF] = reply.status  # the handler gets a disconnect, and logs this status
        return scope[REQUEST_ID], reply

    def _next_id(self) -> str:
        return f"{self._prefix}-{next(self._numbers):x}"

    def tick(self, now: float) -> None:
        """Runs ten times a second, at the time ``now``: updates the backlog and the heartbeat, and releases memory."""
        self.gate.now = now
        admission = self._admission
        self.gate.backlog.tick(now)
        if admission.strained and not (admission or self.gate.backlog):  # the released bodies leave a fragmented heap
            admission.strained = False
            give_back_memory()
        self._metrics.beat(now if self.lifecycle.scores else 0.0)

    def reread(self) -> None:
        """Reloads the key file; settings from the environment cannot be reloaded."""
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


def at_once(waiting: Coroutine[Any, Any, Reply]) -> Reply:
    """Runs a coroutine that does not wait; returns its result. Raises ``RuntimeError`` if it waits."""
    try:
        waiting.send(None)
    except StopIteration as done:
        reply: Reply = done.value
        return reply
    waiting.close()
    raise RuntimeError("a request was to be answered at once, and waited for something")

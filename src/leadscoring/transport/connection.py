"""HTTP/1.1 connections with limits on size and time.

uvicorn's protocol parses and answers; this subclass counts bytes and enforces timeouts. Requests start no timers:
each connection records when it began to wait, by a clock that ticks ten times a second, and a sweep checks all
connections once a second.
"""

from functools import partial
from time import perf_counter
from typing import Any
from urllib.parse import unquote

import httptools

from leadscoring.errors import Overloaded
from leadscoring.transport.cycle import Cycle
from leadscoring.transport.ending import BODY, CLOSED, HEAD, HELD, MOST_SKIPPED, NOTHING, Ending
from leadscoring.transport.exchange import BEGAN, CLOSE, WAITED, Reply
from leadscoring.transport.failures import plain_problem, problem
from leadscoring.transport.flow import Flow
from leadscoring.transport.head import Head, read_head
from leadscoring.transport.refusal import discard
from leadscoring.transport.upgrade import OFFER, without_offer

RESERVE = 64
"""Maximum number of connections beyond the limit, reserved for health checks; at most an eighth of the limit."""

PROBING = (b"GET /health", b"GET /ping", b"GET /v2/health", b"HEAD /health")
"""Prefixes of health check requests."""

SPECIAL = frozenset((b"expect", b"transfer-encoding"))
"""Headers that control how the body is transferred."""


class HeadTooLarge(Exception):
    """The head exceeds its limit; raised out of the parser's callbacks."""


class CodingUnknown(Exception):
    """The body has a transfer coding other than chunked; raised out of the parser's callbacks."""


class BoundedHttp(Ending):
    """A client's connection, within the limits of the application's ``gate``."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.uncounted = 0  # bytes of a head, or between two parts of a body, that are not counted elsewhere
        self.chunk = self.first_chunk = 0
        self.first = True
        self.coding: bytes | None = None
        self.kept: tuple[Head, bytes] | None = None  # the request waiting in the backlog
        self.held_at = self.held_for = 0.0  # since when, and for how many seconds
        self.braked_at = 0.0  # since when reading of the body is paused
        self.probes = False  # whether the first request is known to be a health check
        self.reserved = False  # whether it exceeds the limit, and serves a health check only

    def connection_made(self, transport: Any) -> None:
        """Called for a new connection; one beyond the limit is answered with a 503 and closed."""
        limit = self.gate.limits.connections
        beyond = len(self.connections) >= limit
        super().connection_made(transport)
        self.flow = Flow(transport)
        self.reserved = beyond
        if beyond and not self.probes:
            self.gate.reserved[self] = None
            if len(self.gate.reserved) > min(RESERVE, limit // 8):  # the newest are the most likely to send a request
                next(iter(self.gate.reserved)).refuse_connection()

    def refuse_connection(self) -> None:
        """Rejects a connection beyond the limit."""
        self.gate.reserved.pop(self, None)
        self.refuse(partial(problem, Overloaded()), "connections")

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection is closed: notifies the handlers of its requests."""
        if self.current is not None:
            self.current.disconnected = True
        while self.pipeline:
            self.pipeline.pop()[0].forget()
        self.gate.reserved.pop(self, None)
        self.gate.backlog.arrived(self)
        self.gate.buffers.read(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called with bytes from the client: a part of a request, or several requests."""
        if self.receiving == CLOSED:
            self.discarded(len(data))
            return
        if self.reserved and self.gate.reserved.pop(self, self) is None and not data.startswith(PROBING):
            self.refuse_connection()
            return
        if not self.begun:
            head = read_head(data) if self.idle else None
            if head is not None and (
                (self.gate.backlog.holds and self.held_back(head, data)) or self.answered_at_once(head, data)
            ):
                return
        self.parse(data)

    def held_back(self, head: Head, data: bytes) -> bool:
        """Whether these bytes begin a scoring request that has to wait, or that is rejected under overload."""
        gate = self.gate
        caller = gate.caller_of(head)
        if caller is None or not gate.backlog.holds_of(caller):
            return False
        if gate.backlog.refuses(caller):
            self.turn_away(head, data)
            return True
        self.kept, self.receiving, self.held_at = (head, data), HELD, perf_counter()
        self.flow.pause_reading()
        gate.backlog.hold(self, caller, head.body)
        return True

    def go_on(self, refused: bool) -> None:
        """Resumes the waiting request, or rejects it because it cannot be answered in time."""
        kept, self.kept = self.kept, None
        if kept is None or self.transport.is_closing() or self.receiving != HELD:
            self.gate.backlog.arrived(self)
            return
        self.receiving, self.since = NOTHING, self.gate.now
        self.flow.resume_reading()
        (head, data), since = kept, self.held_at
        head, self.held_at = head._replace(waited=perf_counter() - since), 0.0
        if refused:
            self.gate.backlog.arrived(self)
            self.turn_away(head, data)
        elif self.answered_at_once(head, data):
            self.gate.backlog.arrived(self)
        else:
            self.held_at, self.held_for = since, head.waited  # for its scope
            self.parse(data)

    def parse(self, data: bytes) -> None:
        """Feeds the parser, and limits the size of incomplete heads."""
        self.chunk, self.first = len(data), not self.begun
        self.uncounted += self.chunk  # reset by the callbacks for anything that ends or begins in these bytes
        end = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            end = offer.args[0]
        except httptools.HttpParserError as failure:
            self.broken_off(failure.__context__)
            return
        if end is not None:
            if self.receiving == HEAD:  # on_headers_complete has seen the offer, and left the head alone
                self.read_again(data[end:])
            else:  # CONNECT, after which no HTTP follows
                self.cycle.keep_alive = False
            return
        self.gate.buffers.bound()
        if self.begun and self.uncounted > self.gate.limits.header_bytes:
            self.refuse_head()

    def read_again(self, rest: bytes) -> None:
        """Parses a head with an Upgrade header again, without that header; ``rest`` is what followed it."""
        head = without_offer(self.parser.get_method(), self.url, self.scope["http_version"], self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.uncounted = 0
        self.parse(head)
        if rest and self.receiving != CLOSED:
            self.parse(rest)

    def broken_off(self, reason: BaseException | None) -> None:
        """Called when the parser stops: one of our callbacks has raised, or the input is not HTTP."""
        if isinstance(reason, HeadTooLarge):
            self.refuse_head()
        elif isinstance(reason, CodingUnknown):
            detail = f"a body must come with Content-Length or Transfer-Encoding: chunked, not {reason}"
            self.refuse(partial(plain_problem, 400, detail), "malformed")
        else:
            self.refuse(partial(plain_problem, 400, "this is not a request of HTTP/1.1 that can be read"), "malformed")

    def answered_at_once(self, head: Head, data: bytes) -> bool:
        """Whether these bytes are a whole request that can be answered immediately, which is then done."""
        gate, end = self.gate, head.size + head.body
        if len(data) < end or head.size > gate.limits.header_bytes or gate.closing or self.flow.write_paused:
            return False
        if self.reserved:  # its answer must close the connection
            return False
        answer = gate.answer_at_once(head, data[head.size : end])
        if answer is None:
            return False
        reply, request_id = answer
        closes = bool(reply.headers) and CLOSE in reply.headers
        self.transport.write(self.bytes_of(reply, request_id, closes))
        self.server_state.total_requests += 1
        self.receiving, self.since = NOTHING, gate.now
        if closes:
            self.end()
        elif len(data) > end:  # the next request of a pipeline
            self.data_received(data[end:])
        return True

    def probed(self, data: bytes) -> bytes | None:
        """The answer to a health check that arrived with its connection, before there is a transport."""
        head = read_head(data)
        if head is None or head.method != "GET" or head.size != len(data) or self.gate.closing:
            return None
        answer = self.gate.answer_at_once(head, b"")
        if answer is None:
            return None
        self.server_state.total_requests += 1
        self.receiving, self.since = NOTHING, self.gate.now
        return self.bytes_of(*answer, closes=False)

    def read_on(self) -> None:
        """Resumes reading the body; the pause does not count as the client's time."""
        if self.flow.held and not self.transport.is_closing():
            self.since = min(self.gate.now, self.since + self.gate.now - self.braked_at)
            self.flow.free()

    def turn_away(self, head: Head, data: bytes) -> None:
        """Rejects a request that cannot be scored in time, and discards its body."""
        ends = self.gate.closing or head.body > MOST_SKIPPED
        self.transport.write(self.gate.turn_away(head, ends))
        coming = head.size + head.body - len(data)
        if ends:
            self.end(unread=coming > 0)
            return
        self.receiving, self.since = NOTHING, self.gate.now
        if coming > 0:
            self.receiving, self.skip = BODY, coming
            self.passed(0)
        elif coming < 0:  # the next request of a pipeline
            self.data_received(data[coming:])

    def passed(self, size: int) -> None:
        """Accounts for ``size`` discarded bytes of a rejected body, and discards more that have arrived."""
        self.skip -= size
        if self.skip:
            self.skip -= discard(self.transport.get_extra_info("socket").fileno(), self.skip)
        if not self.skip:
            self.receiving, self.since = NOTHING, self.gate.now

    def on_message_begin(self) -> None:
        """Called at the first byte of a request."""
        super().on_message_begin()
        if self.receiving != HEAD:  # the first request's timeout starts with the connection
            self.receiving = HEAD
            self.since = self.gate.now
        self.begun = True
        self.uncounted = self.chunk if self.first else 1  # the rest may belong to the previous request
        self.first, self.first_chunk = False, self.chunk
        self.coding = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called for a header; trailers are ignored, because proxies check the head only."""
        if self.receiving != HEAD:
            return
        name, value = name.lower(), value.rstrip(b" \t")
        if name in SPECIAL:
            if name == b"transfer-encoding":
                self.coding = value if self.coding is None else self.coding + b", " + value
            elif value.lower() == b"100-continue":
                self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Called when the head is complete: starts the application."""
        gate, parser, version = self.gate, self.parser, self.parser.get_http_version()
        most = gate.limits.header_bytes
        if self.uncounted + self.first_chunk > most:  # an upper bound; the exact size is computed only beyond it
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > most:
                raise HeadTooLarge
        if self.coding is not None and self.coding.lower() != b"chunked":
            raise CodingUnknown(repr(self.coding[:80].decode("latin-1")))
        if version != "1.1":
            self.scope["http_version"] = version
        if parser.should_upgrade() and any(name == OFFER for name, _ in self.headers):
            return
        self.describe()
        if self.held_at:
            scope: Any = self.scope
            scope[BEGAN], scope[WAITED], self.held_at = self.held_at, self.held_for, 0.0
        keeps = version != "1.0" and parser.should_keep_alive() and not (gate.closing or self.reserved)
        before, self.cycle = self.idle, Cycle(self, keeps)
        self.receiving, self.since, self.uncounted = BODY, gate.now, 0
        if before:
            self.start(self.cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def describe(self) -> None:
        """Completes the scope from the request line."""
        target, scope = httptools.parse_url(self.url), self.scope
        path = target.path.decode("ascii")
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = target.path
        scope["query_string"] = target.query or b""

    def start(self, cycle: Any) -> None:
        """Starts the application for a request."""
        self.current = cycle
        self._start_asgi_task(cycle, self.app)

    def on_body(self, body: bytes) -> None:
        """Called for a part of a body."""
        self.uncounted = 0
        cycle = self.cycle
        if cycle.response_complete or cycle.dropped:
            return
        cycle.held += len(body)
        self.gate.buffers.took(cycle, len(body))
        super().on_body(body)
        if self.gate.backlog.brakes and not self.flow.held:
            self.braked_at = self.gate.now
            self.flow.hold()
            self.gate.backlog.brake(self, cycle.held)

    def on_message_complete(self) -> None:
        """Called at the end of a request."""
        if self.receiving != BODY:  # its head is parsed again
            return
        super().on_message_complete()
        self.receiving, self.begun = NOTHING, False
        self.since = self.gate.now
        self.gate.buffers.completed(self.cycle)
        self.gate.backlog.arrived(self)

    def answered(self, cycle: Any, reply: Reply, request_id: str) -> None:
        """Sends the answer to a request, and closes the connection if it is the last."""
        closes = not cycle.keep_alive or (bool(reply.headers) and CLOSE in reply.headers)
        head_only = cycle.scope["method"] == "HEAD"
        self.transport.write(self.bytes_of(reply, request_id, closes, head_only))
        if closes:
            self.end(unread=self.begun and cycle is self.cycle)
        cycle.on_response()

    def on_response_complete(self) -> None:
        """Called after an answer is written: starts the next pipelined request, if any."""
        self.server_state.total_requests += 1
        if self.transport.is_closing() or self.skip_left is not None:
            return
        if self.receiving != CLOSED:
            self.flow.resume_reading()
        if self.receiving == NOTHING:
            self.since = self.gate.now
        if self.pipeline:
            cycle, _ = self.pipeline.pop()
            if self.gate.closing:
                cycle.keep_alive = False
            self.start(cycle)
        elif self.last_answer is not None:
            self.transport.write(self.last_answer)
            self.end(unread=True)
        elif self.half_closed:
            self.end()

"""HTTP/1.1 on a connection, with limits: what a client may send, and how long it may take.

uvicorn's protocol reads and answers; this one counts bytes and looks at the clock. No request starts a timer: each
connection notes when it began to wait, by a clock that moves ten times a second, and once a second all of them are
looked through.
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
"""Connections beyond the limit, at most, that only probes may have; an eighth of the limit where that is less."""

PROBING = (b"GET /health", b"GET /ping", b"GET /v2/health", b"HEAD /health")
"""How the requests of probes begin."""

SPECIAL = frozenset((b"expect", b"transfer-encoding"))
"""Headers that say how the body comes."""


class HeadTooLarge(Exception):
    """More bytes of head than allowed; leaves the parser's callbacks."""


class CodingUnknown(Exception):
    """A body in a transfer coding other than chunked; leaves the parser's callbacks."""


class BoundedHttp(Ending):
    """One connection of a client, within the limits of the application's ``gate``."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.uncounted = 0  # bytes of a head, or between two parts of a body, of which nobody else knows
        self.chunk = self.first_chunk = 0
        self.first = True
        self.coding: bytes | None = None
        self.kept: tuple[Head, bytes] | None = None  # the request that is held back
        self.held_at = self.held_for = 0.0  # since when, and for how many seconds
        self.braked_at = 0.0  # since when its body is not read on
        self.probes = False  # whether the first request is known to be a probe's
        self.reserved = False  # whether this is beyond the limit, and for a probe only

    def connection_made(self, transport: Any) -> None:
        """A client connects; one too many gets a 503 and is disconnected."""
        limit = self.gate.limits.connections
        beyond = len(self.connections) >= limit
        super().connection_made(transport)
        self.flow = Flow(transport)
        self.reserved = beyond
        if beyond and not self.probes:
            self.gate.reserved[self] = None
            if len(self.gate.reserved) > min(RESERVE, limit // 8):  # who is about to ask has just come
                next(iter(self.gate.reserved)).refuse_connection()

    def refuse_connection(self) -> None:
        """There are too many connections."""
        self.gate.reserved.pop(self, None)
        self.refuse(partial(problem, Overloaded()), "connections")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: whoever answers a request of it hears of that."""
        if self.current is not None:
            self.current.disconnected = True
        while self.pipeline:
            self.pipeline.pop()[0].forget()
        self.gate.reserved.pop(self, None)
        self.gate.backlog.arrived(self)
        self.gate.buffers.read(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client: a part of a request, or several."""
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
        """Whether these bytes begin a request to score that has to wait, or cannot be scored in time."""
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
        """The turn of the request that was held back has come, or it cannot be answered in time."""
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
        """Has the parser read bytes, and bounds what it has read the beginning of alone."""
        self.chunk, self.first = len(data), not self.begun
        self.uncounted += self.chunk  # set anew by whatever is known to end or begin in these bytes
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
        """A head that offered another protocol is read once more, without the offer; ``rest`` came after it."""
        head = without_offer(self.parser.get_method(), self.url, self.scope["http_version"], self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.uncounted = 0
        self.parse(head)
        if rest and self.receiving != CLOSED:
            self.parse(rest)

    def broken_off(self, reason: BaseException | None) -> None:
        """The parser stopped: by our own callback, or because this is not HTTP."""
        if isinstance(reason, HeadTooLarge):
            self.refuse_head()
        elif isinstance(reason, CodingUnknown):
            detail = f"a body must come with Content-Length or Transfer-Encoding: chunked, not {reason}"
            self.refuse(partial(plain_problem, 400, detail), "malformed")
        else:
            self.refuse(partial(plain_problem, 400, "this is not a request of HTTP/1.1 that can be read"), "malformed")

    def answered_at_once(self, head: Head, data: bytes) -> bool:
        """Whether these bytes hold a whole request that waits for nothing: it is answered."""
        gate, end = self.gate, head.size + head.body
        if len(data) < end or head.size > gate.limits.header_bytes or gate.closing or self.flow.write_paused:
            return False
        if self.reserved:  # its answer is the last
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
        """The answer to a probe whose whole request came with its connection, before there is a transport for it."""
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
        """There is room for more of the body; its client was not slow meanwhile."""
        if self.flow.held and not self.transport.is_closing():
            self.since = min(self.gate.now, self.since + self.gate.now - self.braked_at)
            self.flow.free()

    def turn_away(self, head: Head, data: bytes) -> None:
        """Answers a request that cannot be scored in time, and lets its body pass."""
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
        """So many bytes of a refused body were read; what else has come of it is not even that."""
        self.skip -= size
        if self.skip:
            self.skip -= discard(self.transport.get_extra_info("socket").fileno(), self.skip)
        if not self.skip:
            self.receiving, self.since = NOTHING, self.gate.now

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        if self.receiving != HEAD:  # the first request's time runs from the connection
            self.receiving = HEAD
            self.since = self.gate.now
        self.begun = True
        self.uncounted = self.chunk if self.first else 1  # any number may belong to what came before
        self.first, self.first_chunk = False, self.chunk
        self.coding = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; what comes after the body is none, whatever it is called: only the head was checked by proxies."""
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
        """The head of a request is there: the application may start."""
        gate, parser, version = self.gate, self.parser, self.parser.get_http_version()
        most = gate.limits.header_bytes
        if self.uncounted + self.first_chunk > most:  # together with what else came: only then is it worth counting
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
        """Completes the scope by what the first line says."""
        target, scope = httptools.parse_url(self.url), self.scope
        path = target.path.decode("ascii")
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = target.path
        scope["query_string"] = target.query or b""

    def start(self, cycle: Any) -> None:
        """Has a request answered."""
        self.current = cycle
        self._start_asgi_task(cycle, self.app)

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
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
        """The last byte of a request."""
        if self.receiving != BODY:  # its head is to be read again
            return
        super().on_message_complete()
        self.receiving, self.begun = NOTHING, False
        self.since = self.gate.now
        self.gate.buffers.completed(self.cycle)
        self.gate.backlog.arrived(self)

    def answered(self, cycle: Any, reply: Reply, request_id: str) -> None:
        """Sends the answer to a request, and closes the connection where that is its last."""
        closes = not cycle.keep_alive or (bool(reply.headers) and CLOSE in reply.headers)
        head_only = cycle.scope["method"] == "HEAD"
        self.transport.write(self.bytes_of(reply, request_id, closes, head_only))
        if closes:
            self.end(unread=self.begun and cycle is self.cycle)
        cycle.on_response()

    def on_response_complete(self) -> None:
        """An answer was written: the next request of a pipeline has its turn, or the connection is idle."""
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
        elif self.last_word is not None:
            self.transport.write(self.last_word)
            self.end(unread=True)
        elif self.half_closed:
            self.end()

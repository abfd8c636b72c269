"""HTTP/1.1 on a connection, with limits: what a client may send, and how long it may take.

uvicorn's protocol reads and answers; this one counts bytes and looks at the clock. No request starts a timer: each
connection notes when it began to wait, by a clock that moves ten times a second, and once a second all of them are
looked through.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from leadscoring.api.admission import Admission
from leadscoring.api.exchange import CUT, IN_ONE_WRITE, Reply, Scope
from leadscoring.api.failures import plain_problem, problem
from leadscoring.api.head import Head, read_head
from leadscoring.api.refusal import DISCARDS, discard, head_lines
from leadscoring.api.upgrade import without_offer
from leadscoring.errors import Overloaded
from leadscoring.settings import Settings

NOTHING, HEAD, BODY, CLOSED = range(4)
"""What a connection receives now; ``CLOSED``: nothing any more, it was refused."""

HEAD_READ = 16384
"""Bytes read at once while a head is expected: most of a large body stays unread if its head is refused."""

BODY_READ = 262144

FULL_READ = 2048
"""Bytes read at once while requests are turned away: a head, and as little as can be of the body after it."""

SKIP_READ = 1024 if DISCARDS else BODY_READ
"""The same of a refused body: to be told that there is more, all of which is then discarded."""

MOST_SKIPPED = 1 << 23
"""Bytes of a refused body that are let pass to keep a connection; for more than that it is ended."""

Refusal = Callable[[str], Reply]
"""What is said to the request with this id."""

LINGER_SECONDS = 5.0
"""Time for a client to take its last answer before the connection is cut."""


FIRST_REQUEST_SECONDS = 0.5
"""When the server ends: time for the first request of a connection that was just accepted."""


class Limits(NamedTuple):
    """What one connection may use up, in bytes and seconds, and how many there may be."""

    header_bytes: int
    header_seconds: float
    body_seconds: float
    idle_seconds: float
    connections: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The limits among the settings."""
        return cls(
            settings.max_header_bytes,
            settings.header_timeout_seconds,
            settings.body_timeout_seconds,
            settings.keep_alive_seconds,
            settings.max_connections,
        )


class Gate:
    """What all connections of a process share.

    ``now`` is the clock, set by the server, and ``lines`` the headers that all answers have, of which the date is one;
    ``closing`` says that every answer from now on ends its connection.
    While ``admission`` is full, ``turn_away`` answers a scoring request from its head alone, or not; otherwise
    ``answer_at_once`` answers one that is all there and need not wait, or not. ``refused`` gives the id and the reply
    of a request that is refused before it is whole, and notes it; its scope is there when the application has it
    already.
    """

    __slots__ = ("admission", "answer_at_once", "closing", "limits", "lines", "now", "refused", "rejected", "turn_away")

    def __init__(
        self,
        limits: Limits,
        admission: Admission,
        rejected: Callable[[str], None],
        turn_away: Callable[[Head, bool], bytes | None],
        answer_at_once: Callable[[Head, bytes], tuple[Reply, str] | None],
        refused: Callable[[Refusal, Scope | None], tuple[str, Reply]],
    ) -> None:
        self.limits = limits
        self.admission = admission
        self.rejected = rejected
        self.turn_away = turn_away
        self.answer_at_once = answer_at_once
        self.refused = refused
        self.now = 0.0
        self.lines = b""
        self.closing = False


class HeadTooLarge(Exception):
    """More bytes of head than allowed; leaves the parser's callbacks."""


class BoundedHttp(HttpToolsProtocol):
    """One connection of a client, within the limits of the application's ``gate``."""

    cycle: Any
    """The request that is being answered, or was last; ``None`` before the first."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.gate: Gate = config.loaded_app.gate
        self.receiving = HEAD
        self.since = self.gate.now
        self.head_bytes = 0
        self.chunk = 0
        self.skip = 0

    def connection_made(self, transport: Any) -> None:
        """A client connects; one too many is told so and sent away."""
        crowded = len(self.connections) >= self.gate.limits.connections
        super().connection_made(transport)
        if crowded:
            self.refuse(partial(problem, Overloaded()), "connections")

    def data_received(self, data: bytes) -> None:
        """Bytes from the client: a part of a request, or several."""
        before, cycle = self.receiving, self.cycle
        if before == CLOSED:
            return
        if before != BODY:
            head = read_head(data) if self.fresh else None
            if head is not None and (
                self.turned_away(head, data) if self.gate.admission.full else self.answered_at_once(head, data)
            ):
                return
            data = without_offer(data)
        self.chunk = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False  # answered as if it had not asked; what it says next is not HTTP
        except httptools.HttpParserError as failure:
            self.broken_off(failure.__context__)
            return
        if self.receiving == HEAD and before != BODY and cycle is self.cycle:  # all of it belongs to this head
            self.head_bytes += len(data)
            if self.head_bytes > self.gate.limits.header_bytes:
                self.refuse_head()

    def broken_off(self, reason: BaseException | None) -> None:
        """The parser stopped: by our own callback, or because this is not HTTP."""
        if isinstance(reason, HeadTooLarge):
            self.refuse_head()
        else:
            self.refuse(partial(plain_problem, 400, "this is not a request of HTTP/1.1 that can be read"), "malformed")

    @property
    def fresh(self) -> bool:
        """Whether the next byte begins a request, and nothing is to be answered before it."""
        return (self.receiving == NOTHING or not self.head_bytes) and self.idle

    def answered_at_once(self, head: Head, data: bytes) -> bool:
        """Whether these bytes hold a whole request that waits for nothing: it is answered."""
        gate, end = self.gate, head.size + head.body
        if len(data) < end or head.size > gate.limits.header_bytes or gate.closing or self.flow.write_paused:
            return False
        answer = gate.answer_at_once(head, data[head.size : end])
        if answer is None:
            return False
        self.transport.write(self.bytes_of(*answer, closes=False))
        self.server_state.total_requests += 1
        self.receiving, self.since = NOTHING, gate.now
        if len(data) > end:  # the next request of a pipeline
            self.data_received(data[end:])
        return True

    def turned_away(self, head: Head, data: bytes) -> bool:
        """Whether these bytes begin a request that cannot be scored in time: it is answered, its body let pass."""
        ends = self.gate.closing or head.body > MOST_SKIPPED
        answer = self.gate.turn_away(head, ends)
        if answer is None:
            return False
        self.transport.write(answer)
        if ends:
            self.end()
            return True
        self.receiving, self.since = NOTHING, self.gate.now
        coming = head.size + head.body - len(data)
        if coming > 0:
            self.receiving, self.skip = BODY, coming
            self.passed(0)
        elif coming < 0:  # the next request of a pipeline
            self.data_received(data[coming:])
        return True

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
        self.head_bytes = 0

    def on_headers_complete(self) -> None:
        """The head of a request is there: the application may start."""
        gate = self.gate
        most = gate.limits.header_bytes
        if self.head_bytes + self.chunk > most:  # together with what else came: only then is it worth counting
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > most:
                raise HeadTooLarge
        super().on_headers_complete()
        self.cycle.scope["extensions"] = {IN_ONE_WRITE: partial(self.answer, self.cycle), CUT: self.transport.abort}
        self.receiving = BODY
        self.since = gate.now
        if gate.closing:
            self.cycle.keep_alive = False

    async def answer(self, cycle: Any, reply: Reply, request_id: str) -> None:
        """Answers a request in one write; ASGI's two messages would be two, and wake the client twice."""
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        if cycle.disconnected:
            return
        closes = not cycle.keep_alive  # once: a signal may change it between saying so and doing so
        self.transport.write(self.bytes_of(reply, request_id, closes))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if closes:
            self.transport.close()
        cycle.on_response()

    def bytes_of(self, reply: Reply, request_id: str, closes: bool) -> bytes:
        """An answer as bytes, with all headers that answers have."""
        body = reply.body
        return b"%b%bx-request-id: %b\r\ncontent-length: %d\r\n%b\r\n%b" % (
            head_lines(reply.status, reply.media_type, reply.headers), self.gate.lines, request_id.encode(),
            len(body), b"connection: close\r\n" if closes else b"", body,
        )  # fmt: skip

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        super().on_message_complete()
        self.receiving = NOTHING
        self.since = self.gate.now

    def on_response_complete(self) -> None:
        """An answer was written: the next request of a pipeline has its turn, or the connection is idle."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.receiving == NOTHING:
            self.since = self.gate.now
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            if self.gate.closing:
                cycle.keep_alive = False
            self._start_asgi_task(cycle, app)

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def sweep(self, now: float) -> None:
        """Ends what has taken too long."""
        limits, waited = self.gate.limits, now - self.since
        if self.receiving == CLOSED:
            if waited > LINGER_SECONDS:
                self.transport.abort()
        elif self.receiving == HEAD:
            if waited > limits.header_seconds:
                self.time_out("the head", "header_time")
        elif self.receiving == BODY:
            if waited > limits.body_seconds:
                self.time_out("the body", "body_time")
        elif self.idle and waited > limits.idle_seconds:
            self.end()

    def time_out(self, what: str, reason: str) -> None:
        """The client has not sent in time what it began to send."""
        if self.cycle is None and not self.head_bytes:  # it has said nothing, and gets no answer
            self.gate.rejected(reason)
            self.end()
        else:
            self.refuse(partial(plain_problem, 408, f"{what} of the request did not arrive in time"), reason)

    def refuse_head(self) -> None:
        """The head is too large."""
        detail = f"the head of a request must be at most {self.gate.limits.header_bytes} bytes (MAX_HEADER_BYTES)"
        self.refuse(partial(plain_problem, 431, detail), "headers")

    def refuse(self, refusal: Refusal, reason: str) -> None:
        """Says why, where an answer has not begun, and ends the connection."""
        self.gate.rejected(reason)
        cycle = self.cycle
        if self.idle and self.receiving == BODY:  # its answer did not wait for the body, and was the only one to give
            self.end()
            return
        if not self.idle and (cycle.response_started or self.receiving != BODY):
            self.receiving, self.since = CLOSED, self.gate.now
            cycle.keep_alive = False  # an earlier request of the pipeline is still being answered
            self.pipeline.clear()
            return
        request_id, reply = self.gate.refused(refusal, None if self.idle else cycle.scope)
        self.transport.write(self.bytes_of(reply, request_id, closes=True))
        if not self.idle:
            cycle.disconnected = True
            cycle.message_event.set()
        self.end()

    def end(self) -> None:
        """Ends the connection when the client has taken what was written."""
        self.receiving, self.since = CLOSED, self.gate.now
        self.transport.close()

    def shutdown(self) -> None:
        """The server ends: so does the connection, when what has begun to arrive was answered."""
        if not self.idle:
            self.cycle.keep_alive = False
        elif self.receiving == NOTHING:
            self.end()
        elif self.cycle is None and not self.head_bytes:  # its first request may be under way
            self.since = self.gate.now - self.gate.limits.header_seconds + FIRST_REQUEST_SECONDS


class Front(asyncio.BufferedProtocol):
    """What the event loop reads into, for one connection: as much at once as what is expected deserves."""

    buffer = memoryview(bytearray(BODY_READ))
    """One for all connections: what was read is handed on before the next read."""

    __slots__ = ("_http",)

    def __init__(self, http: BoundedHttp) -> None:
        self._http = http

    def connection_made(self, transport: Any) -> None:
        """A client connects."""
        self._http.connection_made(transport)

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where to read to."""
        http = self._http
        if http.skip:
            return self.buffer[: min(http.skip, SKIP_READ)]
        if http.receiving == BODY:
            return self.buffer
        return self.buffer[: FULL_READ if http.gate.admission.full else HEAD_READ]

    def buffer_updated(self, nbytes: int) -> None:
        """So much was read."""
        if self._http.skip:
            self._http.passed(nbytes)
        else:
            self._http.data_received(bytes(self.buffer[:nbytes]))

    def eof_received(self) -> None:
        """The client sends no more."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._http.connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._http.resume_writing()


def connection(config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> Front:
    """A protocol for one new connection, as uvicorn asks for it."""
    return Front(BoundedHttp(config, server_state, app_state, _loop))

"""How a connection ends: timeouts and malformed requests are rejected after earlier requests are answered.

Closing a connection while its client still sends would reset it, and lose the last answer. So incoming bytes are
discarded, up to a limit of size and time.
"""

from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from leadscoring.errors import Overloaded
from leadscoring.transport.exchange import CLOSE, Reply
from leadscoring.transport.failures import plain_problem, problem
from leadscoring.transport.flow import Flow
from leadscoring.transport.gate import Gate, Refusal
from leadscoring.transport.refusal import discard, head_lines

NOTHING, HEAD, BODY, HELD, CLOSED = range(5)
"""What a connection receives; ``HELD``: nothing until its request is resumed; ``CLOSED``: incoming bytes are
discarded."""

MOST_SKIPPED = 1 << 23
"""Maximum bytes of a rejected body that are discarded, to keep the connection or to deliver its last answer."""

LINGER_SECONDS = 5.0
"""Time for a client to read its last answer before the connection is aborted."""

FIRST_REQUEST_SECONDS = 0.5
"""At shutdown: time for the first request of a newly accepted connection."""


class Ending(HttpToolsProtocol):
    """The part of a connection's protocol that decides when and how it ends.

    ``cycle`` is the latest request whose head has been parsed, ``current`` the one being answered, or the last one
    answered.
    """

    flow: Flow
    cycle: Any
    current: Any
    pipeline: Any
    gate: Gate

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.gate = config.loaded_app.gate
        self.current = None
        self.receiving = HEAD
        self.since = self.gate.now
        self.begun = False  # whether the parser is within a request
        self.skip = 0
        self.skip_left: int | None = None  # bytes that may still be discarded after the last answer
        self.last_answer: bytes | None = None
        self.half_closed = False
        self.unread_since: float | None = None

    def pause_writing(self) -> None:
        """Called when the write buffer is full: the client reads too slowly."""
        super().pause_writing()
        self.unread_since = self.gate.now
        self.gate.buffers.unread(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Called when the write buffer has drained."""
        self.unread_since = None
        self.gate.buffers.read(self)
        super().resume_writing()

    def give_up_body(self) -> None:
        """Rejects the incoming request to free the memory of its body."""
        self.refuse(partial(problem, Overloaded()), "overloaded")

    def give_up_answer(self) -> None:
        """Aborts the connection of a client that does not read, to free the memory of its answers."""
        self.transport.abort()

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.current is None or self.current.response_complete

    def ended(self) -> bool:
        """Called at the end of the client's stream; returns whether the connection stays open for pending answers."""
        unfinished = self.receiving == BODY
        if self.idle or self.skip_left is not None or (unfinished and self.cycle is self.current):
            return False
        if unfinished:
            self.pipeline.popleft()[0].forget()
        self.receiving, self.since, self.half_closed = CLOSED, self.gate.now, True
        return True

    def discarded(self, size: int) -> None:
        """Accounts for ``size`` bytes received after the last answer; aborts the connection beyond the limit."""
        if self.skip_left is not None:  # otherwise earlier requests are still to be answered
            self.skip_left -= size + discard(self.transport.get_extra_info("socket").fileno(), MOST_SKIPPED)
            if self.skip_left <= 0:
                self.transport.abort()

    def sweep(self, now: float) -> None:
        """Enforces the time limits; ``now`` is in seconds, by ``monotonic``."""
        limits, waited = self.gate.limits, now - self.since
        if self.unread_since is not None and now - self.unread_since > limits.body_seconds:
            self.gate.rejected("slow_reader")
            self.transport.abort()
            return
        if self.receiving == CLOSED:
            if waited > LINGER_SECONDS and self.idle:
                self.transport.abort()
        elif self.receiving == HEAD:
            if waited > limits.header_seconds:
                self.time_out("the head", "header_time")
        elif self.receiving == BODY:
            if waited > limits.body_seconds and not self.flow.held:
                self.time_out("the body", "body_time")
        elif self.receiving == NOTHING and self.idle and waited > limits.idle_seconds:
            self.end()

    def time_out(self, what: str, reason: str) -> None:
        """Ends a connection whose client did not send the rest of its request in time."""
        if self.cycle is None and not self.begun:  # it sent nothing, and gets no answer
            self.gate.rejected(reason)
            self.end()
        else:
            self.refuse(partial(plain_problem, 408, f"{what} of the request did not arrive in time"), reason)

    def refuse_head(self) -> None:
        """Rejects a request whose head, or trailers, are too large."""
        detail = f"the request headers must be at most {self.gate.limits.header_bytes} bytes (MAX_HEADER_BYTES)"
        self.refuse(partial(plain_problem, 431, detail), "headers")

    def refuse(self, refusal: Refusal, reason: str) -> None:
        """Sends an error unless an answer has begun, and ends the connection once earlier requests are answered."""
        self.gate.rejected(reason)
        broken = self.cycle if self.receiving == BODY else None
        if broken is not None and broken.response_started:  # the answer began before the body was complete
            if broken.response_complete:
                self.end(unread=True)
            else:
                broken.keep_alive, self.receiving, self.since = False, CLOSED, self.gate.now
            return
        request_id, reply = self.gate.refused(refusal, None if broken is None else broken.scope)
        answer = self.bytes_of(reply, request_id, closes=True)
        if not self.idle and broken is not self.current:  # earlier requests are answered first
            if broken is not None:
                self.pipeline.popleft()
                broken.forget()
            self.last_answer, self.receiving, self.since = answer, CLOSED, self.gate.now
            return
        self.transport.write(answer)
        if broken is not None:
            broken.disconnected = True
            broken.message_event.set()
        self.end(unread=True)

    def end(self, unread: bool = False) -> None:
        """Closes the connection after its written answers are flushed.

        If ``unread`` bytes are buffered or still to come, they are discarded for a while: closing at once would reset
        the connection and lose the answer.
        """
        if self.skip_left is not None:
            return
        self.receiving, self.since, self.skip_left, self.skip = CLOSED, self.gate.now, MOST_SKIPPED, 0
        while self.pipeline:
            self.pipeline.pop()[0].forget()
        if unread and not self.transport.is_closing():
            self.flow.free()
            self.transport.write_eof()
        else:
            self.transport.close()

    def shutdown(self) -> None:
        """Called at shutdown: ends the connection once the requests that have begun to arrive are answered."""
        if not self.idle:
            (self.pipeline[0][0] if self.pipeline else self.current).keep_alive = False
        elif self.receiving == NOTHING:
            self.end()
        elif self.cycle is None and not self.begun:  # its first request may be in transit
            self.since = self.gate.now - self.gate.limits.header_seconds + FIRST_REQUEST_SECONDS

    def bytes_of(self, reply: Reply, request_id: str, closes: bool, head_only: bool = False) -> bytes:
        """Serializes an answer with the headers common to all answers."""
        body, has_close = reply.body, bool(reply.headers) and CLOSE in reply.headers
        return b"%b%bx-request-id: %b\r\ncontent-length: %d\r\n%b\r\n%b" % (
            head_lines(reply.status, reply.media_type, reply.headers), self.gate.lines, request_id.encode(),
            len(body), b"connection: close\r\n" if closes and not has_close else b"", b"" if head_only else body,
        )  # fmt: skip

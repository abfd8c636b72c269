"""How a connection ends: what took too long or cannot be read is refused, after the answers that are owed before it.

A connection that is closed while its client still sends loses the last answer: the system resets it. So what still
comes is discarded, up to a bound and for a while.
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
"""What a connection receives now; ``HELD``: nothing before its turn; ``CLOSED``: what still comes is discarded."""

MOST_SKIPPED = 1 << 23
"""Bytes of a refused body that are let pass, to keep a connection or to have its last answer read."""

LINGER_SECONDS = 5.0
"""Time for a client to take its last answer before the connection is cut."""

FIRST_REQUEST_SECONDS = 0.5
"""When the server ends: time for the first request of a connection that was just accepted."""


class Ending(HttpToolsProtocol):
    """The part of a connection that knows when and how it ends.

    ``cycle`` is the newest request whose head was read, ``current`` the one that is being answered, or was last.
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
        self.begun = False  # a request of which the parser has read the first byte, and not the last
        self.skip = 0
        self.skip_left: int | None = None  # bytes that a client may send after its last answer
        self.last_word: bytes | None = None
        self.half_closed = False
        self.unread_since: float | None = None

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        self.unread_since = self.gate.now
        self.gate.buffers.unread(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.unread_since = None
        self.gate.buffers.read(self)
        super().resume_writing()

    def give_up_body(self) -> None:
        """The request that is coming takes memory that others need."""
        self.refuse(partial(problem, Overloaded()), "overloaded")

    def give_up_answer(self) -> None:
        """The client does not read, and others need the memory."""
        self.transport.abort()

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.current is None or self.current.response_complete

    def ended(self) -> bool:
        """The client sends no more: says whether the connection stays open for answers that it is still owed."""
        unfinished = self.receiving == BODY
        if self.idle or self.skip_left is not None or (unfinished and self.cycle is self.current):
            return False
        if unfinished:
            self.pipeline.popleft()[0].forget()
        self.receiving, self.since, self.half_closed = CLOSED, self.gate.now, True
        return True

    def discarded(self, size: int) -> None:
        """So many bytes came after the last answer: a client may send on for a while, and then read it."""
        if self.skip_left is not None:  # else answers to what came before are still to be given
            self.skip_left -= size + discard(self.transport.get_extra_info("socket").fileno(), MOST_SKIPPED)
            if self.skip_left <= 0:
                self.transport.abort()

    def sweep(self, now: float) -> None:
        """Ends what has taken too long."""
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
            if waited > limits.body_seconds:
                self.time_out("the body", "body_time")
        elif self.receiving == NOTHING and self.idle and waited > limits.idle_seconds:
            self.end()

    def time_out(self, what: str, reason: str) -> None:
        """The client has not sent in time what it began to send."""
        if self.cycle is None and not self.begun:  # it has said nothing, and gets no answer
            self.gate.rejected(reason)
            self.end()
        else:
            self.refuse(partial(plain_problem, 408, f"{what} of the request did not arrive in time"), reason)

    def refuse_head(self) -> None:
        """The head is too large, or what comes after the body."""
        detail = f"the request headers must be at most {self.gate.limits.header_bytes} bytes (MAX_HEADER_BYTES)"
        self.refuse(partial(plain_problem, 431, detail), "headers")

    def refuse(self, refusal: Refusal, reason: str) -> None:
        """Says why, where an answer has not begun, and ends the connection when all before it were answered."""
        self.gate.rejected(reason)
        broken = self.cycle if self.receiving == BODY else None
        if broken is not None and broken.response_started:  # its answer did not wait for the body
            if broken.response_complete:
                self.end(unread=True)
            else:
                broken.keep_alive, self.receiving, self.since = False, CLOSED, self.gate.now
            return
        request_id, reply = self.gate.refused(refusal, None if broken is None else broken.scope)
        said = self.bytes_of(reply, request_id, closes=True)
        if not self.idle and broken is not self.current:  # earlier requests are answered first
            if broken is not None:
                self.pipeline.popleft()
                broken.forget()
            self.last_word, self.receiving, self.since = said, CLOSED, self.gate.now
            return
        self.transport.write(said)
        if broken is not None:
            broken.disconnected = True
            broken.message_event.set()
        self.end(unread=True)

    def end(self, unread: bool = False) -> None:
        """Ends the connection when the client has taken what was written.

        Where more is ``unread`` or coming, it is discarded for a while: to close at once would take the answer back.
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
        """The server ends: so does the connection, when what has begun to arrive was answered."""
        if not self.idle:
            (self.pipeline[0][0] if self.pipeline else self.current).keep_alive = False
        elif self.receiving == NOTHING:
            self.end()
        elif self.cycle is None and not self.begun:  # its first request may be under way
            self.since = self.gate.now - self.gate.limits.header_seconds + FIRST_REQUEST_SECONDS

    def bytes_of(self, reply: Reply, request_id: str, closes: bool, head_only: bool = False) -> bytes:
        """An answer as bytes, with all headers that answers have."""
        body, said = reply.body, bool(reply.headers) and CLOSE in reply.headers
        return b"%b%bx-request-id: %b\r\ncontent-length: %d\r\n%b\r\n%b" % (
            head_lines(reply.status, reply.media_type, reply.headers), self.gate.lines, request_id.encode(),
            len(body), b"connection: close\r\n" if closes and not said else b"", b"" if head_only else body,
        )  # fmt: skip

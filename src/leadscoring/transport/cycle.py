"""One request that the parser has read the head of, from its task to the end of its answer."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from leadscoring.transport.exchange import CUT, DROPPED, IN_ONE_WRITE, Reply


class Cycle(RequestResponseCycle):
    """uvicorn's cycle, which leaves nothing behind: no body, and no reference to itself.

    Its scope leads to the application's objects and back to it. Left to the garbage collector, each refused request
    would keep what had come of its body until the next full collection.
    """

    def __init__(self, connection: Any, keep_alive: bool) -> None:
        super().__init__(
            scope=connection.scope,
            transport=connection.transport,
            flow=connection.flow,
            logger=connection.logger,
            access_logger=connection.access_logger,
            access_log=False,
            default_headers=connection.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=connection.expect_100_continue,
            keep_alive=keep_alive,
            on_response=connection.on_response_complete,
        )
        self._connection = connection
        self.dropped = False  # whether nobody will read the body
        self.held = 0  # bytes of the body that count among those of all requests
        scope: Any = self.scope
        scope["extensions"] = {IN_ONE_WRITE: self.answer, DROPPED: self.drop, CUT: self.transport.abort}

    async def run_asgi(self, app: Any) -> None:
        """Answers the request."""
        try:
            await super().run_asgi(app)
        finally:
            self.forget()

    async def answer(self, reply: Reply, request_id: str) -> None:
        """Answers in one write; ASGI's two messages would be two, and wake the client twice."""
        if self.flow.write_paused and not self.disconnected:
            self._connection.gate.buffers.unread(self._connection, len(reply.body))
            await self.flow.drain()
        if not self.disconnected:
            self.response_started = self.response_complete = True
            self.message_event.set()
            self._connection.answered(self, reply, request_id)

    def drop(self) -> None:
        """Nobody will read the body, nor what is still to come of it."""
        self.dropped, self.body = True, bytearray()
        if not self.disconnected:
            self.flow.pause_reading()  # until it is answered
        self.let_go()

    def give_up_body(self) -> None:
        """The body takes memory that others need."""
        if self._connection is not None:
            self._connection.give_up_body()

    def give_up_answer(self) -> None:
        """Answers are the connection's."""

    def let_go(self) -> None:
        """The body no longer counts."""
        self._connection.gate.buffers.let_go(self)

    def forget(self) -> None:
        """Lets go of everything: it was answered, or never will be."""
        if self._connection is None:
            return
        self.let_go()
        self.scope.clear()  # type: ignore[attr-defined]  # it is a plain dictionary
        self.body = bytearray()
        self._connection = None
        self.on_response = nothing


def nothing() -> None:
    """What is left to do when a cycle has ended."""

"""A request whose head has been parsed, until its answer is complete."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from leadscoring.transport.exchange import CUT, DROPPED, IN_ONE_WRITE, Reply


class Cycle(RequestResponseCycle):
    """uvicorn's request cycle, without leaks: it frees the body, and breaks its reference cycles when it ends.

    Its scope refers to the application's objects and back to the cycle. Left to the garbage collector, each rejected
    request would keep its body until the next full collection.
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
        self.dropped = False  # whether the body is discarded
        self.held = 0  # bytes of the body counted by Buffers
        scope: Any = self.scope
        scope["extensions"] = {IN_ONE_WRITE: self.answer, DROPPED: self.drop, CUT: self.transport.abort}

    async def run_asgi(self, app: Any) -> None:
        """Runs the application for the request."""
        try:
            await super().run_asgi(app)
        finally:
            self.forget()

    async def answer(self, reply: Reply, request_id: str) -> None:
        """Sends the answer in one write; ASGI's two messages would take two, and wake the client twice."""
        if self.flow.write_paused and not self.disconnected:
            self._connection.gate.buffers.unread(self._connection, len(reply.body))
            await self.flow.drain()
        if not self.disconnected:
            self.response_started = self.response_complete = True
            self.message_event.set()
            self._connection.answered(self, reply, request_id)

    def drop(self) -> None:
        """Discards the body, including the part that has not arrived."""
        self.dropped, self.body = True, bytearray()
        if not self.disconnected:
            self.flow.pause_reading()  # until the answer is sent
        self.let_go()

    def give_up_body(self) -> None:
        """Rejects the request to free the memory of its body."""
        if self._connection is not None:
            self._connection.give_up_body()

    def give_up_answer(self) -> None:
        """Does nothing: answers are buffered by the connection."""

    def let_go(self) -> None:
        """Stops counting the body."""
        self._connection.gate.buffers.let_go(self)

    def forget(self) -> None:
        """Releases all references once the request is answered or cancelled."""
        if self._connection is None:
            return
        self.let_go()
        self.scope.clear()  # type: ignore[attr-defined]  # it is a plain dictionary
        self.body = bytearray()
        self._connection = None
        self.on_response = nothing


def nothing() -> None:
    """Replaces ``on_response`` of a finished cycle."""

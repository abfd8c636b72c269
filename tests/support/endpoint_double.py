"""A server that plays the model endpoints of SageMaker and Azure ML, ended by the handle that started it.

Calls to it answer with what stock XGBoost scores, until it is told otherwise::

    with doubling(model) as double:
        double.script(fails(503), fails(503))  # then it answers
        double.always(hangs)                   # from now on
        double.calls                           # what has reached it
"""

import asyncio
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import h11
import signature
from anyio.from_thread import BlockingPortal, start_blocking_portal
from endpoint_containers import Stock
from endpoint_replies import Behaviour, Call, Cloud, Flaw, Reply, answers, aws_error, azure_error, no_such_endpoint
from serving import free_port

ENDPOINT = "lead-scoring-endpoint"
API_KEY = "azure-key-of-the-tests"
SAGEMAKER_LIMIT = 6_291_456
"""Bytes of a request body that the runtime endpoint takes."""

TRICKLE_SECONDS = 0.1
AT_ONCE = 65536
BOTH_WAYS_NOW = struct.pack("ii", 1, 0)
"""Linger for no time: closing resets the connection."""


class Double:
    """Both endpoints on one port of the loopback; see the module for how to use it."""

    def __init__(self, model: Path, portal: BlockingPortal, deployment: str | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sagemaker_url = self.url
        """For AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME."""
        self.azure_url = f"{self.url}/score"
        self.deployment = deployment
        """The deployment that calls must pin; without it they must pin none."""
        self.token: str | None = None
        """The session token that calls must carry, as temporary credentials do."""
        self.keys = {API_KEY}
        """Bearer keys, or tokens, that open the Azure endpoint."""
        self.own_container = False
        """Whether a container of ours is behind SageMaker, which takes JSON, and not the built-in one."""
        self.normally: Behaviour = answers
        """What it does when it has not been told otherwise."""
        self.calls: list[Call] = []
        self._model = Stock(model)
        self._portal = portal
        self._script: deque[Behaviour] = deque()
        self._always: Behaviour | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    # What a test says

    def serves(self, model: Path) -> None:
        """Another model from now on."""
        self._model = Stock(model)

    def gives_margins(self, margins: bool = True) -> None:
        """Answers margins instead of probabilities."""
        self._model.gives = "margin" if margins else "probability"

    def always(self, behaviour: Behaviour) -> None:
        """What it does with every call that no script has a behaviour for."""
        self._always = behaviour

    def script(self, *behaviours: Behaviour) -> None:
        """What it does with the next calls, one each."""
        self._script.extend(behaviours)

    def forget(self) -> None:
        """Forgets the calls so far and what is left of the script, and answers again."""
        self._script.clear()
        self._always = None
        self.calls.clear()

    # What a test asks

    @property
    def attempts(self) -> int:
        """How many calls have reached it."""
        return len(self.calls)

    @property
    def refusals(self) -> list[str]:
        """What the front door has found wrong with calls."""
        return [call.refusal for call in self.calls if call.refusal]

    @property
    def last(self) -> Call:
        """The newest call."""
        return self.calls[-1]

    # The server

    def open(self) -> None:
        """Listens on its port; again, after ``close``."""
        self._portal.call(self._open)

    def close(self) -> None:
        """Hangs up on everyone and stops listening: connections are refused from now on."""
        self._portal.call(self._close)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)

    async def _close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connection(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, with as many calls as the client makes on it."""
        wire = h11.Connection(h11.SERVER, max_incomplete_event_size=AT_ONCE)
        try:
            while (call := await self._received(wire, reader, writer)) and await self._answered(
                call, wire, reader, writer
            ):
                wire.start_next_cycle()
        except (ConnectionError, h11.RemoteProtocolError):
            return  # the client has gone, or does not speak HTTP
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _received(
        self, wire: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Call | None:
        """The next call on a connection, whole; nothing when the client has hung up."""
        head, body = None, bytearray()
        while True:
            event = wire.next_event()
            if event is h11.NEED_DATA:
                if wire.they_are_waiting_for_100_continue:
                    writer.write(wire.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
                wire.receive_data(await reader.read(AT_ONCE))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return self._call(head, bytes(body))
            else:
                return None

    def _call(self, head: h11.Request, body: bytes) -> Call:
        path = head.target.decode()
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        method, now = head.method.decode(), time.monotonic()
        call = Call(cloud_of(path), method, path, headers, body, self._model, now, self.own_container)
        self.calls.append(call)
        return call

    async def _answered(
        self, call: Call, wire: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answers one call; whether the connection can take another."""
        made = self._front_door(call) or self._next_behaviour()(call)
        reply = made if isinstance(made, Reply) else await made
        if reply.flaw is Flaw.RESET:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, BOTH_WAYS_NOW)
            writer.transport.abort()
            return False
        hangs = reply.flaw is Flaw.HANG
        whole = not await gone(call, reader, None if hangs else reply.wait) and await sent(
            reply, call, wire, reader, writer
        )
        if whole:
            call.answered = time.monotonic()
        return whole and wire.our_state is h11.DONE and wire.their_state is h11.DONE

    def _next_behaviour(self) -> Behaviour:
        return self._script.popleft() if self._script else self._always or self.normally

    def _front_door(self, call: Call) -> Reply | None:
        """The refusal of a call that no container ever sees."""
        if call.method != "POST":
            call.refusal = f"the method must be POST, not {call.method!r}"
            return Reply(405)
        if call.cloud == "sagemaker":
            return self._sagemaker_door(call)
        if call.cloud == "azure":
            return self._azure_door(call)
        call.refusal = f"there is nothing at {call.path!r}"
        return Reply(404)

    def _sagemaker_door(self, call: Call) -> Reply | None:
        call.refusal = signature.fault(call.method, call.path, call.headers, call.body, self.token)
        if call.refusal:
            return aws_error(403, "InvalidSignatureException", call.refusal)
        if call.path != f"/endpoints/{ENDPOINT}/invocations":
            call.refusal = f"there is no endpoint at {call.path!r}"
            return no_such_endpoint(call)
        if len(call.headers.get("x-amzn-sagemaker-inference-id", "")) > 64:
            call.refusal = "X-Amzn-SageMaker-Inference-Id must have at most 64 characters"
            return aws_error(400, "ValidationError", call.refusal)
        if len(call.body) > SAGEMAKER_LIMIT:
            call.refusal = f"the body must have at most {SAGEMAKER_LIMIT} bytes, not {len(call.body)}"
            return aws_error(413, "RequestEntityTooLarge", call.refusal)
        return None

    def _azure_door(self, call: Call) -> Reply | None:
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        deployment = call.headers.get("azureml-model-deployment")
        if scheme != "Bearer" or key not in self.keys:
            call.refusal = "Authorization must be Bearer and a key of this endpoint"
            return azure_error(401, call.refusal)
        if deployment != self.deployment:
            call.refusal = f"azureml-model-deployment must be {self.deployment!r}, not {deployment!r}"
            return azure_error(404, call.refusal)
        if call.headers.get("content-type", "").partition(";")[0] != "application/json":
            call.refusal = f"Content-Type must be application/json, not {call.headers.get('content-type')!r}"
        return None


def cloud_of(path: str) -> Cloud:
    """Which of the two a path belongs to."""
    if path.startswith("/endpoints/"):
        return "sagemaker"
    return "azure" if path == "/score" else "elsewhere"


async def sent(
    reply: Reply, call: Call, wire: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Sends a reply; whether all of it was."""
    length = ("Transfer-Encoding", "chunked") if reply.chunked else ("Content-Length", str(len(reply.body)))
    headers = [*reply.headers.items(), length]
    if call.cloud == "sagemaker" and reply.status == 200:
        headers.append(("x-Amzn-Invoked-Production-Variant", "AllTraffic"))
    write = partial(put, wire, writer)
    await write(h11.Response(status_code=reply.status, headers=headers))
    if reply.flaw is Flaw.HANG_AFTER_HEAD:
        return not await gone(call, reader, None)
    if reply.flaw is Flaw.CUT:
        await write(h11.Data(data=reply.body[: len(reply.body) // 2]))
        return False
    step = 1 if reply.flaw is Flaw.TRICKLE else AT_ONCE
    for start in range(0, len(reply.body), step):
        await write(h11.Data(data=reply.body[start : start + step]))
        if reply.flaw is Flaw.TRICKLE and await gone(call, reader, TRICKLE_SECONDS):
            return False
    await write(h11.EndOfMessage())
    return True


async def put(wire: h11.Connection, writer: asyncio.StreamWriter, event: h11.Event) -> None:
    """Sends one event of HTTP."""
    writer.write(wire.send(event) or b"")
    await writer.drain()


async def gone(call: Call, reader: asyncio.StreamReader, seconds: float | None) -> bool:
    """Waits so long, without end for none, and says whether the client hung up meanwhile."""
    if seconds == 0:
        return False
    try:
        with suppress(ConnectionError):
            await asyncio.wait_for(reader.read(1), seconds)  # a client says nothing more before the answer
    except TimeoutError:
        return False
    call.abandoned = time.monotonic()
    return True


@contextmanager
def doubling(model: Path, deployment: str | None = None) -> Iterator[Double]:
    """Both endpoints with this model, for as long as the context is open."""
    with start_blocking_portal() as portal:
        double = Double(model, portal, deployment)
        double.open()
        try:
            yield double
        finally:
            double.close()

"""An open-loop load: requests leave at a constant rate, whether or not the server keeps up.

A closed loop waits for an answer before it asks again, so a slow server slows the load down and hides its own
queue. Here every request has a moment at which it should leave, and its latency counts from that moment.

    python -m benchmarks.open_loop URL --rate 200 --seconds 10 [--body FILE] [--key KEY] [--connections 64]

The generator takes the thread it runs in; ``in_own_process`` gives it a process of its own.
"""

import argparse
import asyncio
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

GENERATOR = "from benchmarks.open_loop import told; told()"
"""The code of a separate process, which reads a load and writes the outcome to a file."""

PERCENTILES = (50.0, 99.0, 99.9)


@dataclass(frozen=True)
class Load:
    """What to send, at which ``rate`` per second, for how many ``seconds``.

    ``closed`` loads send whenever a connection is free, at any rate. ``keys`` are assigned to the connections in turn,
    in place of the single ``key``.
    """

    url: str
    rate: float
    seconds: float
    body: bytes = b""
    key: str = ""
    connections: int = 64
    timeout: float = 10.0
    closed: bool = False
    raw: bytes = b""
    keys: tuple[str, ...] = ()

    def requests(self) -> list[bytes]:
        """Returns the bytes of one request for each key."""
        return [self.request(key) for key in self.keys or (self.key,)]

    def request(self, key: str) -> bytes:
        """Returns the bytes of one request; ``raw`` if it is set."""
        if self.raw:
            return self.raw
        parts = urlsplit(self.url)
        head = [f"{'POST' if self.body else 'GET'} {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}"]
        if self.body:
            head += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        if key:
            head.append(f"X-API-Key: {key}")
        return "\r\n".join([*head, "", ""]).encode() + self.body


@dataclass
class Outcome:
    """The outcome of a load: latencies in seconds by status, and failures by name.

    ``refused`` failures are connections that the server did not accept, so that no accepted request was lost.
    ``unsent`` requests had no free connection until the end, and never left the client.
    """

    sent: int = 0
    unsent: int = 0
    ended: float = 0.0
    took: float = 0.0
    latencies: dict[int, list[float]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    finished: list[tuple[float, int]] = field(default_factory=list)
    served: Counter[int] = field(default_factory=Counter)
    """Responses with status 200 by the index of their key."""

    @property
    def statuses(self) -> dict[int, int]:
        """The number of responses by status."""
        return {status: len(latencies) for status, latencies in sorted(self.latencies.items())}

    @property
    def goodput(self) -> float:
        """Responses with status 200 per second while requests were sent; later ones were not under load."""
        good = sum(status == 200 and at <= self.ended for at, status in self.finished)
        return good / self.took if self.took else 0.0

    @property
    def lost(self) -> int:
        """The number of requests that were sent but not answered."""
        return sum(count for name, count in self.failures.items() if name != "refused")

    def percentile(self, share: float, status: int = 200) -> float:
        """Returns the percentile ``share`` of the latency of a status in ms; NaN without responses."""
        ordered = sorted(self.latencies.get(status, ()))
        return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))] * 1e3 if ordered else float("nan")

    def said(self) -> dict[str, Any]:
        """Returns the outcome as plain values for JSON."""
        return {
            "sent": self.sent,
            "unsent": self.unsent,
            "seconds": round(self.took, 2),
            "goodput_per_s": round(self.goodput, 1),
            "statuses": self.statuses,
            "failures": dict(self.failures),
            "latency_ms": {
                status: {f"p{share:g}": round(self.percentile(share, status), 2) for share in PERCENTILES}
                for status in self.statuses
            },
        }


class Client(asyncio.Protocol):
    """One connection with at most one request in progress."""

    def __init__(self, run: "Run", key: int) -> None:
        self.run, self.key = run, key
        self.buffer = b""
        self.due: float | None = None
        self.transport: asyncio.Transport | None = None
        self.closing = False
        self.expected = 0
        self.sending = False

    def connection_made(self, transport: Any) -> None:
        """Called when the connection is established."""
        self.transport = transport
        transport.set_write_buffer_limits(0)

    def pause_writing(self) -> None:
        """Called when the request is too long to be sent at once."""
        self.sending = True

    def resume_writing(self) -> None:
        """Called when the request is sent; the connection is free only now, even if it was answered before."""
        self.sending = False
        if self.due is None and self.transport is not None and not self.closing:
            self.run.free(self)

    def send(self, due: float) -> None:
        """Sends one request, which should have left at ``due``."""
        assert self.transport is not None
        self.due, self.buffer, self.expected, self.closing = due, b"", 0, False
        self.transport.write(self.run.requests[self.key])

    def data_received(self, data: bytes) -> None:
        """Receives a part of a response."""
        self.buffer = self.buffer + data if self.buffer else data
        if not self.expected:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            length = head.find(b"content-length:")
            size = int(head[length + 15 : head.find(b"\r\n", length) if b"\r\n" in head[length:] else None])
            self.expected = end + 4 + size
            self.closing = b"connection: close" in head
        if len(self.buffer) >= self.expected:
            self.finish(int(self.buffer[9:12]))

    def finish(self, status: int) -> None:
        """Handles a complete response."""
        due, self.due = self.due, None
        if due is None or self.transport is None:
            return
        self.run.outcome.served[self.key] += status == 200
        self.run.answered(due, status)
        if self.closing:
            transport, self.transport = self.transport, None
            transport.abort() if self.sending else transport.close()
            self.run.lost(self)
        elif not self.sending:
            self.run.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the server closes the connection, which is a failure if a request is in progress."""
        self.transport = None
        due, self.due = self.due, None
        if due is not None:
            self.run.failed("reset" if exc else "closed")
        self.run.lost(self)


class Run:
    """One run of a load in this thread's event loop."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.requests = load.requests()
        self.places = cycle(range(len(self.requests)))
        self.outcome = Outcome()
        self.idle: deque[Client] = deque()
        self.open: set[Client] = set()
        self.waiting: deque[float] = deque()
        self.tasks: set[asyncio.Future[None]] = set()
        self.connecting = 0
        self.pending = 0
        self.stopped = False
        self.began = 0.0

    async def go(self) -> Outcome:
        """Sends requests at the rate, then waits for those in progress."""
        self.began = began = monotonic()
        end = began + self.load.seconds
        if self.load.closed:
            for _ in range(self.load.connections):
                self.leave(began)
            await asyncio.sleep(self.load.seconds)  # the duration of the load
            self.stopped = True
        else:
            await self.pace(began, end)
        self.outcome.ended = monotonic()
        self.outcome.took = self.outcome.ended - began
        self.outcome.unsent = len(self.waiting)
        self.outcome.sent -= len(self.waiting)
        self.pending -= len(self.waiting)
        self.waiting.clear()
        deadline = monotonic() + self.load.timeout
        while self.pending and monotonic() < deadline:
            await asyncio.sleep(0.01)  # until the last responses have arrived, or the deadline
        self.outcome.failures["timeout"] += self.pending
        self.outcome.failures += Counter()
        for client in list(self.open):
            if client.transport is not None:
                client.due = None
                client.transport.abort()
        return self.outcome

    async def pace(self, began: float, end: float) -> None:
        """Sends every request when it is due, late ones immediately."""
        number, step = 0, 1 / self.load.rate
        while (now := monotonic()) < end:
            due = began + number * step
            if due > now:
                await asyncio.sleep(due - now)  # the next arrival of a constant rate
                continue
            self.leave(due)
            number += 1
            if number % 16 == 0:
                await asyncio.sleep(0)  # reads responses while there is much to send

    def leave(self, due: float) -> None:
        """Handles a request that is due."""
        self.outcome.sent += 1
        self.pending += 1
        while self.idle:
            client = self.idle.pop()
            if client.transport is not None and not client.transport.is_closing():
                client.send(due)
                return
        self.waiting.append(due)
        self.connect()

    def connect(self) -> None:
        """Opens a connection if one is needed and allowed."""
        if self.connecting < len(self.waiting) and len(self.open) + self.connecting < self.load.connections:
            self.connecting += 1
            task = asyncio.ensure_future(self.opened())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def opened(self) -> None:
        """Opens a new connection, which sends the next waiting request."""
        parts = urlsplit(self.load.url)
        try:
            _, client = await asyncio.get_running_loop().create_connection(
                lambda: Client(self, next(self.places)), parts.hostname or "", parts.port or 80
            )
        except OSError:
            self.connecting -= 1
            if self.waiting:
                self.waiting.popleft()
                self.failed("refused")
            return
        self.connecting -= 1
        self.open.add(client)
        self.free(client)

    def free(self, client: Client) -> None:
        """Called when a connection can send the next request."""
        if self.waiting:
            client.send(self.waiting.popleft())
        else:
            self.idle.append(client)

    def lost(self, client: Client) -> None:
        """Called when a connection is closed."""
        self.open.discard(client)
        if self.waiting:
            self.connect()

    def answered(self, due: float, status: int) -> None:
        """Records a response."""
        now = monotonic()
        self.pending -= 1
        self.outcome.latencies.setdefault(status, []).append(now - due)
        self.outcome.finished.append((now, status))
        if self.load.closed and not self.stopped:
            asyncio.get_running_loop().call_soon(self.leave, now)

    def failed(self, name: str) -> None:
        """Records a failed request."""
        self.pending -= 1
        self.outcome.failures[name] += 1
        if self.load.closed and not self.stopped:
            asyncio.get_running_loop().call_later(0.01, self.leave, monotonic())


def run(load: Load) -> Outcome:
    """Runs a load in this process."""
    import uvloop

    return uvloop.run(Run(load).go())


def told() -> None:
    """Runs the pickled load on standard input; writes the outcome to the file in ``sys.argv[1]``."""
    Path(sys.argv[1]).write_bytes(pickle.dumps(run(pickle.loads(sys.stdin.buffer.read()))))  # noqa: S301  # from our parent


class Running:
    """A load that runs in a separate process, pinned to ``core`` if specified."""

    def __init__(self, load: Load, core: int | None = None) -> None:
        self._limit = load.seconds + load.timeout + 20
        self._folder = tempfile.TemporaryDirectory()
        self._told = Path(self._folder.name) / "outcome"
        command = [sys.executable, "-c", GENERATOR, str(self._told)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
        if core is not None:
            os.sched_setaffinity(self._process.pid, {core})
        assert self._process.stdin is not None
        self._process.stdin.write(pickle.dumps(load))
        self._process.stdin.close()
        self._process.stdin = None

    def result(self) -> Outcome:
        """Waits for the load to end; returns the outcome."""
        try:
            self._process.wait(self._limit)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise RuntimeError("the load generator did not end in time") from None
        if self._process.returncode:
            raise RuntimeError(f"the load generator ended with exit code {self._process.returncode}")
        outcome: Outcome = pickle.loads(self._told.read_bytes())  # noqa: S301  # written by our own child
        return outcome

    def stop(self) -> None:
        """Kills the process, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()


@contextmanager
def in_own_process(load: Load, core: int | None = None) -> Iterator[Running]:
    """Runs a load in the background, until the context ends at the latest."""
    running = Running(load, core)
    try:
        yield running
    finally:
        running.stop()


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description="Send requests at a constant rate, and say what came back.")
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--body", type=Path, help="a file to POST")
    parser.add_argument("--key", default="", help="sent as X-API-Key")
    parser.add_argument("--connections", type=int, default=64, help="at most")
    parser.add_argument("--closed", action="store_true", help="a closed loop over all connections instead")
    options = parser.parse_args()
    body = options.body.read_bytes() if options.body else b""
    about = {"key": options.key, "connections": options.connections, "closed": options.closed}
    outcome = run(Load(options.url, options.rate, options.seconds, body, **about))
    print(json.dumps(outcome.said(), indent=1))
    return 1 if outcome.lost else 0


if __name__ == "__main__":
    sys.exit(main())

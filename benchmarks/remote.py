"""Overhead and fault tolerance of remote models: the part ``remote`` of ``make stress``."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter

from benchmarks.endpoint import CALL_SECONDS
from benchmarks.open_loop import Load, in_own_process
from benchmarks.row import Row
from benchmarks.servers import CLIENT_CORE, KEY, free_port
from benchmarks.service import Service, run, until
from leadscoring.model.file import open_model

MODEL = Path("models/model.json")
LEAD = Path("docs/examples/sample_request_1.json")
DEADLINE = 1.0
CALLS = 1500


class Stub:
    """A running endpoint."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/score"

    def become(self, mode: str) -> None:
        """Changes the behaviour of the endpoint."""
        post(self.port, f"/mode/{mode}", b"{}")

    def service(self, **environ: str) -> Service:
        """Starts a service that uses this endpoint."""
        made = Service(
            core=None, model=MODEL, WORKERS="1", DRAIN_SECONDS="0", MODEL_ENDPOINT_PROVIDER="azure",
            AZURE_ML_ENDPOINT_URL=self.url, AZURE_ML_API_KEY="stub", **environ,
        )  # fmt: skip
        until(lambda: answers(made))
        return made


@contextmanager
def stubbing() -> Iterator[Stub]:
    """Runs an endpoint that serves the shipped model."""
    stub = Stub(free_port())
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.endpoint", str(stub.port), str(MODEL)])
    try:
        until(lambda: open_port(stub.port))
        yield stub
    finally:
        process.kill()
        process.wait()


def open_port(port: int) -> bool:
    """Whether the port accepts connections."""
    try:
        post(port, "/mode/quick", b"{}")
    except OSError:
        return False
    return True


def post(port: int, path: str, body: bytes) -> int:
    """Sends one request; returns the status."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", path, body, {"Content-Type": "application/json", "X-API-Key": KEY})
    status = connection.getresponse().status
    connection.close()
    return status


def answers(service: Service) -> bool:
    """Whether a lead can be scored."""
    return post(service.port, "/api/v1/score", LEAD.read_bytes()) == 200


def in_turns(targets: list[tuple[int, str, bytes]]) -> list[float]:
    """Returns the median time of calls of each target in ms, called alternately over separate connections."""
    connections = [HTTPConnection("127.0.0.1", port, timeout=30) for port, _, _ in targets]
    times: list[list[float]] = [[] for _ in targets]
    for _ in range(CALLS):
        for connection, (_, path, body), seen in zip(connections, targets, times, strict=True):
            began = perf_counter()
            connection.request("POST", path, body, {"Content-Type": "application/json", "X-API-Key": KEY})
            connection.getresponse().read()
            seen.append((perf_counter() - began) * 1e3)
    for connection in connections:
        connection.close()
    return [statistics.median(seen) for seen in times]


def overhead(stub: Stub) -> Row:
    """Measures the overhead of the service over a direct call of the stub."""
    model, lead = open_model(MODEL), LEAD.read_bytes()
    _, rows = model.decoder.one(lead)
    row = ",".join("null" if value is None else f"{value:.9g}" for value in rows.row(0))
    with stopping(stub.service()) as service:
        direct, through = in_turns(
            [(stub.port, "/score", f'{{"data":[[{row}]]}}'.encode()), (service.port, "/api/v1/score", lead)]
        )
    return Row("a remote call: what the service adds at the median, ms", f"{through:.2f} ms",
               f"the stub alone {direct:.2f} ms", through - direct, 0.5, at_most=True)  # fmt: skip


def black_hole(stub: Stub) -> list[Row]:
    """Measures an endpoint that accepts calls and never responds."""
    with stopping(stub.service(MODEL_TIMEOUT_SECONDS=str(DEADLINE), MODEL_BREAKER_FAILURES="1000000")) as service:
        stub.become("dead")
        core = int(CLIENT_CORE)
        lead = Load(service.url + "/api/v1/score", 20, 6, LEAD.read_bytes(), KEY, 64)
        probe = Load(service.url + "/health", 20, 6, connections=8)
        local = Load(service.url + "/api/v1/model/info", 20, 6, key=KEY, connections=8)
        with in_own_process(probe, core) as probing, in_own_process(local, core) as asking:
            found = run(lead)
            health, info = probing.result(), asking.result()
        stub.become("quick")
    slowest = max(max(each) for each in found.latencies.values()) * 1e3
    return [
        Row(f"a dead endpoint, deadline {DEADLINE:g} s: slowest answer, ms", str(found.statuses), "", slowest,
            DEADLINE * 1e3 + 100, at_most=True),
        Row("... /health meanwhile, p99 in ms", str(health.statuses), "", health.percentile(99), 50, at_most=True),
        Row("... what needs no model meanwhile, p99 in ms", str(info.statuses), "", info.percentile(99), 50,
            at_most=True),
    ]  # fmt: skip


def flapping(stub: Stub) -> Row:
    """Measures an endpoint that fails intermittently, with the local model as fallback."""
    with stopping(stub.service(MODEL_FALLBACK="local", MODEL_BREAKER_SECONDS="0.5")) as service:
        stub.become("moody")
        outcome = run(Load(service.url + "/api/v1/score", 200, 10, LEAD.read_bytes(), KEY, 64))
        stub.become("quick")
    failed = outcome.sent - len(outcome.latencies.get(200, ()))
    return Row("an endpoint that flaps, 200/s with fallback: requests lost", f"{outcome.statuses}", "", failed, 0,
               at_most=True)  # fmt: skip


def micro_batching(stub: Stub) -> Row:
    """Measures an endpoint that takes 20 ms per call, with and without micro-batching."""
    rates = []
    for size in ("1", "32"):
        with stopping(stub.service(MODEL_MICRO_BATCH_SIZE=size, MODEL_MAX_CONCURRENCY="64")) as service:
            stub.become("slow")
            load = Load(service.url + "/api/v1/score", 0, 5, LEAD.read_bytes(), KEY, 48, closed=True)
            rates.append(run(load).goodput)
            stub.become("quick")
    alone, shared = rates
    return Row(f"micro-batching, {CALL_SECONDS * 1e3:g} ms a call: leads a second", f"{shared:,.0f}/s",
               f"a call for each {alone:,.0f}/s", shared / alone, 5)  # fmt: skip


@contextmanager
def stopping(service: Service) -> Iterator[Service]:
    """Stops the service when the context ends."""
    try:
        yield service
    finally:
        service.stop()


def remote() -> list[Row]:
    """Runs all benchmarks of remote models."""
    os.environ.pop("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", None)
    with stubbing() as stub:
        return [overhead(stub), *black_hole(stub), flapping(stub), micro_batching(stub)]

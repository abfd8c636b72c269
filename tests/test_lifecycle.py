"""A service starts whole or not at all, replaces what dies in it, and ends without losing a request."""

import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from benchmarks.open_loop import Load, in_own_process
from benchmarks.proxy import proxied
from factories import LEAD, body, model_file
from serving import DEADLINE, KEY, Server, children, eventually, serving, start, wait_until_ready

pytestmark = pytest.mark.integration


def ready(server: Server) -> int:
    """What readiness says, over a connection of its own."""
    return httpx.get(server.url + "/health/ready", timeout=30).status_code


SCORED = re.compile(r'http_requests_total{endpoint="/api/v1/score",method="POST",status="200"} [1-9]')


def load(url: str, seconds: float, rate: float = 100) -> Load:
    """Single leads at a constant rate."""
    return Load(url + "/api/v1/score", rate, seconds, body(LEAD), KEY, connections=20, timeout=20)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_asked_to_end_it_is_not_ready_at_once_and_answers_on(tmp_path: Path, workers: str) -> None:
    """For the drain time, closing connections; then it ends with exit code 0, and no accepted request failed."""
    with serving(tmp_path, model_file(tmp_path), WORKERS=workers, DRAIN_SECONDS="2") as server:
        with in_own_process(load(server.url, 3.0)) as running:
            assert eventually(lambda: bool(SCORED.search(server.http.get("/metrics").text)))
            server.process.send_signal(signal.SIGTERM)
            assert eventually(lambda: ready(server) == 503, 1.5)
            problem = httpx.get(server.url + "/health/ready")
            assert (problem.json()["code"], problem.json()["state"]) == ("not_ready", "draining")
            assert problem.headers["connection"] == "close"
            assert httpx.get(server.url + "/health/live").status_code == 200
            answer = httpx.post(server.url + "/api/v1/score", json=LEAD, headers={"X-API-Key": KEY})
            assert answer.status_code == 200
            assert server.process.wait(DEADLINE) == 0
            found = running.result()
        assert found.statuses.keys() == {200}
        assert found.lost == 0, found.said()


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    """Even one whose body was still to come."""
    lead = body(LEAD)
    with serving(tmp_path, model_file(tmp_path)) as server, socket.create_connection(("127.0.0.1", server.port)) as one:
        one.settimeout(DEADLINE)
        head = f"POST /api/v1/score HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Length: {len(lead)}\r\n\r\n"
        one.sendall(head.encode() + lead[:10])
        server.http.close()
        assert eventually(lambda: "http_requests_active 2.0" in httpx.get(server.url + "/metrics").text)
        server.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: refuses(server.port))
        one.sendall(lead[10:])
        said = b""
        while more := one.recv(65536):
            said += more
        assert said.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in said
        assert server.process.wait(DEADLINE) == 0


def refuses(port: int) -> bool:
    """Whether nothing listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_interrupt_ends_the_drain(tmp_path: Path, workers: str) -> None:
    """Whoever presses Ctrl-C twice does not want to wait."""
    with serving(tmp_path, model_file(tmp_path), WORKERS=workers, DRAIN_SECONDS="300") as server:
        server.process.send_signal(signal.SIGINT)
        assert eventually(lambda: ready(server) == 503)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(DEADLINE) == 0


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_dies_or_hangs_is_replaced_and_the_others_answer(tmp_path: Path, fault: signal.Signals) -> None:
    """Nothing hangs for longer than it takes to notice."""
    with serving(tmp_path, model_file(tmp_path), WORKERS="2") as server:
        assert eventually(lambda: server.logged().count('"listening"') == 2)
        victim = children(server.process.pid)[0]
        os.kill(victim, fault)
        assert eventually(lambda: victim not in children(server.process.pid))
        assert eventually(lambda: len(children(server.process.pid)) == 2)
        for _ in range(20):
            answer = httpx.post(server.url + "/api/v1/score", json=LEAD, headers={"X-API-Key": KEY}, timeout=30)
            assert answer.status_code == 200
        assert "worker replaced" in server.logged()
        assert server.stop() == 0


def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    """No orphan keeps the port."""
    with serving(tmp_path, model_file(tmp_path), WORKERS="2") as server:
        workers = children(server.process.pid)
        server.process.kill()
        server.process.wait(DEADLINE)
        assert eventually(lambda: not any(map(psutil.pid_exists, workers)))
        assert eventually(lambda: refuses(server.port))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path, workers: str) -> None:
    """With exit code 2 and the words that operators look for."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = start(tmp_path, model_file(tmp_path), PORT=str(port), WORKERS=workers)
        assert server.process.wait(DEADLINE) == 2
        server.http.close()
        said = server.logged().strip()
    assert "ddress already in use" in said
    assert "PORT" in said
    assert len(said.splitlines()) == 1 or workers == "1"
    assert "Traceback" not in said


def test_a_full_disk_for_metrics_stops_the_start(tmp_path: Path) -> None:
    """With exit code 2 and one line, before any worker runs."""
    limit = 4096  # a limit on the size of files does what a full disk does
    environ = {"MODEL_PATH": str(model_file(tmp_path)), "API_KEYS": KEY, "PORT": "0", "WORKERS": "2"}
    environ["COVERAGE_PROCESS_CONFIG"] = ""  # measuring writes files too, and would fail louder than we do
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "leadscoring"), "serve"],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert ran.returncode == 2, ran.stderr
    assert "no room for metrics" in ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout


def test_a_full_disk_for_logs_costs_lines_and_no_request(tmp_path: Path) -> None:
    """They are dropped and counted."""
    with full_log(tmp_path) as server:
        for _ in range(5):
            assert server.http.post("/api/v1/score", json=LEAD).status_code == 200
        assert eventually(lambda: dropped(server) >= 5)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(DEADLINE) == 0


@contextmanager
def full_log(folder: Path) -> Iterator[Server]:
    """A service whose log goes to a disk that is full."""
    template = start(folder, folder / "none.json")  # for a free port and a client
    template.process.wait(DEADLINE)
    settings = {"MODEL_PATH": str(model_file(folder)), "API_KEYS": KEY, "PORT": str(template.port), "WORKERS": "1"}
    with Path("/dev/full").open("wb") as full:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "leadscoring"), "serve"],
            env=os.environ | settings | {"HOST": "127.0.0.1", "DRAIN_SECONDS": "0"},
            stdout=full,
            stderr=subprocess.STDOUT,
        )
    server = Server(process, template.port, template.log)
    try:
        wait_until_ready(server)
        yield server
    finally:
        template.http.close()
        server.http.close()
        if process.poll() is None:
            server.stop()


def dropped(server: Server) -> float:
    """How many log lines were dropped."""
    lines = server.http.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("log_lines_dropped_total"))


@pytest.fixture(scope="session")
def nginx() -> str:
    """The proxy's program; without it a test is skipped, and in CI it fails."""
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        reason = "there is no nginx on this machine; apt-get install nginx has it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def test_a_rolling_restart_behind_a_proxy_fails_no_request(tmp_path: Path, nginx: str) -> None:
    """Two services, restarted one after the other under load."""
    model = model_file(tmp_path)
    with (
        serving(tmp_path, model, DRAIN_SECONDS="1") as first,
        serving(tmp_path, model, DRAIN_SECONDS="1") as second,
    ):
        ports = (first.port, second.port)
        replaced: list[Server] = []
        try:
            with proxied(nginx, tmp_path, ports) as url, in_own_process(load(url, 8.0)) as running:
                done = threading.Event()
                for old in (first, second):
                    done.wait(0.5)
                    old.process.send_signal(signal.SIGTERM)
                    assert old.process.wait(DEADLINE) == 0
                    replaced.append(start(tmp_path, model, PORT=str(old.port)))
                    wait_until_ready(replaced[-1])
                found = running.result()
        finally:
            for server in replaced:
                server.http.close()
                server.stop()
    assert found.statuses.keys() == {200}, found.said()
    assert not found.failures, found.said()

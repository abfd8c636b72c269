"""A server drains before it ends, without losing a request, and reads its keys again when asked to."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from benchmarks.open_loop import Load, in_own_process
from benchmarks.proxy import proxied
from factories import LEAD, body, key_file, model_file
from programs import program
from serving import (
    DEADLINE,
    KEY,
    Server,
    eventually,
    refuses,
    serving,
    start,
    status,
    wait_until_ready,
)

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
    """As long as it drains, closing connections; then it ends with exit code 0, and no accepted request failed."""
    with serving(tmp_path, model_file(tmp_path), WORKERS=workers, DRAIN_SECONDS="300") as server:
        with in_own_process(load(server.url, 3.0)) as running:
            assert eventually(lambda: bool(SCORED.search(server.http.get("/metrics").text)))
            server.process.send_signal(signal.SIGTERM)
            assert eventually(lambda: ready(server) == 503)
            problem = httpx.get(server.url + "/health/ready")
            assert (problem.json()["code"], problem.json()["state"]) == ("not_ready", "draining")
            assert problem.headers["connection"] == "close"
            assert httpx.get(server.url + "/health/live").status_code == 200
            answer = httpx.post(server.url + "/api/v1/score", json=LEAD, headers={"X-API-Key": KEY})
            assert answer.status_code == 200
            server.process.send_signal(signal.SIGINT)  # the drain is over
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


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_interrupt_ends_the_drain(tmp_path: Path, workers: str) -> None:
    """Whoever presses Ctrl-C twice does not want to wait."""
    with serving(tmp_path, model_file(tmp_path), WORKERS=workers, DRAIN_SECONDS="300") as server:
        server.process.send_signal(signal.SIGINT)
        assert eventually(lambda: ready(server) == 503)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(DEADLINE) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_hangup_makes_every_process_read_its_keys_again(tmp_path: Path, workers: str) -> None:
    """Also when nothing tells that the file has changed; nobody is cut off."""
    file = key_file(tmp_path, {"label": "crm"})
    environ = {"API_KEYS_FILE": str(file), "API_KEYS": KEY, "WORKERS": workers}
    with serving(tmp_path, model_file(tmp_path), **environ) as server:
        assert eventually(lambda: status(server)["status"] == "healthy")
        stamp = file.stat()
        content = file.read_text().replace('"crm"', '"ops"')
        file.write_text(content)
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        server.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: server.logged().count('"read again"') == int(workers))
        assert server.logged().count('"added":["ops"]') == int(workers)
        assert server.http.post("/api/v1/score", json=LEAD).status_code == 200
        assert "worker replaced" not in server.logged()
        assert server.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_service_ends_with_its_terminal(tmp_path: Path, workers: str) -> None:
    """A hangup is then no wish to read anything again."""
    ours, theirs = pty.openpty()
    settings = {"MODEL_PATH": str(model_file(tmp_path)), "API_KEYS": KEY, "PORT": "0", "WORKERS": workers}
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "leadscoring"), "serve"],
        env=os.environ | settings | {"HOST": "127.0.0.1", "DRAIN_SECONDS": "0"},
        stdout=theirs,
        stderr=subprocess.STDOUT,
    )
    os.close(theirs)
    said = b""
    while said.count(b"listening") < int(workers):
        said += os.read(ours, 65536)
    process.send_signal(signal.SIGHUP)
    with suppress(OSError):  # how a terminal says that nobody has it open any more
        while os.read(ours, 65536):
            pass
    assert process.wait(DEADLINE) == 0
    os.close(ours)


@pytest.mark.programs("nginx")
def test_a_rolling_restart_behind_a_proxy_fails_no_request(tmp_path: Path) -> None:
    """Two services, restarted one after the other under load."""
    model = model_file(tmp_path)
    with (
        serving(tmp_path, model, DRAIN_SECONDS="1") as first,
        serving(tmp_path, model, DRAIN_SECONDS="1") as second,
    ):
        ports = (first.port, second.port)
        replaced: list[Server] = []
        try:
            with proxied(program("nginx"), tmp_path, ports) as url, in_own_process(load(url, 8.0)) as running:
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

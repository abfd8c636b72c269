"""A service starts whole or not at all, replaces what dies in it, and ends without losing a request."""

import os
import pty
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from benchmarks.open_loop import Load, in_own_process
from benchmarks.proxy import proxied
from factories import LEAD, body, booster, key_file, model_file
from programs import program
from serving import (
    DEADLINE,
    KEY,
    Server,
    children,
    ended,
    eventually,
    serves,
    serving,
    start,
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
        uptime = status(server)["uptime_seconds"]
        victim = children(server.process.pid)[0]
        os.kill(victim, fault)
        assert eventually(lambda: victim not in children(server.process.pid))
        assert eventually(lambda: len(children(server.process.pid)) == 2)
        for _ in range(20):
            answer = httpx.post(server.url + "/api/v1/score", json=LEAD, headers={"X-API-Key": KEY}, timeout=30)
            assert answer.status_code == 200
            assert status(server)["uptime_seconds"] > uptime > 0  # the service's, whichever of them is asked
        assert "worker replaced" in server.logged()
        assert server.stop() == 0


def status(server: Server) -> dict[str, Any]:
    """What ``/status`` says, over a connection of its own."""
    said: dict[str, Any] = httpx.get(server.url + "/status", timeout=30).json()
    return said


def test_the_status_counts_the_workers_that_serve(tmp_path: Path) -> None:
    """A replacement counts when it serves; while it cannot start, each attempt is told and the others answer."""
    model = model_file(tmp_path)
    with serving(tmp_path, model, WORKERS="2", TMPDIR=str(tmp_path)) as server:
        assert eventually(lambda: status(server)["workers"] == {"wanted": 2, "serving": 2})
        assert eventually(lambda: status(server)["status"] == "healthy")
        kept(tmp_path).unlink()
        away = model.rename(tmp_path / "away.json")
        os.kill(children(server.process.pid)[0], signal.SIGKILL)
        assert eventually(lambda: server.logged().count('"worker cannot start"') >= 2)
        assert eventually(lambda: status(server)["problems"] == ["1 of 2 workers serve"])
        assert status(server)["status"] == "degraded"
        assert httpx.post(server.url + "/api/v1/score", json=LEAD, headers={"X-API-Key": KEY}).status_code == 200
        away.rename(model)
        assert eventually(lambda: status(server)["status"] == "healthy")
        assert "\nservice_ready_workers 2.0\n" in httpx.get(server.url + "/metrics").text
        assert server.logged().count('"listening"') == 3


def kept(folder: Path) -> Path:
    """The copy of the model that the workers of a service in this folder share."""
    (found,) = folder.glob("leadscoring-*/model")
    return found


@pytest.mark.parametrize("now", ["another model", "half a model", "nothing"])
def test_a_worker_that_is_replaced_serves_the_model_that_the_service_started_with(tmp_path: Path, now: str) -> None:
    """Whatever is at MODEL_PATH by now: one service never scores a lead in two ways."""
    model = model_file(tmp_path)
    with serving(tmp_path, model, WORKERS="2") as server:
        assert eventually(lambda: server.logged().count('"listening"') == 2)
        first = served(server)
        if now == "another model":
            booster(seed=8).save_model(model)
        elif now == "half a model":
            model.write_bytes(model.read_bytes()[:-100])
        else:
            model.unlink()
        for victim in children(server.process.pid):
            os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: server.logged().count('"listening"') == 4)
        assert all(served(server) == first for _ in range(10))
        assert server.logged().count('"model file changed"') == 2
        assert status(server)["status"] == "healthy"


def served(server: Server) -> tuple[str, float]:
    """The model that some worker serves, and how it scores."""
    asked = {"X-API-Key": KEY, "Connection": "close"}
    info = httpx.get(server.url + "/api/v1/model/info", headers=asked, timeout=30).json()
    scored = httpx.post(server.url + "/api/v1/score", json=LEAD, headers=asked, timeout=30).json()
    return info["sha256"], scored["score"]["raw_score"]


def test_without_room_for_a_copy_a_worker_takes_no_other_model(tmp_path: Path) -> None:
    """It does not start until the file of the others is back."""
    model = model_file(tmp_path)
    with serving(tmp_path, model, WORKERS="2", TMPDIR=str(tmp_path)) as server:
        assert eventually(lambda: status(server)["status"] == "healthy")
        kept(tmp_path).unlink()  # as where the disk was full
        away = model.rename(tmp_path / "away.json")
        booster(seed=8).save_model(model)
        os.kill(children(server.process.pid)[0], signal.SIGKILL)
        assert eventually(lambda: '"ModelChanged"' in server.logged())
        away.replace(model)
        assert eventually(lambda: server.logged().count('"listening"') == 3)


FAILING = """
import uvicorn
from leadscoring.serving.supervisor import Supervisor

Supervisor(uvicorn.Config("nowhere:create", factory=True, workers=2), [], 0.0, 10.0, lambda: None).run()
"""


def test_a_worker_that_fails_in_a_way_that_nobody_expected_stops_the_start() -> None:
    """It would fail again and again."""
    said = ended(FAILING)
    assert said.returncode != 0
    assert "CannotStart: a worker could not start" in said.stderr


def test_a_worker_is_replaced_while_the_key_file_is_broken(tmp_path: Path) -> None:
    """With the keys that the others go on to accept: not with older ones, and not with none."""
    file = key_file(tmp_path, {"label": "crm"}, {"label": "gone"})
    environ = {"API_KEYS": "", "API_KEYS_FILE": str(file), "WORKERS": "2"}
    with serving(tmp_path, model_file(tmp_path), **environ) as server:

        def answers(key: str, expected: int) -> bool:
            asked = {"X-API-Key": f"key of {key}"}
            url = server.url + "/api/v1/model/info"
            return all(httpx.get(url, headers=asked, timeout=30).status_code == expected for _ in range(20))

        assert eventually(lambda: status(server)["workers"]["serving"] == 2)
        key_file(tmp_path, {"label": "crm"})
        assert eventually(lambda: answers("gone", 401))
        file.write_bytes(b"[")
        assert eventually(lambda: "key file refused" in server.logged() or not answers("crm", 200))
        for victim in children(server.process.pid):
            os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: server.logged().count('"listening"') == 4)
        assert answers("crm", 200)
        assert answers("gone", 401)
        assert any("key file" in problem for problem in status(server)["problems"])
        key_file(tmp_path, {"label": "new"})
        assert eventually(lambda: answers("new", 200))
        assert eventually(lambda: answers("crm", 401))
        assert "worker cannot start" not in server.logged()


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


@pytest.mark.parametrize("listening", [0, 1, 2])
def test_workers_end_with_their_supervisor(tmp_path: Path, listening: int) -> None:
    """No orphan keeps the port, not even one that was still starting."""
    server = start(tmp_path, model_file(tmp_path), WORKERS="2")
    server.http.close()
    assert eventually(lambda: len(children(server.process.pid)) == 2)
    assert eventually(lambda: server.logged().count('"listening"') >= listening)
    workers = [psutil.Process(pid) for pid in children(server.process.pid)]
    server.process.kill()
    server.process.wait(DEADLINE)
    assert eventually(lambda: not any(map(serves, workers)))
    assert eventually(lambda: refuses(server.port))


def test_what_a_killed_service_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    """Nothing of one that lives, and nothing of anybody else's; in the end nothing is left."""
    model, environ = model_file(tmp_path), {"WORKERS": "2", "TMPDIR": str(tmp_path)}
    strange = tmp_path / "leadscoring-notes"
    strange.mkdir()

    def folders() -> set[Path]:
        return set(tmp_path.glob("leadscoring-*")) - {strange}

    with serving(tmp_path, model, **environ) as living:
        kept = folders()
        killed = start(tmp_path, model, **environ)
        killed.http.close()
        assert eventually(lambda: '"listening"' in killed.logged())
        killed.process.kill()
        killed.process.wait(DEADLINE)
        left = folders() - kept
        with serving(tmp_path, model, **environ):
            assert eventually(lambda: not left & folders())
            assert kept < folders()
        assert (len(left), folders()) == (1, kept)
        assert living.http.post("/api/v1/score", json=LEAD).status_code == 200
    assert folders() == set()
    assert strange.exists()


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

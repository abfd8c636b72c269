"""Workers that die, hang or do not start are replaced while the others answer; none outlives its supervisor."""

import os
import signal
from pathlib import Path

import httpx
import psutil
import pytest
from factories import LEAD, key_file, model_file
from serving import (
    DEADLINE,
    KEY,
    children,
    ended,
    events,
    eventually,
    kept,
    refuses,
    serves,
    serving,
    start,
    status,
)

pytestmark = pytest.mark.integration


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


def test_the_status_counts_the_workers_that_serve(tmp_path: Path) -> None:
    """A replacement counts when it serves; while it cannot start, each attempt is logged and the others respond."""
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
    environ = {"API_KEYS": "", "API_KEYS_FILE": str(file), "WORKERS": "2", "TMPDIR": str(tmp_path)}
    with serving(tmp_path, model_file(tmp_path), **environ) as server:

        def answers(key: str, expected: int) -> bool:
            asked = {"X-API-Key": f"key of {key}"}
            url = server.url + "/api/v1/model/info"
            return all(httpx.get(url, headers=asked, timeout=30).status_code == expected for _ in range(20))

        assert eventually(lambda: status(server)["workers"]["serving"] == 2)
        key_file(tmp_path, {"label": "crm"})
        assert eventually(lambda: sum("gone" in line["removed"] for line in events(server, "key file read")) == 2)
        assert answers("gone", 401)
        copy = kept(tmp_path).with_name("keys.json")
        assert eventually(lambda: b"gone" not in copy.read_bytes())
        file.write_bytes(b"[")
        assert eventually(lambda: len(events(server, "key file refused")) == 2)
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

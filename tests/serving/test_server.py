"""The service starts only when all is well, serves with several workers, and ends when asked to."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from factories import LEAD, SMALL, bare_model_file, booster, card, model_file
from project import ROOT
from serving import (
    DEADLINE,
    KEY,
    Server,
    eventually,
    free_port,
    serving,
    start,
)

from leadscoring.model.card import GoldenRow
from leadscoring.settings import TABLE

pytestmark = pytest.mark.integration


def refused(folder: Path, model: Path, **environ: str) -> str:
    """What a server that must not start says, after ending with exit code 2."""
    server = start(folder, model, **environ)
    assert server.process.wait(DEADLINE) == 2
    return server.logged()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_model_that_cannot_be_served_stops_the_start(tmp_path: Path, workers: str) -> None:
    """With exit code 2 and one line that says why."""
    broken = tmp_path / "broken.json"
    broken.write_bytes(model_file(tmp_path).read_bytes()[:-100])
    changed = card(golden=(GoldenRow((1.0,) * len(SMALL), 9.9),))
    for model, environ, said in (
        (tmp_path / "none.json", {}, "FileNotFoundError"),
        (broken, {}, "Error"),
        (model_file(tmp_path, changed, "golden.json"), {}, "golden row 0"),
        (model_file(tmp_path), {"MODEL_VERSION": "9"}, "'9'"),
        (model_file(tmp_path), {"PORT": "x"}, "PORT must be"),
    ):
        log = refused(tmp_path, model, WORKERS=workers, **environ)
        assert said in log
        assert "Traceback" not in log
        assert len(log.strip().splitlines()) == 1


def test_several_workers_share_a_port_and_their_metrics(tmp_path: Path) -> None:
    """The counts of one are the counts of all."""
    with serving(tmp_path, model_file(tmp_path), WORKERS="2") as server:
        for _ in range(20):
            assert server.http.post("/api/v1/score", json=LEAD, headers={"Connection": "close"}).status_code == 200
        counted = 'http_requests_total{endpoint="/api/v1/score",method="POST",status="200"} 20.0'
        assert eventually(lambda: counted in server.http.get("/metrics").text)  # a request counts when it was answered
        assert server.stop() == 0


def test_a_server_ends_cleanly_when_asked_to(tmp_path: Path) -> None:
    """Exit code 0, and the log complete."""
    with serving(tmp_path, model_file(tmp_path)) as server:
        server.http.post("/api/v1/score", json=LEAD, headers={"X-Request-ID": "the-last-one"})
        assert server.stop() == 0
        assert "the-last-one" in server.logged()


def test_a_model_without_a_card_is_served_by_its_own_names_and_types(tmp_path: Path) -> None:
    """Its calibration is the logistic function, its categories are codes."""
    with serving(tmp_path, bare_model_file(tmp_path)) as server:
        names = booster().feature_names or []
        answer = server.http.post("/api/v1/score", json={"lead_id": "a", "features": dict.fromkeys(names, 1)})
        assert answer.status_code == 200, answer.text
        assert answer.json()["model"]["name"] == "bare"
        assert answer.json()["score"]["percentile"] is None
        assert server.http.get("/api/v1/model/info").json()["certified"] is False


def test_the_rounds_of_a_model_and_what_is_missing_are_settings(tmp_path: Path) -> None:
    """Every worker opens the model by them, and says what counts and what does not."""
    model = booster().copy()
    model.set_attr(best_iteration="4")
    model.save_model(tmp_path / "native.json")
    with serving(tmp_path, tmp_path / "native.json", WORKERS="2") as server:
        said = server.http.get("/api/v1/model/info").json()
        assert (said["rounds"], said["missing_value"]) == ({"used": 20, "of": 20, "best": 5}, None)
        assert "model caution" in server.logged()
    settings = {"MODEL_ROUNDS": "best", "MODEL_MISSING": "-999"}
    with serving(tmp_path, tmp_path / "native.json", WORKERS="2", **settings) as server:
        said = server.http.get("/api/v1/model/info").json()
        assert (said["rounds"], said["missing_value"]) == ({"used": 5, "of": 20, "best": 5}, -999)
        assert said["n_trees"] == 5


@contextmanager
def in_development(folder: Path, **environ: str) -> Iterator[Server]:
    """A service started with ``--dev`` in a folder, with nothing set but its port, until it prints that it is ready."""
    given = {name: value for name, value in os.environ.items() if name not in {row.name for row in TABLE}}
    log, port = folder / "dev.log", free_port()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "leadscoring"), "serve", "--dev"],
            env=given | {"PORT": str(port)} | environ, cwd=folder, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    server = Server(process, port, log)
    try:
        assert eventually(lambda: process.poll() is not None or "Ready: " in server.logged()), server.logged()
        yield server
    finally:
        server.http.close()
        process.kill()
        process.wait()


@pytest.mark.parametrize("workers", ["", "2"])
def test_a_developers_service_prints_one_line_and_stops_at_ctrl_c(tmp_path: Path, workers: str) -> None:
    """Where to look, with which key, and how to stop; nobody but this machine can reach it."""
    with in_development(tmp_path, MODEL_PATH=str(model_file(tmp_path)), WORKERS=workers) as server:
        expected = f"Ready: http://localhost:{server.port}/docs   API key: demo-api-key-123   Stop: Ctrl-C\n"
        assert server.logged() == expected
        answer = server.http.post("/api/v1/score", json=LEAD, headers={"X-API-Key": "demo-api-key-123"})
        assert answer.status_code == 200, answer.text
        listening = psutil.Process(server.process.pid).net_connections()
        assert {one.laddr.ip for one in listening if one.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
        server.process.send_signal(signal.SIGINT)
        server.process.wait(DEADLINE)
        assert server.logged() == expected


def test_what_a_developer_has_set_goes_before_the_defaults_of_dev(tmp_path: Path) -> None:
    """A key of theirs is never printed."""
    environ = {"MODEL_PATH": str(model_file(tmp_path)), "API_KEYS": "a-secret", "LOG_LEVEL": "INFO"}
    with in_development(tmp_path, **environ) as server:
        assert "API key: one of your keys" in server.logged()
        assert "a-secret" not in server.logged()
        assert '"event":"listening"' in server.logged()


def test_in_an_empty_folder_the_model_of_the_package_is_served_and_named(tmp_path: Path) -> None:
    """A newcomer who has only installed the package gets scores, and a warning where they come from."""
    lead = (ROOT / "docs" / "examples" / "sample_request_1.json").read_bytes()
    with in_development(tmp_path) as server:
        headers = {"X-API-Key": "demo-api-key-123", "Content-Type": "application/json"}
        answer = server.http.post("/api/v1/score", content=lead, headers=headers)
        assert answer.json()["score"]["tier"] == "A"
        assert "shipped model served" in server.logged()


def test_a_secure_production_never_serves_the_model_of_the_package(tmp_path: Path) -> None:
    """A deployment that has lost its model does not start, instead of scoring with another."""
    environ = {"REQUIRE_SECURE_CONFIG": "true", "API_KEYS": "k", "CORS_ORIGINS": "https://a.example", "PATH": "/bin"}
    ended = subprocess.run(
        [str(Path(sys.executable).parent / "leadscoring"), "serve"],
        env=environ, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=DEADLINE,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "MODEL_PATH must be your own model" in ended.stderr


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

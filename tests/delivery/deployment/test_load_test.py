"""``make load-test``, for a few seconds against a real service: it passes, and where it should not it fails."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import ROOT
from serving import KEY, Server, serving

pytestmark = pytest.mark.integration

GENEROUS = {"LOAD_P95_MS": "30000"}
"""The tests share their machine, so how fast it is is nothing they can judge."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of the shipped model."""
    with serving(tmp_path_factory.mktemp("load"), ROOT / "models" / "model.json") as running:
        yield running


def load(url: str, report: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A short run of the Makefile's own command."""
    given = {"BASE_URL": url, "API_KEY": KEY, "LOAD_SECONDS": "3", "LOAD_USERS": "4", "LOAD_REPORT": str(report)}
    command = ["make", "--no-print-directory", "--old-file=.venv/.installed", "load-test"]
    environment = os.environ | given | environ
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=100)


def verdicts(said: str) -> dict[str, str]:
    """The verdict on each objective."""
    return {line.split("  ")[0]: line.split()[-1] for line in said.splitlines() if " at most " in line}


OBJECTIVES = ["95 % of POST /api/v1/score", "95 % of POST /api/v1/score/batch", "failed requests"]


def test_a_service_that_meets_its_objectives_passes(server: Server, tmp_path: Path) -> None:
    """With every kind of request in the report, none of them failed, and its key nowhere."""
    ran = load(server.url, tmp_path / "report.html", **GENEROUS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert verdicts(ran.stdout) == dict.fromkeys(OBJECTIVES, "ok")
    report = (tmp_path / "report.html").read_text("utf-8")
    for path in ("/api/v1/score", "/api/v1/score/batch", "/health/ready", "/api/v1/model/info"):
        assert path in report
    assert KEY not in report + ran.stdout + ran.stderr


def test_a_service_that_is_too_slow_fails(server: Server, tmp_path: Path) -> None:
    """Nothing is answered in no time."""
    ran = load(server.url, tmp_path / "report.html", LOAD_P95_MS="0")
    assert ran.returncode != 0
    assert verdicts(ran.stdout) == dict(zip(OBJECTIVES, ("FAILED", "FAILED", "ok"), strict=True))


def test_a_service_that_refuses_fails(server: Server, tmp_path: Path) -> None:
    """However fast it does."""
    ran = load(server.url, tmp_path / "report.html", API_KEY="wrong", **GENEROUS)
    assert ran.returncode != 0
    assert verdicts(ran.stdout)["failed requests"] == "FAILED"


def test_without_a_service_nothing_is_loaded(tmp_path: Path) -> None:
    """It says so at once, and how to go on."""
    ran = load("http://127.0.0.1:1", tmp_path / "report.html")
    assert ran.returncode != 0
    assert "no service is ready at http://127.0.0.1:1" in ran.stderr
    assert not (tmp_path / "report.html").exists()

"""The service does what its OpenAPI document says, whatever is sent to it.

Schemathesis reads the document from a live service and holds every one of its checks against the answers:
no server error, no undocumented status or content type, no answer beside its schema, no invalid request
accepted and no valid one refused, no way around the key, and ``Allow`` where a method is not taken.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from factories import model_file
from fuzzing import EFFORT, examples
from project import ROOT
from serving import KEY, Server, serving
from timed import timed_model

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120 * EFFORT)]

HOOKS = ROOT / "tests" / "support" / "openapi_hooks.py"
SHIPPED_MODEL = ROOT / "models" / "model.json"


def schemathesis(server: Server, folder: Path, number: int) -> "subprocess.CompletedProcess[str]":
    """A run of all checks over every operation, at most ``number`` generated cases each."""
    program = str(Path(sys.executable).parent / "schemathesis")
    command = [program, "run", f"{server.url}/openapi.json", "-H", f"X-API-Key: {KEY}", "-c", "all", "--seed", "1"]
    command += ["-n", str(number), "--continue-on-failure", "--no-color"]
    environ = os.environ | {"SCHEMATHESIS_HOOKS": str(HOOKS)}
    # it keeps its findings in the folder that it runs in
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environ, check=False)


@pytest.mark.parametrize("model", ["small", "shipped", "timed"])
def test_the_service_keeps_to_its_openapi_document(tmp_path: Path, model: str) -> None:
    """With the shipped contract, with one of names that need care, and with one of every kind that has aspects."""
    file = SHIPPED_MODEL if model == "shipped" else model_file(tmp_path) if model == "small" else timed_model(tmp_path)
    with serving(tmp_path, file) as server:
        ran = schemathesis(server, tmp_path, examples(40))
        assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
        assert "generated" in ran.stdout
        for word in ("Traceback", '"ERROR"'):
            assert word not in server.logged()


def test_a_service_that_breaks_its_word_is_found_out(tmp_path: Path) -> None:
    """The checks are on: a document read from one model fails against a service of another."""
    with serving(tmp_path, model_file(tmp_path)) as server, serving(tmp_path, SHIPPED_MODEL) as other:
        document = tmp_path / "openapi.json"
        document.write_bytes(server.http.get("/openapi.json").content)
        program = str(Path(sys.executable).parent / "schemathesis")
        command = [program, "run", str(document), "--url", other.url, "-H", f"X-API-Key: {KEY}", "-c", "all"]
        command += ["--seed", "1", "-n", "5", "--phases", "examples", "--no-color", "--include-path", "/api/v1/score"]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert ran.returncode == 1, ran.stdout[-4000:]

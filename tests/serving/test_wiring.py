"""What a service is made of: no more is opened, imported or logged than its settings ask for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from factories import LEAD, model_file
from serving import (
    DEADLINE,
    serving,
    start,
)

pytestmark = pytest.mark.integration


def test_the_demo_key_starts_with_a_warning(tmp_path: Path) -> None:
    """A newcomer gets going, an operator gets told."""
    with serving(tmp_path, model_file(tmp_path), API_KEYS="demo-api-key-123") as server:
        answer = server.http.post("/api/v1/score", json=LEAD, headers={"X-API-Key": "demo-api-key-123"})
        assert answer.status_code == 200
        warnings = [line for line in server.logged().splitlines() if "WARNING" in line]
        assert any("API_KEYS" in line for line in warnings)


def test_serving_imports_neither_the_trainer_nor_numpy_nor_traces(tmp_path: Path) -> None:
    """What serving does not need costs it neither time nor memory."""
    program = (
        "import sys, json, os\n"
        f"os.environ['MODEL_PATH'] = {str(model_file(tmp_path))!r}\n"
        "import leadscoring.cli.main, leadscoring.serving.server\n"
        "from leadscoring.serving.wiring import create\n"
        "from leadscoring.settings import read_settings\n"
        "create(read_settings(os.environ))\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=DEADLINE)
    heavy = {"numpy", "xgboost", "sklearn", "polars", "pandas", "scipy", "boto3", "azure", "opentelemetry", "google"}
    heavy |= {"psutil", "prometheus_client"}
    assert not heavy & set(json.loads(ran.stderr.splitlines()[-1]))


def test_nothing_of_opentelemetry_is_imported_unless_asked_for(tmp_path: Path) -> None:
    """Even where its variables are set and its libraries installed."""
    program = (
        "import json, os, sys; import leadscoring.serving.server; from leadscoring.serving.wiring import create; from leadscoring.settings import read_settings; create(read_settings(os.environ));"
        "print(json.dumps([name for name in sys.modules if name.partition('.')[0] in ('opentelemetry', 'google')]))"
    )
    environ = os.environ | {
        "MODEL_PATH": str(model_file(tmp_path)),
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
    }
    for value, wanted in (("off", False), ("on", True)):
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environ | {"OTEL_TRACES": value}, capture_output=True, text=True,
            check=True, timeout=DEADLINE,
        )  # fmt: skip
        assert bool(json.loads(ran.stdout.splitlines()[-1])) == wanted


def test_missing_libraries_are_told_with_what_to_install(tmp_path: Path) -> None:
    """Before anything is served."""
    hidden = tmp_path / "hidden" / "opentelemetry"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").touch()
    server = start(tmp_path, model_file(tmp_path), OTEL_TRACES="on", PYTHONPATH=str(hidden.parent))
    assert server.process.wait(DEADLINE) == 2
    assert "pip install 'leadscoring[otel]'" in server.logged()
    server.http.close()

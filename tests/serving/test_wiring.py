"""What a service is made of: no more is opened, imported or logged than its settings ask for."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from drift_reference import REFERENCE
from factories import LEAD, card, key_file, model_file
from serving import (
    DEADLINE,
    KEY,
    serving,
    start,
)
from starlette.applications import Starlette

from leadscoring.access.keys import KeyRing
from leadscoring.api.service import Service
from leadscoring.model.file import open_model
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.scoring.scorer import Scorer
from leadscoring.serving.wiring import announce, lifespan, open_service
from leadscoring.settings import read_settings


@pytest.mark.integration
def test_the_demo_key_starts_with_a_warning(tmp_path: Path) -> None:
    """A newcomer gets going, an operator gets told."""
    with serving(tmp_path, model_file(tmp_path), API_KEYS="demo-api-key-123") as server:
        answer = server.http.post("/api/v1/score", json=LEAD, headers={"X-API-Key": "demo-api-key-123"})
        assert answer.status_code == 200
        warnings = [line for line in server.logged().splitlines() if "WARNING" in line]
        assert any("API_KEYS" in line for line in warnings)


@pytest.mark.integration
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
    imported = set(json.loads(ran.stderr.splitlines()[-1]))
    assert not heavy & imported
    assert not [name for name in imported if name.startswith(("leadscoring.bulk", "leadscoring.training"))]


@pytest.mark.integration
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


@pytest.mark.integration
def test_missing_libraries_are_told_with_what_to_install(tmp_path: Path) -> None:
    """Before anything is served."""
    hidden = tmp_path / "hidden" / "opentelemetry"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").touch()
    server = start(tmp_path, model_file(tmp_path), OTEL_TRACES="on", PYTHONPATH=str(hidden.parent))
    assert server.process.wait(DEADLINE) == 2
    assert "pip install 'leadscoring[otel]'" in server.logged()
    server.http.close()


def test_a_service_is_ready_when_all_is_open_and_closes_in_reverse() -> None:
    """What is opened last may still need what was opened first."""
    lifecycle, happened = Lifecycle(), list[str]()

    @asynccontextmanager
    async def part(name: str) -> AsyncIterator[None]:
        happened.append(f"{name} opens: {lifecycle.state}")
        yield
        happened.append(f"{name} closes")

    async def life() -> None:
        closing = ExitStack()
        closing.callback(happened.append, "service closes")
        async with lifespan(lifecycle, closing, part("first"), part("second"))(Starlette()):
            happened.append(lifecycle.state)

    asyncio.run(life())
    assert happened == [
        "first opens: starting", "second opens: starting", "ready", "second closes", "first closes", "service closes",
    ]  # fmt: skip


def opened(folder: Path, **environ: str) -> Service:
    """What one process is built on with these settings; it is closed again."""
    given = read_settings(
        {"MODEL_PATH": str(model_file(folder, card(reference=REFERENCE))), "API_KEYS": KEY, **environ}
    )
    with open_service(given, ["/"]) as service:
        return service


@pytest.mark.parametrize(("drift", "lenient"), [("on", "off"), ("off", "on")])
def test_what_is_served_is_what_the_settings_want(tmp_path: Path, drift: str, lenient: str) -> None:
    """Counts for drift and the lenient decoder come with the model, so that they are swapped with it."""
    service = opened(tmp_path, DRIFT_METRICS=drift, LENIENT_CLIENTS=lenient)
    served = service.scorer.served
    assert (served.count is not None) == (drift == "on")
    assert served.model.decoder.lenient == (lenient == "on")
    assert type(service.scorer) is Scorer
    assert service.settings.drift_metrics == (drift == "on")


def test_a_scope_that_no_key_opens_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody could look at metrics, and nothing else would say why."""
    file = key_file(tmp_path, {"label": "crm"})
    given = read_settings({"API_KEYS": "", "API_KEYS_FILE": str(file), "OPERATIONS_ACCESS": "key"})
    with caplog.at_level("INFO"):
        announce(given, open_model(model_file(tmp_path)), KeyRing.of(given))
        assert "no key works" in [record.message for record in caplog.records]
        caplog.clear()
        key_file(tmp_path, {"label": "crm"}, {"label": "ops", "scopes": ["admin"]})
        announce(given, open_model(model_file(tmp_path)), KeyRing.of(given))
        assert "no key works" not in [record.message for record in caplog.records]

"""Azure ML's own server with our scoring script, called by our own service."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import factories
import httpx
import numpy as np
import pytest
from programs import missing
from project import ROOT
from serving import DEADLINE, eventually, free_port, serving
from ways import PATIENT, checked

from leadscoring.model.calibration import Calibration

SERVER = ROOT / "build" / "azureml" / "venv" / "bin"
SCRIPT = ROOT / "infra" / "endpoints" / "azure_ml" / "score.py"
HAS_FAILED = 3
"""The exit code of the server when ``init`` fails."""

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", autouse=True)
def environment() -> None:
    """The environment of Azure ML's server; without it a test is skipped, and in CI it fails."""
    if (SERVER / "gunicorn").exists():
        return
    missing("Azure ML's server is not there: make azureml")


def launch(folder: Path, models: Path, port: int) -> "subprocess.Popen[bytes]":
    """Starts Azure ML's server on the loopback, as it is started there but for the address."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    environ |= {
        "AZUREML_ENTRY_SCRIPT": SCRIPT.name,
        "AML_APP_ROOT": str(SCRIPT.parent),
        "AZUREML_MODEL_DIR": str(models),
        "HOME": str(folder),
    }
    command = [str(SERVER / "gunicorn"), "-b", f"127.0.0.1:{port}", "-w", "1", "--timeout", "0"]
    with (folder / f"azureml-{port}.log").open("wb") as out:
        return subprocess.Popen(
            [*command, "azureml_inference_server_http.server.entry:app"],
            env=environ | {"PYTHONDONTWRITEBYTECODE": "1"}, cwd=folder, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip


@contextmanager
def azure(folder: Path, models: Path) -> Iterator[str]:
    """The address of a running server of Azure ML's, ended with the context."""
    port = free_port()
    process = launch(folder, models, port)
    log = folder / f"azureml-{port}.log"
    try:
        url = f"http://127.0.0.1:{port}"
        assert eventually(lambda: process.poll() is not None or healthy(url)), log.read_text()
        assert process.poll() is None, log.read_text()
        yield url
    finally:
        process.terminate()
        process.wait(DEADLINE)


def healthy(url: str) -> bool:
    """Whether the server answers its probe."""
    try:
        return httpx.get(url, trust_env=False).text == "Healthy"
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small model, as Azure ML mounts it."""
    folder = tmp_path_factory.mktemp("models")
    version = folder / "small" / "1"
    version.mkdir(parents=True)
    factories.model_file(version)
    return folder


@pytest.fixture(scope="module")
def endpoint(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The scoring address of a running server."""
    with azure(tmp_path_factory.mktemp("azureml"), models) as url:
        yield f"{url}/score"


LEADS = [
    factories.lead(
        f"lead-{place}",
        revenue=place * 97_003 % 1_000_000,
        visits=place % 9 if place % 4 else None,
        growth=place / 7 - 3 if place % 3 else ...,
        decision_maker=place % 2 == 0,
        source=["web", "event", "partner", "elsewhere", None][place % 5],
        open_rate=place % 11 / 11,
    )
    for place in range(60)
]


def confirmed() -> list[float]:
    """The calibrated scores of the leads by stock XGBoost and the table of the card."""
    features = factories.SMALL.features
    rows: list[list[float | None]] = []
    for lead in LEADS:
        values = lead["features"]
        row: list[float | None] = []
        for feature in features:
            value = values.get(feature.name)
            if feature.kind == "category" and value is not None:
                row.append(float(feature.values.index(value) if value in feature.values else len(feature.values)))
            else:
                row.append(None if value is None else float(value))
        rows.append(row)
    calibration: Calibration = factories.card().calibration
    return [
        float(score)
        for score in np.interp(factories.stock_margins(rows), calibration.margins, calibration.probabilities)
    ]


@pytest.mark.parametrize("payload", ["data", "input_data"])
def test_our_service_gets_the_scores_of_stock_xgboost(
    tmp_path: Path, models: Path, endpoint: str, payload: str
) -> None:
    """Script, server and provider together change no number."""
    environ = {"MODEL_ENDPOINT_PROVIDER": "azure", "AZURE_ML_ENDPOINT_URL": endpoint, "AZURE_ML_API_KEY": "any"}
    with serving(
        tmp_path, models / "small" / "1" / "model.json", **PATIENT, **environ, AZURE_ML_PAYLOAD=payload
    ) as server:
        checked(server, "azure", 1.0)
        answers = server.http.post("/api/v1/score/batch", json=LEADS).json()
        alone = server.http.post("/api/v1/score", json=LEADS[7]).json()
    expected = confirmed()
    assert [answer["score"]["raw_score"] for answer in answers] == pytest.approx(expected, abs=1e-6)
    assert alone["score"]["raw_score"] == pytest.approx(expected[7], abs=1e-6)
    assert alone["model"]["served_by"] == "azure"
    assert alone["reasons"]


def test_the_script_answers_leads_with_their_reasons(endpoint: str) -> None:
    """Who has no service of ours can send leads to the endpoint itself."""
    answers = httpx.post(endpoint, json={"leads": LEADS}, timeout=60, trust_env=False).json()["leads"]
    assert [answer["score"]["raw_score"] for answer in answers] == pytest.approx(confirmed(), abs=1e-6)
    assert all(answer["reasons"] for answer in answers)


@pytest.mark.parametrize("sent", [{"rows": []}, {"data": [[1, 2]]}, {"data": []}, [], "text"])
def test_a_body_that_is_none_is_a_failure_of_run(endpoint: str, sent: object) -> None:
    """Azure's server tells the failure in its own way, and goes on answering."""
    answer = httpx.post(endpoint, json=sent, timeout=60, trust_env=False)
    assert answer.status_code == 500
    assert answer.headers["x-ms-run-function-failed"] == "True"
    assert healthy(endpoint.removesuffix("/score"))


def test_a_deployment_without_its_model_fails(tmp_path: Path) -> None:
    """A server that could only answer wrongly ends, so that the deployment does."""
    process = launch(tmp_path, tmp_path, free_port())
    try:
        assert process.wait(DEADLINE) == HAS_FAILED
    finally:
        process.kill()
    assert "AZUREML_MODEL_DIR must contain exactly one of" in next(tmp_path.glob("azureml-*.log")).read_text()

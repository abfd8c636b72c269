"""A provider brings its libraries only where it is chosen, and says what is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import factories
import pytest
from serving import KEY, free_port, serving, start

from leadscoring.errors import CannotStart
from leadscoring.lead import ServedBy
from leadscoring.providers import table

CLOUDS = ("aiohttp", "azure", "boto3", "botocore", "yarl")


def test_serving_locally_imports_no_library_of_a_cloud(model: Path) -> None:
    """Neither the SDKs nor the HTTP client, from the start to the application."""
    script = (
        "import json, os, sys; import leadscoring.serving.server; from leadscoring.serving.wiring import create; from leadscoring.settings import read_settings; create(read_settings(os.environ));"
        f"print(json.dumps([name for name in {CLOUDS} if name in sys.modules]))"
    )
    environ = os.environ | {"MODEL_PATH": str(model), "API_KEYS": KEY}
    ran = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout.splitlines()[-1]) == []


def test_azure_does_not_import_the_sdk_of_aws_and_the_other_way_round() -> None:
    """Each is large, and one is enough."""
    for name, other in (("azure", "botocore"), ("sagemaker", "azure")):
        script = f"import sys, leadscoring.providers.{name}; sys.exit({other!r} in sys.modules)"
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_every_provider_that_can_be_named_has_its_row_and_the_other_way_round() -> None:
    """The setting, the field ``served_by`` of answers and its schema take the same names."""
    assert tuple(table.PROVIDERS) == get_args(ServedBy)


@pytest.mark.parametrize(("provider", "extra"), [("sagemaker", "aws"), ("azure", "azure")])
def test_a_missing_library_is_told_with_what_to_install(
    provider: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of the extra, and before anything is imported."""
    row = table.PROVIDERS[provider]._replace(modules=("aiohttp", "no_such_module", "no_such.module"))
    monkeypatch.setitem(table.PROVIDERS, provider, row)
    with pytest.raises(CannotStart) as refusal:
        table.check_installed(provider)
    assert str(refusal.value) == (
        f"MODEL_ENDPOINT_PROVIDER={provider} needs no_such_module and no_such.module: "
        f"pip install 'leadscoring[{extra}]'"
    )


DEAD: dict[str, dict[str, Any]] = {
    "azure": {"AZURE_ML_API_KEY": "a-key"},
    "sagemaker": {
        "SAGEMAKER_ENDPOINT_NAME": "lead-scoring-endpoint",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    },
}


@pytest.mark.integration
@pytest.mark.parametrize("provider", DEAD)
def test_a_dead_endpoint_does_not_keep_the_service_from_starting(provider: str, model: Path, tmp_path: Path) -> None:
    """It is ready, its status tells, and its requests fail until the endpoint is there."""
    nobody = f"http://127.0.0.1:{free_port()}"
    where = {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": nobody, "AZURE_ML_ENDPOINT_URL": f"{nobody}/score"}
    with serving(tmp_path, model, MODEL_ENDPOINT_PROVIDER=provider, **where, **DEAD[provider]) as server:
        answer = server.http.post("/api/v1/score", json=factories.LEAD)
        assert (answer.status_code, answer.json()["code"]) == (503, "endpoint_unreachable")
        assert answer.headers["Retry-After"] == "1"
        status = server.http.get("/status").json()
        assert (status["status"], status["model"]["endpoint"]["state"]) == ("degraded", "failing")
        assert server.http.get("/health/ready").status_code == 200


@pytest.mark.integration
@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (
            {"MODEL_ENDPOINT_PROVIDER": "sagemaker"},
            "MODEL_ENDPOINT_PROVIDER=sagemaker requires SAGEMAKER_ENDPOINT_NAME",
        ),
        ({"MODEL_ENDPOINT_PROVIDER": "azure"}, "MODEL_ENDPOINT_PROVIDER=azure requires AZURE_ML_ENDPOINT_URL"),
        (
            {"MODEL_ENDPOINT_PROVIDER": "azure", "AZURE_ML_ENDPOINT_URL": "http://endpoint.example/score"},
            "AZURE_ML_ENDPOINT_URL must be an https URL, or an http URL on this machine",
        ),
        (
            {
                "MODEL_ENDPOINT_PROVIDER": "sagemaker",
                **DEAD["sagemaker"],
                "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://endpoint.example",
            },
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME must be an https URL",
        ),
    ],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_remote_model_that_is_set_up_wrong_stops_the_start(
    environ: dict[str, str], said: str, workers: str, model: Path, tmp_path: Path
) -> None:
    """With a line that says what and exit code 2, whatever the number of workers."""
    server = start(tmp_path, model, WORKERS=workers, **environ)
    server.http.close()
    assert server.process.wait(60) == 2
    assert any(said in line for line in server.logged().splitlines())

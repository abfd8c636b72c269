"""The endpoint of the model: the service's image behind a door that only the service may open, and scores as the service.

The container of the template is really started here, with the variables that the template gives it, and asked at the
paths that the template names, in the form in which the service asks Azure ML.
"""

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from infra.azure.__main__ import TEMPLATES
from infra.azure.bicep import Template
from infra.environments import Environment
from project import ROOT

KEY = "key-of-the-crm"
Only = Callable[..., dict[str, Any]]


@pytest.fixture
def deployment(only: Only) -> dict[str, Any]:
    """The one deployment of the endpoint."""
    return only("model", "deployment")


def test_things_have_the_names_that_operators_type(only: Only, deployment: dict[str, Any]) -> None:
    """Those of the guide and of infra/endpoints/azure_ml."""
    assert only("model", "endpoint")["name"] == "lead-scoring-endpoint"
    assert deployment["name"] == "blue"


def test_the_endpoint_asks_who_calls_and_the_service_alone_may(only: Only) -> None:
    """By Entra ID, so that there is no key to keep; by a role that can do nothing but score."""
    assert only("model", "endpoint")["properties"]["authMode"] == "AADToken"
    (may,) = only("model", "caller")["properties"]["permissions"]
    assert may["actions"] == ["Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action"]
    score = only("model", "mayScore")
    assert score["scope"].symbol == "endpoint"
    assert score["properties"]["principalId"] == "identityOfService.properties.principalId"


def test_the_container_may_not_read_the_keys_of_clients(made: Callable[..., list[Any]], only: Only) -> None:
    """It has an identity of its own, which pulls the image and has no way into the service's vault."""
    assert only("model", "identity")["name"] != only("foundation", "identity")["name"]
    roles = {each.symbol: each.body["scope"].symbol for each in made("model") if each.kind.endswith("/roleAssignments")}
    assert roles == {"mayPull": "registry", "mayRead": "storage", "mayScore": "endpoint"}


def test_a_deployment_gets_calls_only_when_it_is_there(only: Only) -> None:
    """Azure refuses an endpoint that names one before; and a later deployment takes none away."""
    assert only("model", "endpoint")["properties"]["traffic"] == {}
    assert only("model", "endpoint", deployed=True)["properties"]["traffic"] == {"blue": 100}


def test_machines_are_those_of_the_file(only: Only, deployment: dict[str, Any], environment: Environment) -> None:
    """As many as calls need, between its limits."""
    machines = environment.azure.model_endpoint
    assert deployment["properties"]["instanceType"] == machines.instance_type
    assert (
        deployment["properties"]["requestSettings"]["maxConcurrentRequestsPerInstance"] == machines.concurrent_requests
    )
    (profile,) = only("model", "instances")["properties"]["profiles"]
    assert profile["capacity"] == {
        "minimum": str(machines.min_instances),
        "maximum": str(machines.max_instances),
        "default": str(machines.min_instances),
    }
    out, back = profile["rules"]
    assert out["metricTrigger"]["threshold"] == environment.scaling.cpu_percent
    assert back["metricTrigger"]["threshold"] < out["metricTrigger"]["threshold"]


def test_failures_and_slowness_are_told(
    alerts: Callable[..., dict[str, dict[str, Any]]], environment: Environment
) -> None:
    """Failures of five minutes are told as those of one, since that is what Azure counts."""
    found = alerts("model")
    (failing,), (slow,) = (found[name]["criteria"]["allOf"] for name in ("ModelEndpointFailing", "ModelSlow"))
    assert failing["threshold"] == environment.alarms.model_failures / 5
    assert slow["threshold"] == environment.alarms.model_latency_ms
    assert (failing["metricName"], slow["metricName"]) == ("RequestsPerMinute", "RequestLatency_P95")


def asked(url: str, body: bytes | None = None) -> Any:
    """What a server answers."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", "X-API-Key": KEY})  # noqa: S310  # our own server
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # the same
        return json.loads(answer.read())


@contextmanager
def serving(folder: Path, ready: str, **variables: str) -> Iterator[str]:
    """The service with these variables, at an address of this machine; ``ready`` is the path that says when it is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir()
    environ = {**os.environ, **variables, "PORT": str(port), "HOST": "127.0.0.1", "TMPDIR": str(folder)}
    address, log = f"http://127.0.0.1:{port}", folder / "log"
    program = ROOT / ".venv" / "bin" / "leadscoring"
    with log.open("wb") as lines, subprocess.Popen([program, "serve"], cwd=ROOT, env=environ, stdout=lines,
                                                   stderr=lines) as server:  # fmt: skip
        try:
            until(lambda: asked(f"{address}{ready}"), f"does not start, {log}", lambda: server.poll() is None)
            yield address
        finally:
            server.terminate()


def until(answered: Callable[[], Any], otherwise: str, alive: Callable[[], bool] = lambda: True) -> Any:
    """The first answer that is one; fails when there is none in time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and alive():
        try:
            if found := answered():
                return found
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(otherwise)


def test_the_container_scores_for_a_service_that_asks_azure_ml(tmp_path: Path) -> None:
    """With the template's variables, at the template's paths: the golden rows match, and a lead is served by azure."""
    made = Template(TEMPLATES / "model.bicep").made({"environmentName": "dev", "imageTag": "1.0.0"}).resources()
    bodies = {resource.symbol: resource.body.get("properties", {}) for resource in made}
    routes, variables = bodies["environment"]["inferenceConfig"], bodies["deployment"]["environmentVariables"]
    assert {route["port"] for route in routes.values()} == {int(variables["PORT"])}
    with serving(tmp_path / "container", routes["readinessRoute"]["path"], **variables) as container:
        assert asked(f"{container}{routes['livenessRoute']['path']}")
        url = f"{container}{routes['scoringRoute']['path']}"
        with serving(
            tmp_path / "service", "/health/ready", API_KEYS=KEY, WORKERS="1", MODEL_ENDPOINT_PROVIDER="azure",
            AZURE_ML_ENDPOINT_URL=url, AZURE_ML_API_KEY="checked-by-azure",
        ) as service:  # fmt: skip
            model = until(
                lambda: (found := asked(f"{service}/status")["model"])["endpoint"]["matches"] and found,
                "the endpoint does not match",
            )
            lead = (ROOT / "docs" / "examples" / "sample_request_1.json").read_bytes()
            answer = asked(f"{service}/api/v1/score", lead)
    assert model["endpoint_provider"] == answer["model"]["served_by"] == "azure"

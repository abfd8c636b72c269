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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from infra.environments import Environment

ROOT = Path(__file__).parents[3]
Only = Callable[..., dict[str, Any]]


@pytest.fixture
def deployment(only: Only) -> dict[str, Any]:
    """The one deployment of the endpoint."""
    return only("model", "deployment")


def test_things_have_the_names_that_operators_type(only: Only, deployment: dict[str, Any]) -> None:
    """Those of the guide and of deploy/azure_ml."""
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
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  # our own server
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # the same
        return json.loads(answer.read())


def ready(url: str, server: "subprocess.Popen[bytes]", log: Path) -> Any:
    """The answer of a server that has started."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            return asked(url)
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the container does not get ready: {log.read_text()[-2000:]}")


def test_the_container_scores_as_the_service_asks_azure_ml(tmp_path: Path, only: Only, name: str) -> None:
    """The template's variables and paths, the body of MODEL_ENDPOINT_PROVIDER=azure, and the golden rows' margins."""
    program = ROOT / ".venv" / "bin" / "leadscoring"
    if name == "prod":
        pytest.skip("the container differs by its number of workers alone")
    routes = only("model", "environment")["properties"]["inferenceConfig"]
    variables = only("model", "deployment")["properties"]["environmentVariables"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert {route["port"] for route in routes.values()} == {int(variables["PORT"])}
    golden = json.loads((ROOT / "models" / "model.json").read_bytes())
    environ = os.environ | variables | {"PORT": str(port), "HOST": "127.0.0.1", "TMPDIR": str(tmp_path)}
    log = tmp_path / "log"
    with log.open("wb") as lines, subprocess.Popen([program, "serve"], cwd=ROOT, env=environ, stdout=lines,
                                                   stderr=lines) as server:  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            ready(f"{address}{routes['readinessRoute']['path']}", server, log)
            asked(f"{address}{routes['livenessRoute']['path']}")
            width = int(golden["learner"]["learner_model_param"]["num_feature"])
            rows = json.dumps({"data": [[None] * width, [1.0] * width]}).encode()
            answer = asked(f"{address}{routes['scoringRoute']['path']}", rows)
        finally:
            server.terminate()
    assert len(answer["margins"]) == len(answer["predictions"]) == 2

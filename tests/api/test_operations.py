"""What operators and clients may ask without scoring: health, model, documentation."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from factories import LEAD, SMALL, card, key_file, lead, model_file
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from serving import Server, serving

from leadscoring.access.keys import KeyRing
from leadscoring.api.operations import Operations
from leadscoring.api.pulse import Pulse
from leadscoring.api.routes import PATHS
from leadscoring.model.card import Card, GoldenRow
from leadscoring.model.file import open_model
from leadscoring.providers.local import Local
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.settings import read_settings
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.vitals import Vitals
from leadscoring.transport.exchange import Exchange, Message
from leadscoring.transport.failures import PLAIN, STATUS

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service for this file."""
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, model_file(folder)) as running:
        yield running


def get(server: Server, path: str) -> Any:
    """The JSON at a path."""
    answer = server.http.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-request-id"]
    return answer.json()


def test_health_routes_have_the_fields_that_probes_read(server: Server) -> None:
    """And need no key."""
    server.http.headers.pop("X-API-Key", None)
    health, live, ready = (get(server, path) for path in ("/health", "/health/live", "/health/ready"))
    assert set(health) >= {"status", "timestamp"}
    assert set(live) >= {"status", "uptime_seconds", "timestamp"}
    assert ready["model_version"] == "1.2.3"
    assert (health["status"], live["status"], ready["status"]) == ("healthy", "alive", "ready")
    assert get(server, "/")["docs"] == "/docs"
    server.http.headers["X-API-Key"] = "test-key"


def test_model_info_tells_version_features_and_certification(server: Server) -> None:
    """What a client and an auditor want to know."""
    info = get(server, "/api/v1/model/info")
    assert (info["name"], info["version"], info["n_features"]) == ("small", "1.2.3", len(SMALL))
    assert (info["certified"], info["golden_rows"], info["endpoint_provider"]) == (True, 2, "local")
    assert len(info["sha256"]) == 64
    assert info["tiers"]["thresholds"]["A"] == 0.6


def test_the_features_are_the_contract_in_order(server: Server) -> None:
    """Names with blanks and slashes included."""
    said = get(server, "/api/v1/model/features")
    assert [feature["name"] for feature in said["features"]] == SMALL.names
    revenue, source = said["features"][0], said["features"][4]
    assert (revenue["kind"], revenue["required"], revenue["minimum"], revenue["maximum"]) == ("number", True, 0, None)
    assert (source["values"], source["missing"]) == (["web", "event", "partner"], ["unknown"])


def test_importance_covers_every_feature_strongest_first_and_adds_up_to_one(server: Server) -> None:
    """Shares of the gain of all splits."""
    rows = get(server, "/api/v1/model/importance")["importance"]
    shares = [row["importance"] for row in rows]
    assert {row["feature"] for row in rows} == set(SMALL.names)
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)


def test_the_openapi_document_is_valid_and_describes_every_route(server: Server) -> None:
    """OpenAPI 3.1, of the live contract."""
    document = get(server, "/openapi.json")
    validate(document, cls=OpenAPIV31SpecValidator)
    assert document["openapi"].startswith("3.1")
    features = document["components"]["schemas"]["Lead"]["properties"]["features"]
    assert list(features["properties"]) == SMALL.names
    assert features["required"] == ["revenue", "decision_maker", "region / city (ü)"]
    for path, methods in document["paths"].items():
        for method in methods:
            answer = server.http.request(method, path, json=LEAD if method == "post" else None)
            assert answer.status_code not in (404, 405, 500), path


def test_the_example_of_the_openapi_document_is_a_lead_that_scores(server: Server) -> None:
    """What a newcomer copies works."""
    operation = get(server, "/openapi.json")["paths"]["/api/v1/score"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert server.http.post("/api/v1/score", json=example).status_code == 200


def test_the_documentation_needs_nothing_from_elsewhere(server: Server) -> None:
    """No script, style, font or picture from another host; every feature and error code is on it."""
    page = server.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page.text)
    for name in SMALL.names:
        assert name in page.text
    for code in [kind.code for kind in STATUS] + [code for code, _ in PLAIN.values()]:
        assert f'id="{code}"' in page.text


def test_a_problem_points_to_its_explanation(server: Server) -> None:
    """The type of a problem is an anchor of the documentation."""
    problem = server.http.post("/api/v1/score", json=lead(revenue=-1)).json()
    path, anchor = problem["type"].split("#")
    assert f'id="{anchor}"' in server.http.get(path).text


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/score/", "/api/v2/score", "/%00", "/docs/../x"])
def test_a_path_that_is_none_is_a_problem_too(server: Server, path: str) -> None:
    """404 in the one shape."""
    answer = server.http.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_method_that_a_path_does_not_take_is_a_problem_too(server: Server) -> None:
    """405 says which it takes."""
    answer = server.http.get("/api/v1/score")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    assert server.http.head("/health").status_code == 200


SCOPE = {"method": "GET", "path": "/status", "query_string": b"", "headers": [], "http_version": "1.1"}


async def no_body() -> Message:
    """What a request without a body receives."""
    return {"type": "http.request", "body": b"", "more_body": False}


class Desk(NamedTuple):
    """A process's operational routes, with everything that they ask."""

    operations: Operations
    keys: KeyRing
    lifecycle: Lifecycle
    metrics: Metrics

    def status(self) -> dict[str, Any]:
        """What ``/status`` says."""
        asked = Exchange(SCOPE, no_body, "r1")
        said: dict[str, Any] = json.loads(asyncio.run(self.operations.status(asked)).body)
        return said


def desk(folder: Path, changed: Card | None = None, **environ: str) -> Desk:
    """One process, with a model whose card may be another than it was certified with."""
    model = open_model(model_file(folder))
    if changed:
        model = replace(model, card=changed)
    settings = read_settings({"WORKERS": "1", **environ})
    keys, lifecycle, metrics = KeyRing.of(settings), Lifecycle(), Metrics(PATHS, "local")
    scorer = Scorer(Served.of(model, Local(model.trees)))
    pulse = Pulse(scorer, lifecycle, metrics, Vitals())
    return Desk(Operations(scorer, metrics, keys, Vitals(), lifecycle, pulse, settings), keys, lifecycle, metrics)


def test_the_status_tells_where_a_process_is_in_its_life(tmp_path: Path) -> None:
    """It starts, is healthy, drains."""
    one = desk(tmp_path)
    assert one.status()["status"] == "starting"
    one.lifecycle.start()
    one.metrics.beat(time.monotonic())
    assert (one.status()["status"], one.status()["problems"]) == ("healthy", [])
    assert one.status()["workers"] == {"wanted": 1, "serving": 1}
    one.lifecycle.drain()
    assert one.status()["status"] == "draining"


def test_the_status_tells_that_certified_leads_score_otherwise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And so does the log, once."""
    one = desk(tmp_path, card(golden=(GoldenRow((1.0,) * len(SMALL), 9.9),)))
    one.lifecycle.start()
    assert one.status()["status"] == one.status()["status"] == "failing"
    assert [record.message for record in caplog.records] == ["model fails"]


def test_the_status_tells_of_workers_that_are_missing(tmp_path: Path) -> None:
    """One that has not said for two seconds that it serves does not."""
    one = desk(tmp_path, WORKERS="2")
    one.lifecycle.start()
    one.metrics.beat(time.monotonic())
    assert (one.status()["status"], one.status()["problems"]) == ("degraded", ["1 of 2 workers serve"])
    one.metrics.workers(2)
    assert {"service_workers 2.0", "service_ready_workers 1.0"} <= set(one.metrics.exposition().decode().splitlines())
    one.metrics.beat(time.monotonic() - 3)
    assert one.status()["workers"] == {"wanted": 2, "serving": 0}


def test_the_status_tells_of_a_key_file_that_cannot_be_taken(tmp_path: Path) -> None:
    """Until it can be again."""
    file = key_file(tmp_path, {"label": "crm"})
    one = desk(tmp_path, API_KEYS_FILE=str(file))
    one.lifecycle.start()
    one.metrics.beat(time.monotonic())
    assert one.status()["status"] == "healthy"
    file.unlink()
    said = one.status()
    assert said["status"] == "degraded"
    assert "the key file cannot be loaded" in said["problems"][0]
    key_file(tmp_path, {"label": "crm"})
    assert one.status()["status"] == "healthy"


def test_metrics_count_leads_requests_and_refusals_by_route_and_never_by_what_was_sent(server: Server) -> None:
    """The names that dashboards and runbooks use."""
    server.http.post("/api/v1/score", json=LEAD)
    server.http.post("/api/v1/score/batch", json=[LEAD, lead(revenue=-1)])
    server.http.get("/made-up-path")
    said = server.http.get("/metrics").text
    for line in (
        'http_requests_total{endpoint="/api/v1/score",method="POST",status="200"}',
        'http_requests_total{endpoint="unknown",method="GET",status="404"}',
        'http_request_duration_seconds_bucket{endpoint="/api/v1/score",le="0.1",method="POST"}',
        "http_requests_active 1.0",
        'model_predictions_total{endpoint_provider="local",tier="',
        'model_prediction_latency_seconds_count{endpoint_provider="local"}',
        'model_prediction_errors_total{endpoint_provider="local",error_type="ValidationError"}',
        'model_prediction_raw_scores_count{endpoint_provider="local"}',
        'model_prediction_buckets_count{endpoint_provider="local"}',
        "model_batch_size_count",
    ):
        assert line in said
    assert "made-up-path" not in said


def test_the_version_of_the_card_is_the_version_everywhere(server: Server) -> None:
    """One fact, one place."""
    assert card().version == get(server, "/api/v1/model/info")["version"] == get(server, "/")["model"]["version"]

"""What operators and clients may ask without scoring: health, model, documentation."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asking import asking
from factories import LEAD, SMALL, card, key_file, model_file
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
            off = answer.status_code == 404 and answer.json()["code"] == "ledger_off"
            assert off or answer.status_code not in (404, 405, 500), path


def test_the_example_of_the_openapi_document_is_a_lead_that_scores(server: Server) -> None:
    """What a newcomer copies works."""
    operation = get(server, "/openapi.json")["paths"]["/api/v1/score"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert server.http.post("/api/v1/score", json=example).status_code == 200


class Desk(NamedTuple):
    """A process's operational routes, with everything that they ask."""

    operations: Operations
    keys: KeyRing
    lifecycle: Lifecycle
    metrics: Metrics

    def status(self) -> dict[str, Any]:
        """What ``/status`` says."""
        said: dict[str, Any] = json.loads(asyncio.run(self.operations.status(asking())).body)
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


def test_the_version_of_the_card_is_the_version_everywhere(server: Server) -> None:
    """One fact, one place."""
    assert card().version == get(server, "/api/v1/model/info")["version"] == get(server, "/")["model"]["version"]

"""The routes about the model: what it is, what it takes, what drives it, and how far the leads have moved."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from asking import asking
from drift_reference import REFERENCE
from factories import LEAD, SMALL, bare_model_file, card, lead, model_file
from prometheus_client.parser import text_string_to_metric_families
from serving import KEY, Server, serving

from leadscoring.api.framework import Handler
from leadscoring.api.model import ModelRoutes
from leadscoring.errors import InvalidParameter
from leadscoring.model.card import Reference
from leadscoring.model.file import open_model
from leadscoring.providers.local import Local
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.training.drift import drift_of


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model with bins of its features."""
    return model_file(tmp_path_factory.mktemp("model"), card(reference=REFERENCE))


@pytest.fixture
def server(tmp_path: Path, model: Path) -> Iterator[Server]:
    """A fresh service of two workers that speaks every protocol."""
    with serving(tmp_path, model, WORKERS="2", ENDPOINT_PROTOCOLS="v2,sagemaker") as running:
        yield running


def counted(server: Server) -> dict[str, float]:
    """How many leads were counted, by feature; the score's are under no name."""
    families: Any = text_string_to_metric_families(server.http.get("/metrics").text)
    sums: dict[str, float] = {}
    for family in families:
        for sample in family.samples:
            if sample.name.endswith("_bins_total"):
                feature = sample.labels.get("feature", "")
                sums[feature] = sums.get(feature, 0.0) + sample.value
    return sums


def said(server: Server) -> dict[str, Any]:
    """What the route says."""
    answer = server.http.get("/api/v1/model/drift")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.integration
def test_each_way_in_counts_a_lead_once(server: Server) -> None:
    """Golden rows, readiness, refused leads and leads refused within a batch count nowhere."""
    rows: list[list[float | None]] = [[1.0, 0.0, 0.5, 1.0, 0.0, 0.0, 0.5], [2.0, None, None, 0.0, None, 1.0, None]]
    flat = [value for row in rows for value in row]
    tensor = {"name": "rows", "datatype": "FP32", "shape": [2, 7], "data": flat}
    csv = "\n".join(",".join("" if value is None else str(value) for value in row) for row in rows)
    ways: tuple[tuple[int, Callable[[], httpx.Response]], ...] = (
        (0, lambda: server.http.get("/health/ready")),
        (1, lambda: server.http.post("/api/v1/score", json=LEAD)),
        (0, lambda: server.http.post("/api/v1/score", json=lead(revenue=-1))),
        (2, lambda: server.http.post("/api/v1/score/batch", json=[lead("a"), lead("b", revenue=-1), lead("c")])),
        (300, lambda: server.http.post("/api/v1/score/batch?reasons=0", json=[lead(f"lead-{n}") for n in range(300)])),
        (2, lambda: server.http.post("/v2/models/small/infer", json={"inputs": [tensor]})),
        (2, lambda: server.http.post("/invocations", content=csv, headers={"Content-Type": "text/csv"})),
        (1, lambda: server.http.post("/invocations", json=LEAD)),
    )
    total = 0
    assert set(counted(server).values()) == {0}
    for leads, send in ways:
        answer = send()
        assert answer.status_code in (200, 422)
        total += leads
        found = counted(server)
        assert set(found.values()) == {total}, answer.request.url
        assert len(found) == 7
    assert said(server)["leads"] == total


def frame(leads: list[dict[str, Any]]) -> pl.DataFrame:
    """Leads as a table of text."""
    return pl.DataFrame([each["features"] for each in leads]).select(pl.all().cast(pl.String))


@pytest.mark.integration
def test_a_file_gets_the_figures_of_the_service_that_scored_it(server: Server, model: Path, tmp_path: Path) -> None:
    """Over two workers; numbers, flags, categories, missing and unseen."""
    leads = [
        lead(
            f"lead-{n}",
            revenue=n * 1000,
            visits=None if n % 5 == 0 else n % 9,
            decision_maker=n % 3 == 0,
            source=("web", "fair", "unknown", "partner")[n % 4],
            **{"region / city (ü)": ("north", "south", "west")[n % 3]},
            open_rate=n / 1000,
        )
        for n in range(1000)
    ]
    for start in range(0, 1000, 100):
        with httpx.Client(base_url=server.url, headers={"X-API-Key": KEY}) as http:  # any worker may get it
            assert http.post("/api/v1/score/batch?reasons=0", json=leads[start : start + 100]).status_code == 200
    told = said(server)
    frame(leads).write_csv(tmp_path / "leads.csv")
    of_file = drift_of(model, tmp_path / "leads.csv")
    assert "'fair'" in of_file.pop("warnings")[0]
    assert of_file.pop("reading") == ["separated by commas"]
    assert of_file == told
    assert told["leads"] == 1000
    assert told["not_counted"] == ["growth"]
    by_name = {row["feature"]: row for row in told["features"]}
    assert by_name["source"]["bins"][-1] == {"bin": "unseen", "holds": "unseen", "expected": 0.1, "actual": 0.25}
    assert by_name["region / city (ü)"]["verdict"] == "drifted"
    indices = [row["psi"] for row in told["features"]]
    assert indices == sorted(indices, reverse=True)


@pytest.mark.integration
@pytest.mark.parametrize("case", ["off", "no card", "no reference"])
def test_without_bins_the_service_serves_and_says_why_there_are_none(tmp_path: Path, case: str, model: Path) -> None:
    """A model without a card, a card of old, or the setting: no series, and an answer of the same shape."""
    environ = {"DRIFT_METRICS": "off"} if case == "off" else {}
    if case == "no card":
        model = bare_model_file(tmp_path)
    if case == "no reference":
        model = model_file(tmp_path, card(reference=Reference()))
    with serving(tmp_path, model, **environ) as server:
        told = said(server)
        assert (told["leads"], told["score"], told["features"]) == (0, None, [])
        assert "DRIFT_METRICS" in told["unavailable"]
        assert "_bins_total" not in server.http.get("/metrics").text
        body = LEAD if case != "no card" else {"lead_id": "a", "features": {"f0": 1.0}}
        assert server.http.post("/api/v1/score", json=body).status_code == 200


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> ModelRoutes:
    """The routes about the small model."""
    model = open_model(model_file(tmp_path_factory.mktemp("small")))
    return ModelRoutes(Scorer(Served.of(model, Local(model.trees))))


def asked(route: Handler, query: bytes = b"") -> Any:
    """What a route answers."""
    exchange = asking(query)

    async def answer() -> bytes:
        return (await route(exchange)).body

    return json.loads(asyncio.run(answer()))


def test_model_info_tells_version_features_and_certification(small: ModelRoutes) -> None:
    """What a client and an auditor want to know."""
    info = asked(small.info)
    assert (info["name"], info["version"], info["n_features"]) == ("small", "1.2.3", len(SMALL))
    assert (info["certified"], info["golden_rows"], info["endpoint_provider"]) == (True, 2, "local")
    assert len(info["sha256"]) == 64
    assert info["tiers"]["thresholds"]["A"] == 0.6


def test_the_features_are_the_contract_in_order(small: ModelRoutes) -> None:
    """Names with blanks and slashes included."""
    said = asked(small.features)
    assert [feature["name"] for feature in said["features"]] == SMALL.names
    revenue, source = said["features"][0], said["features"][4]
    assert (revenue["kind"], revenue["required"], revenue["minimum"], revenue["maximum"]) == ("number", True, 0, None)
    assert (source["values"], source["missing"]) == (["web", "event", "partner"], ["unknown"])


def test_importance_covers_every_feature_strongest_first_and_adds_up_to_one(small: ModelRoutes) -> None:
    """Shares of the gain of all splits."""
    rows = asked(small.importance)["importance"]
    shares = [row["importance"] for row in rows]
    assert {row["feature"] for row in rows} == set(SMALL.names)
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)


def test_no_route_about_the_model_takes_a_parameter(small: ModelRoutes) -> None:
    """One that does nothing would not be missed."""
    for route in (small.info, small.features, small.importance, small.drift):
        with pytest.raises(InvalidParameter, match="'version'"):
            asked(route, b"version=1")

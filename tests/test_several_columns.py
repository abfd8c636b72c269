"""A feature that makes two columns goes all the way: trees, answers, reasons, importance, drift and encoded rows."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import polars as pl
import pytest
import xgboost as xgb
from grid import (
    SQUARES,
    leads_of_a_thousand_columns,
    leads_on_squares,
    model_of,
    squares,
    squares_model,
    thousand_columns,
)
from inside import served
from prometheus_client.parser import text_string_to_metric_families
from serving import KEY

from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.rows import RowReader
from leadscoring.errors import CardInvalid, InvalidRows
from leadscoring.model.card import ATTRIBUTE, Card, GoldenRow
from leadscoring.model.file import open_model
from leadscoring.serving.wiring import create
from leadscoring.settings import read_settings
from leadscoring.training.drift import drift_of, drift_text
from leadscoring.training.encode import encode_table
from leadscoring.training.report.drivers import drivers

COLUMNS = ["age", "square.file", "square.rank", "source"]
LEADS: list[dict[str, Any]] = [
    {"age": 3, "square": "h8", "source": "event"},
    {"age": 30.5, "square": "a1", "source": "web"},
    {"square": None, "source": "fair"},
    {"age": 1, "square": "z9", "source": "web"},
]


@pytest.fixture
def contract() -> Iterator[Contract]:
    """A contract with a feature of two columns."""
    with squares() as made:
        yield made


@pytest.fixture
def model(tmp_path: Path, contract: Contract) -> Path:
    """A model by that contract."""
    return squares_model(tmp_path, contract)


@pytest.fixture
def client(model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A client of a service of that model."""
    with client_of(model, monkeypatch) as made:
        yield made


@contextmanager
def client_of(model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A client of a service of a model, in this process, since the kind exists here alone."""
    for name in ("PORT", "WORKERS", "API_KEYS_FILE"):
        monkeypatch.delenv(name, raising=False)
    environ = {"API_KEYS": KEY, "MODEL_PATH": str(model), "LOG_LEVEL": "ERROR", "ENDPOINT_PROTOCOLS": "v2"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    headers = {"X-API-Key": KEY}
    with (
        served(create(read_settings(os.environ))) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as made,
    ):
        yield made


def stock_margins(path: Path, contract: Contract) -> list[float]:
    """The margins of ``LEADS`` as stock XGBoost has them, encoded by hand."""
    booster = xgb.Booster(model_file=str(path))
    rows = np.array([[3, 7, 8, 1], [30.5, 0, 1, 0], [np.nan] * 4, [1, np.nan, np.nan, 0]], np.float32)
    names, types = booster.feature_names, booster.feature_types
    data = xgb.DMatrix(rows, feature_names=names, feature_types=types, enable_categorical=True)
    return [float(margin) for margin in booster.predict(data, output_margin=True)]


@pytest.mark.integration
def test_leads_are_scored_and_explained_by_feature(client: httpx.Client, model: Path, contract: Contract) -> None:
    """The margin is stock XGBoost's; the reasons name features, have the values sent, and add up to the margin."""
    sent = [{"lead_id": str(place), "features": features} for place, features in enumerate(LEADS)]
    answers = client.post("/api/v1/score/batch?include_details=true&reasons=5", json=sent).json()
    for answer, features, margin in zip(answers, LEADS, stock_margins(model, contract), strict=True):
        about, reasons = answer["explanation"], answer["reasons"]
        assert about["margin"] == pytest.approx(margin, abs=1e-5)
        assert about["base_value"] + sum(reason["contribution"] for reason in reasons) == pytest.approx(
            margin, abs=1e-5
        )
        assert about["remainder"] == pytest.approx(0, abs=1e-5)
        assert {reason["feature"] for reason in reasons} <= set(contract.names)
        assert all(reason["value"] == features.get(reason["feature"]) for reason in reasons)
        single = client.post("/api/v1/score?include_details=true", json={"lead_id": "0", "features": features}).json()
        assert single["reasons"] == reasons
    assert answers[0]["reasons"][0]["feature"] == "square"
    warned = [[warning["feature"] for warning in answer["warnings"]] for answer in answers]
    assert warned == [[], [], ["source"], ["square"]]


@pytest.mark.integration
def test_what_is_told_of_the_model_is_by_feature(client: httpx.Client, contract: Contract) -> None:
    """Its features with their columns, their importance, and how often each was a reason."""
    features = client.get("/api/v1/model/features").json()["features"]
    assert [feature["columns"] for feature in features] == [COLUMNS[:1], COLUMNS[1:3], COLUMNS[3:]]
    found = client.get("/api/v1/model/importance").json()["importance"]
    assert {row["feature"] for row in found} == set(contract.names)
    assert found[0]["feature"] == "square"
    assert sum(row["importance"] for row in found) == pytest.approx(1)
    assert client.post("/api/v1/score", json={"lead_id": "x", "features": LEADS[0]}).status_code == 200
    counted = client.get("/metrics").text
    assert 'model_reasons_total{model_version="1",feature="square",direction="increases"} 1.0' in counted
    assert "square.file" not in "".join(line for line in counted.splitlines() if line.startswith("model_reasons"))


@pytest.mark.integration
def test_encoded_rows_are_by_column(client: httpx.Client, model: Path, contract: Contract) -> None:
    """In the order of the columns, by V2, which knows features by their names as well; a reason has the value that the columns stand for."""
    rows = [3.0, 7.0, 8.0, 1.0, 30.5, 0.0, 1.0, 0.0]
    tensor = {"name": "input", "datatype": "FP64", "shape": [2, 4], "data": rows}
    asked = {"inputs": [tensor], "parameters": {"reasons": 5}}
    answer = client.post("/v2/models/squares/infer", json=asked).json()
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    assert outputs["margin"] == pytest.approx(stock_margins(model, contract)[:2], abs=1e-5)
    reasons = [msgspec.json.decode(text) for text in outputs["reasons"]]
    assert [{each["feature"]: each["value"] for each in lead}["square"] for lead in reasons] == ["h8", "a1"]
    by_feature = [{"name": name, "datatype": kind, "shape": [2], "data": data} for name, kind, data in (
        ("age", "FP64", [3.0, 30.5]), ("square", "BYTES", ["h8", "a1"]), ("source", "BYTES", ["event", "web"]),
    )]  # fmt: skip
    same = client.post("/v2/models/squares/infer", json={"inputs": by_feature}).json()
    assert {output["name"]: output["data"] for output in same["outputs"]}["margin"] == outputs["margin"]
    wrong = client.post("/v2/models/squares/infer", json={"inputs": [tensor | {"shape": [2, 3], "data": rows[:6]}]})
    assert "one tensor of numbers of the shape [leads, 4]" in wrong.text


def test_named_rows_have_the_names_of_columns(contract: Contract) -> None:
    """A feature of several columns has no column of its own name."""
    reader = RowReader(contract)
    order = COLUMNS[::-1]
    assert reader.frame(order, [[1.0, 8.0, 7.0, 3.0]]).row(0) == [3.0, 7.0, 8.0, 1.0]
    assert reader.csv(b"3,7,8,1\n").row(0) == [3.0, 7.0, 8.0, 1.0]
    with pytest.raises(InvalidRows, match="row 1 has 3 values; the model takes 4 columns"):
        reader.csv(b"3,7,1\n")
    with pytest.raises(InvalidRows, match=r"missing are \['square.file', 'square.rank'\]"):
        reader.frame(["age", "square", "source"], [[1.0, 2.0, 0.0]])


def test_drift_looks_at_every_column_and_names_the_one_that_drifted_most(model: Path, contract: Contract) -> None:
    """A file like that of training is stable; leads that have moved along the files, or along the ranks, have drifted."""
    frame, _ = leads_on_squares(6)
    still = {row["feature"]: row["verdict"] for row in drift_of(model, frame)["features"]}
    assert still == dict.fromkeys(contract.names, "stable")
    for column, of, place in (("square.file", "h", 0), ("square.rank", "8", 1)):
        moved = frame.with_columns(square=np.array([name for name in SQUARES if name[place] == of] * 375))
        report = drift_of(model, moved)
        told = report["features"]
        assert (told[0]["feature"], told[0]["column"], told[0]["verdict"]) == ("square", column, "drifted")
        assert [row.get("column") for row in told[1:]] == [None, None]
        assert f"\n{column} " in drift_text(report)


@pytest.mark.integration
def test_the_service_counts_the_bins_of_every_column(client: httpx.Client) -> None:
    """One bin a lead in each; the route shows the column that has drifted most, and the metrics show all."""
    sent = [{"lead_id": str(place), "features": features} for place, features in enumerate(LEADS)]
    assert client.post("/api/v1/score/batch", json=sent).status_code == 200
    told = client.get("/api/v1/model/drift").json()
    actual = {
        row["feature"]: {bins["bin"]: bins["actual"] for bins in row["bins"] if bins["actual"]}
        for row in told["features"]
    }
    assert told["leads"] == 4
    assert actual["square"] == {"0": 0.25, "7": 0.25, "missing": 0.5}
    assert actual["source"]["unseen"] == 0.25
    assert [row.get("column") for row in sorted(told["features"], key=lambda row: row["feature"])] == [
        None,
        None,
        "square.file",
    ]
    counted = {
        (labels["feature"], labels.get("column"), labels["bin"])
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == "model_feature_bins_total" and sample.value
        for labels in [sample.labels]
    }
    assert {(column, bin_) for feature, column, bin_ in counted if feature == "square"} == {
        *(("square.file", bin_) for bin_ in ("0", "7", "missing")),
        *(("square.rank", bin_) for bin_ in ("0", "7", "missing")),
    }
    assert {column for feature, column, _ in counted if feature != "square"} == {None}


@pytest.mark.integration
def test_a_thousand_columns_are_counted_within_the_room_of_two_hundred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the service as by the command; what is not counted is named, and the series are bounded."""
    with thousand_columns() as contract:
        model = model_of(tmp_path / "wide.json", contract, *leads_of_a_thousand_columns(1000))
        frame = leads_of_a_thousand_columns(600, seed=6)[0].with_columns(title=pl.lit("v3"))
        of_file = drift_of(model, frame)
        sent = [{"lead_id": "x", "features": row} for row in frame.to_dicts()]
        with client_of(model, monkeypatch) as client:
            assert client.post("/api/v1/score/batch", json=sent).status_code == 200
            told = client.get("/api/v1/model/drift").json()
            metrics = client.get("/metrics").text.splitlines()
    assert {key: of_file[key] for key in told} == told
    assert [told["features"][0][key] for key in ("feature", "column", "verdict")] == ["title", "title is v3", "drifted"]
    assert len(told["features"]) == 6
    assert told["not_counted"] == [f"title is v{n}" for n in range(98, 600)] + [f"city is v{n}" for n in range(98, 396)]
    for metric in ("model_feature_bins_total", "model_feature_reference_share"):
        assert sum(line.startswith(metric + "{") for line in metrics) == 196 * 3 + 4 * 11


def test_the_report_knows_the_drivers_by_feature(model: Path, contract: Contract) -> None:
    """The strength of a feature is that of the sums over its columns."""
    frame, _ = leads_on_squares()
    found = drivers(open_model(model).trees, contract, encode_table(contract, frame))
    assert found[0].feature == "square"
    assert found[0].direction == "higher values raise the score"
    assert sum(driver.share for driver in found) == pytest.approx(1)


def test_a_card_whose_columns_do_not_fit_is_refused(tmp_path: Path, model: Path, contract: Contract) -> None:
    """Columns of two features of one name, rows of another width, trees of another number of columns."""
    with pytest.raises(CardInvalid, match=r"make two columns 'square\.rank'"):
        Contract((*contract.features, Feature("square.rank", "flag")))
    with pytest.raises(CardInvalid, match="golden row 0 has 3 values, the contract 4 columns"):
        Card(name="x", version="1", contract=contract, golden=(GoldenRow((1.0, 2.0, 0.0), 0.5),))
    booster = xgb.Booster(model_file=str(model))
    lesser = Contract(contract.features[:2])
    booster.set_attr(**{ATTRIBUTE: Card(name="x", version="1", contract=lesser).to_json(), "lead_scoring_seal": None})
    booster.save_model(tmp_path / "lesser.json")
    with pytest.raises(CardInvalid, match="the contract has 2 features of 3 columns, the trees 4"):
        open_model(tmp_path / "lesser.json")

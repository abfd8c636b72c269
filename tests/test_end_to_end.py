"""From a file of real leads to scores over HTTP that stock XGBoost and the card's table confirm."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import xgboost as xgb
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from serving import Server, serving

from leadscoring.contract.features import Contract
from leadscoring.model.card import ATTRIBUTE, Card, read_card
from leadscoring.training.encode import encode_table
from leadscoring.training.reading.table import read_table

pytestmark = pytest.mark.integration

LATE = "Tags,Lead Quality,Lead Profile,Last Activity,Last Notable Activity,Asymmetrique *"
FILES = {
    "xeducation/Leads.csv": ["--target", "Converted", "--ignore", LATE],
    "bank/bank-additional-full.csv": ["--target", "y", "--positive", "yes", "--ignore", "duration"],
}
SENT = 300


@pytest.mark.parametrize("name", FILES)
def test_a_model_of_real_leads_is_trained_served_and_confirmed(tmp_path: Path, shared_data: Path, name: str) -> None:
    """Nothing between the CSV and the answer changes a number."""
    sample = read_table(shared_data / name).frame.gather_every(5)
    sample.write_csv(tmp_path / "leads.csv")
    model = tmp_path / "model.json"
    leadscoring("train", str(tmp_path / "leads.csv"), *FILES[name], "--out", str(model))
    booster = xgb.Booster(model_file=model)
    card = read_card(booster.attr(ATTRIBUTE) or "")
    leads = sample.head(SENT)
    with serving(tmp_path, model) as server:
        answers = server.http.post("/api/v1/score/batch?reasons=0", json=as_sent(card.contract, leads)).json()
        check_description(server, card)
    expected = confirmed(booster, card, leads)
    assert [answer["score"]["raw_score"] for answer in answers] == pytest.approx(expected, abs=1e-6)


def leadscoring(*words: str) -> None:
    """Runs the command that a user would type."""
    command = [str(Path(sys.executable).parent / "leadscoring"), *words]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr


def as_sent(contract: Contract, leads: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of the file as a CRM would send them: by name, unknown ones left out."""
    rows = leads.select(contract.names).to_dicts()
    return [
        {"lead_id": str(place), "features": {feature.name: sent(feature.kind, row[feature.name]) for feature in contract.features}}
        for place, row in enumerate(rows)
    ]  # fmt: skip


def sent(kind: str, text: Any) -> Any:
    """One cell of the file as JSON has it; the file holds text only."""
    if text is None or kind == "category":
        return text
    return json.loads(str(text))


def confirmed(booster: xgb.Booster, card: Card, leads: pl.DataFrame) -> list[float]:
    """The probabilities of the leads by stock XGBoost and ``numpy.interp``."""
    rows = encode_table(card.contract, leads)
    data = xgb.DMatrix(
        rows, feature_names=booster.feature_names, feature_types=booster.feature_types, enable_categorical=True
    )
    margins = booster.predict(data, output_margin=True)
    return list(map(float, np.interp(margins, card.calibration.margins, card.calibration.probabilities)))


def check_description(server: Server, card: Card) -> None:
    """The service describes this model's contract, and its example is a lead that scores."""
    document = server.http.get("/openapi.json").json()
    validate(document, cls=OpenAPIV31SpecValidator)
    assert (
        list(document["components"]["schemas"]["Lead"]["properties"]["features"]["properties"]) == card.contract.names
    )
    example = document["paths"]["/api/v1/score"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert server.http.post("/api/v1/score", json=example).status_code == 200
    typing_error = {"lead_id": "a", "features": example["features"] | {card.contract.names[0] + "s": 1}}
    refusal = server.http.post("/api/v1/score", json=typing_error)
    assert refusal.status_code == 422
    assert card.contract.names[0] in refusal.json()["detail"]

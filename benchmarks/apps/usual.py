"""A typical implementation with FastAPI, pydantic, and XGBoost's own contributions."""

import os
from typing import Annotated, Any

import msgspec
import numpy as np
import xgboost as xgb
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field, create_model

booster = xgb.Booster(params={"nthread": 1}, model_file=os.environ["MODEL_PATH"])
card = msgspec.json.decode(booster.attr("lead_scoring"))
KEYS = set(os.environ["API_KEYS"].split(","))


def field(feature: dict[str, Any]) -> Any:
    """Returns one feature as a pydantic field."""
    kind = {"number": float, "integer": int, "flag": bool, "category": str}[feature["kind"]]
    bounds = (
        {"ge": feature.get("minimum"), "le": feature.get("maximum")} if feature["kind"] in ("number", "integer") else {}
    )
    bounded = Annotated[kind, Field(**{name: value for name, value in bounds.items() if value is not None})]
    return (bounded, ...) if feature.get("required") else (bounded | None, None)


Features = create_model(
    "Features",
    __config__=ConfigDict(extra="forbid"),
    **{feature["name"]: field(feature) for feature in card["contract"]["features"]},
)
names = [feature["name"] for feature in card["contract"]["features"]]


class Lead(BaseModel):
    """A lead, validated by pydantic."""

    lead_id: str
    features: Features  # type: ignore[valid-type]  # made from the contract


app = FastAPI()


@app.post("/api/v1/score")
def score(lead: Lead, x_api_key: Annotated[str, Header()]) -> dict[str, Any]:
    """Scores one lead, with the five strongest reasons."""
    if x_api_key not in KEYS:
        raise HTTPException(401)
    values = lead.features.model_dump()
    row = np.array([[np.nan if values[name] is None else float(values[name]) for name in names]], np.float32)
    shares = booster.predict(xgb.DMatrix(row), pred_contribs=True, validate_features=False)[0]
    strongest = np.argsort(-np.abs(shares[:-1]))[:5]
    return {
        "lead_id": lead.lead_id,
        "score": {"raw_score": float(1 / (1 + np.exp(-shares.sum())))},
        "reasons": [
            {"feature": names[i], "value": values[names[i]], "contribution": float(shares[i])} for i in strongest
        ],
    }

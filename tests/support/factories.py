"""Small real things that tests are made of: contracts, leads and models trained on the spot."""

import hashlib
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from leadscoring.contract.features import Contract, Feature
from leadscoring.model.calibration import Calibration, logistic
from leadscoring.model.card import ATTRIBUTE, Bins, Card, GoldenRow, Reference, Tiers
from leadscoring.model.loaded import LoadedModel

SMALL = Contract(
    (
        Feature("revenue", "number", required=True, minimum=0, unit="US dollars", group="company"),
        Feature("visits", "integer", minimum=0, group="engagement"),
        Feature("growth", "number"),
        Feature("decision_maker", "flag", required=True),
        Feature("source", "category", values=("web", "event", "partner"), missing=("unknown",), other=True),
        Feature("region / city (ü)", "category", values=("north", "south"), required=True),
        Feature("open_rate", "number", minimum=0, maximum=1),
    )
)
"""Every kind of feature, required and not, bounded and not, with a name that needs care."""

LEAD: dict[str, Any] = {
    "lead_id": "lead-1",
    "features": {
        "revenue": 1000000,
        "visits": 3,
        "growth": 0.35,
        "decision_maker": True,
        "source": "event",
        "region / city (ü)": "south",
        "open_rate": 0.4,
    },
}
"""A lead that ``SMALL`` allows."""


def lead(lead_id: str = "lead-1", **changed: Any) -> dict[str, Any]:
    """The sound lead with other features; a feature given as ``...`` is left out."""
    features = {name: value for name, value in (LEAD["features"] | changed).items() if value is not ...}
    return {"lead_id": lead_id, "features": features}


def body(value: Any) -> bytes:
    """A value as a client sends it."""
    return json.dumps(value, ensure_ascii=False).encode()


@cache
def booster(trees: int = 20, depth: int = 4, seed: int = 7) -> xgb.Booster:
    """A real XGBoost model of the small contract."""
    chance = np.random.default_rng(seed)
    columns = [column(feature, chance) for feature in SMALL.features]
    rows = np.stack(columns, axis=1).astype(np.float32)
    signal = np.nan_to_num(rows)[:, 1] * 0.3 + np.nan_to_num(rows)[:, 3] * 1.5 - 2 + (rows[:, 4] == 2)
    labels = chance.random(len(rows)) < 1 / (1 + np.exp(-signal))
    types = ["c" if feature.kind == "category" else "q" for feature in SMALL.features]
    names = [f"f{place}" for place in range(len(SMALL))]
    data = xgb.DMatrix(rows, labels, feature_names=names, feature_types=types, enable_categorical=True)
    return xgb.train({"objective": "binary:logistic", "max_depth": depth, "seed": seed, "nthread": 1}, data, trees)


def column(feature: Feature, chance: np.random.Generator, rows: int = 2000) -> Any:
    """Plausible encoded values of one feature, with some missing where that is allowed."""
    if feature.kind == "category":
        values = chance.integers(0, len(feature.values) + feature.other, rows).astype(float)
    elif feature.kind == "flag":
        values = chance.integers(0, 2, rows).astype(float)
    elif feature.kind == "integer":
        values = chance.poisson(4, rows).astype(float)
    else:
        values = chance.random(rows) * (1 if feature.maximum == 1 else 1e6)
    if not feature.required:
        values[chance.random(rows) < 0.2] = math.nan
    return values


def card(**changed: Any) -> Card:
    """The card of the small model, with golden rows that stock XGBoost scored."""
    rows: list[list[float | None]] = [[1e6, 3.0, 0.35, 1.0, 1.0, 1.0, 0.4], [0.0, None, None, 0.0, None, 0.0, None]]
    margins = stock_margins(rows)
    knots = tuple(step / 4 for step in range(-24, 25))
    parts: dict[str, Any] = {
        "name": "small",
        "version": "1.2.3",
        "contract": SMALL,
        "calibration": Calibration(knots, tuple(logistic(0.9 * knot - 0.1) for knot in knots), "sigmoid"),
        "tiers": Tiers((0.6, 0.4, 0.2, 0.1)),
        "reference": Reference(tuple(step / 100 for step in range(101)), (Bins(),) * len(SMALL)),
        "created_at": "2026-11-01T00:00:00Z",
        "golden": tuple(GoldenRow(tuple(row), margin) for row, margin in zip(rows, margins, strict=True)),
    }
    return Card(**parts | changed)


def stock_margins(rows: list[list[float | None]], model: xgb.Booster | None = None) -> list[float]:
    """The margins of encoded rows as stock XGBoost has them."""
    model = model or booster()
    values = np.array([[math.nan if value is None else value for value in row] for row in rows], np.float32)
    data = xgb.DMatrix(
        values, feature_names=model.feature_names, feature_types=model.feature_types, enable_categorical=True
    )
    return [float(margin) for margin in model.predict(data, output_margin=True)]


def scored(model: LoadedModel, *leads: dict[str, Any]) -> list[float]:
    """The margins of leads as they are sent."""
    body = json.dumps([{"lead_id": "x", "features": features} for features in leads]).encode()
    _, rows = model.decoder.many(body, 1000)
    assert rows is not None
    return model.trees.predict(rows)


def model_file(folder: Path, with_card: Card | None = None, name: str = "model.json") -> Path:
    """The small model with a card, as a file."""
    model = booster().copy()
    model.set_attr(**{ATTRIBUTE: (with_card or card()).to_json()})
    path = folder / name
    model.save_model(path)
    return path


def bare_model_file(folder: Path) -> Path:
    """The small model without a card."""
    path = folder / "bare.json"
    booster().save_model(path)
    return path


def key_file(folder: Path, *entries: dict[str, Any], key: str | None = None, name: str = "keys.json") -> Path:
    """A key file, put there at once; the key of an entry is ``key of`` its label, or ``key``."""
    whole = [
        {"sha256": hashlib.sha256((key or f"key of {entry['label']}").encode()).hexdigest(), **entry}
        for entry in entries
    ]
    made = folder / f"{name}.new"
    made.write_text(json.dumps(whole))
    return made.replace(folder / name)

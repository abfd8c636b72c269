"""The benchmark models: the 50 features of the default contract, trained on demo leads."""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.leads import demo_leads
from leadscoring.model.calibration import Calibration, logistic
from leadscoring.model.card import ATTRIBUTE, Card, Reference

FOLDER = Path("build/bench")
LEADS = 6000


@cache
def leads() -> tuple[Any, Any]:
    """Returns encoded demo leads and their outcomes."""
    made = list(demo_leads(LEADS, seed=3))
    rows = [[math.nan if value is None else value for value in lead.features.values()] for lead in made]
    return np.array(rows, np.float32), np.array([lead.converted for lead in made], np.float32)


@cache
def booster(trees: int, depth: int) -> xgb.Booster:
    """Trains a model with this number of trees of exactly this depth, without pruning."""
    rows, converted = leads()
    data = xgb.DMatrix(rows, converted, feature_names=CONTRACT.names)
    options = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.05, "min_child_weight": 0, "nthread": 2}
    model = xgb.train(options, data, trees)
    model.set_param({"nthread": 1})
    return model


def model_file(trees: int = 200, depth: int = 4) -> Path:
    """Writes the model with a card to a file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    model = booster(trees, depth).copy()
    knots = tuple(step / 8 for step in range(-64, 65))
    card = Card(
        name="benchmark",
        version="1.0.0",
        contract=CONTRACT,
        calibration=Calibration(knots, tuple(map(logistic, knots)), "sigmoid"),
        reference=Reference(tuple((step / 100) ** 2 for step in range(101))),
    )
    model.set_attr(**{ATTRIBUTE: card.to_json()})
    path = FOLDER / f"{trees}x{depth}.json"
    model.save_model(path)
    return path.absolute()


def lead_body() -> bytes:
    """Returns a lead with all 50 features, as a client sends it."""
    features = {feature.name: feature.example for feature in CONTRACT.features}
    return json.dumps({"lead_id": "lead-42", "features": features}).encode()

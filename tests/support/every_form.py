"""A model with every form of number and category, also those of other trainers, and a number that means missing."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from hypothesis import strategies as st

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.model.card import ATTRIBUTE, Card

FEATURES = (
    Feature("amount", "number", minimum=0, maximum=10),
    Feature("free", "number"),
    Feature("visits", "integer", required=True, minimum=-5),
    Feature("open", "flag"),
    Feature("size", "category", values=("1", "2.5", "10"), numbers=True, other=True),
    Feature("code", "category", codes=3),
    Feature("source", "category", values=("web", "event"), aliases={"Web": "web"}, rare=("fair",), other=True),
    Feature(
        "industry",
        "category",
        values=("retail", "banks"),
        other=True,
        aspects=(Aspect("code"), Aspect("weight")),
        weights={"retail": 0.5, "farms": -1.0},
    ),
    Feature("region", "category", values=("north", "south")),
)

NUMBERS = st.none() | st.sampled_from([0, 1, 2, 2.5, 3, 10, 11, -1, -5, -6, 0.5, 7.0, 1e39, 16777217])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("amount", "free", "visits", "size", "code", "open"), NUMBERS),
    "source": st.sampled_from([None, "web", "Web", "WEB", "event", "fair", "new"]),
    "industry": st.sampled_from([None, "retail", "banks", "farms", "mines"]),
    "region": st.sampled_from([None, "north", "west"]),
}
"""Values of each feature, of which some are refused."""


def contract_of(missing: float | None) -> Contract:
    """The contract, with a number that means missing."""
    return Contract(FEATURES, missing_value=missing)


@cache
def booster() -> xgb.Booster:
    """Trees that look at every column."""
    columns, chance, rows = contract_of(None).columns.every, np.random.default_rng(8), 2000
    x = np.stack(
        [
            chance.normal(0, 3, rows) if one.most is None else chance.integers(0, min(one.most, 4) + 1, rows)
            for one in columns
        ],
        axis=1,
    ).astype(np.float32)
    x[chance.random(x.shape) < 0.1] = np.nan
    x[:, 6] = np.where(x[:, 6] > 2, 2, x[:, 6])
    for place, one in enumerate(columns):
        if one.categorical and one.codes is not None:
            x[:, place] = np.where(x[:, place] >= one.codes, 0, x[:, place])
    y = np.nan_to_num(x) @ chance.normal(size=x.shape[1]) + chance.normal(size=rows)
    types = ["c" if one.categorical else "q" for one in columns]
    data = xgb.DMatrix(x, y > np.median(y), feature_types=types, enable_categorical=True)
    return xgb.train({"objective": "binary:logistic", "max_depth": 3, "seed": 8, "nthread": 1}, data, 30)


def every_form_model(folder: Path, missing: float | None) -> Path:
    """The model with a card, as a file."""
    model = booster().copy()
    model.set_attr(**{ATTRIBUTE: Card(name="forms", version="1", contract=contract_of(missing)).to_json()})
    path = folder / f"forms{missing}.json"
    model.save_model(path)
    return path

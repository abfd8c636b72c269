"""A model whose leads have a date, a planned date, a text, an e-mail address and a set, besides a number and a category."""

import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from hypothesis import strategies as st

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.model.card import ATTRIBUTE, Card, GoldenRow

TIMED = Contract(
    (
        Feature("amount", "number", minimum=0),
        Feature("created", "date", required=True, aspects=(Aspect("age"), Aspect("weekday"), Aspect("hour"))),
        Feature("due", "date", planned=True, aspects=(Aspect("age"), Aspect("since", "created"))),
        Feature(
            "title",
            "text",
            aspects=(Aspect("word", "director"), Aspect("word", "vice president"), Aspect("words"), Aspect("weight")),
            weights={"director": 0.5, "intern": -1.5},
        ),
        Feature(
            "email",
            "email",
            aspects=(Aspect("group", "free"), Aspect("ends", "de"), Aspect("role"), Aspect("domain", "acme.com")),
            groups={"free": ("gmail.com", "web.de")},
            roles=("info", "sales"),
        ),
        Feature("interests", "set", aspects=(Aspect("value", "pricing"), Aspect("value", "demo"), Aspect("count"))),
        Feature("source", "category", values=("web", "event")),
    )
)

AS_OF = "2026-03-10T12:00:00Z"

FEATURES: dict[str, Any] = {
    "amount": 1200.5,
    "created": "2026-03-07T08:30:00+01:00",
    "due": "2026-04-01",
    "title": "Director of Sales",
    "email": "info@acme.com",
    "interests": ["pricing", "Support"],
    "source": "web",
}


def timed_lead(lead_id: str = "lead-1", as_of: Any = AS_OF, **changed: Any) -> dict[str, Any]:
    """A lead that ``TIMED`` allows, with other features; what is given as ``...`` is left out."""
    features = {name: value for name, value in (FEATURES | changed).items() if value is not ...}
    return {"lead_id": lead_id, "features": features} | ({} if as_of is ... else {"as_of": as_of})


@cache
def timed_booster() -> xgb.Booster:
    """Trees that look at every column."""
    chance, rows = np.random.default_rng(3), 3000
    x = np.stack([values(column.most, chance, rows) for column in TIMED.columns.every], axis=1).astype(np.float32)
    strength = np.nan_to_num(x) @ (chance.normal(0, 1.5, x.shape[1]) / np.nanstd(x, axis=0))
    y = chance.random(rows) < 1 / (1 + np.exp(-strength + strength.mean()))
    types = ["c" if column.categorical else "q" for column in TIMED.columns.every]
    data = xgb.DMatrix(x, y, feature_names=TIMED.columns.names, feature_types=types, enable_categorical=True)
    return xgb.train({"objective": "binary:logistic", "max_depth": 4, "seed": 3, "nthread": 1}, data, 40)


def values(most: int | None, chance: np.random.Generator, rows: int) -> Any:
    """Plausible values of a column, some of them missing."""
    made = chance.gamma(1.0, 20.0, rows) if most is None else chance.integers(0, most + 1, rows).astype(float)
    made[chance.random(rows) < 0.1] = math.nan
    return made


def timed_model(folder: Path, name: str = "timed.json") -> Path:
    """The model with a card, as a file."""
    booster = timed_booster().copy()
    row: list[float | None] = [None] * len(TIMED.columns)
    data = xgb.DMatrix(
        np.full((1, len(row)), np.nan, np.float32),
        feature_names=booster.feature_names,
        feature_types=booster.feature_types,
        enable_categorical=True,
    )
    margin = float(booster.predict(data, output_margin=True)[0])
    card = Card(name="timed", version="1", contract=TIMED, golden=(GoldenRow(tuple(row), margin),))
    booster.set_attr(**{ATTRIBUTE: card.to_json()})
    booster.save_model(folder / name)
    return folder / name


def near_dates() -> st.SearchStrategy[str]:
    """Texts that are dates, nearly dates, or anything else."""
    digits = st.text("0123456789-:T Zz+.,", max_size=40)
    dates = st.datetimes().map(lambda made: made.isoformat())
    offsets = st.sampled_from(["", "Z", "z", "+02:00", "-2359", "+24:00", "+2", " ", "é", "\u0660", "\x00", "[UTC]"])
    odd = st.sampled_from([
        "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:60Z", "2026-02-30", "0000-01-01", "10000-01-01", "2026-1-1",
        "2026-01-31T24:00", "2026-01-31T10", "٢٠٢٦-01-31", "now", "", " 2026-01-31", "2026-01-31T10:00:00." + "9" * 400,
    ])  # fmt: skip
    return st.text(max_size=30) | digits | odd | st.builds(str.__add__, dates, offsets)

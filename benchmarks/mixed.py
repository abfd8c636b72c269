"""A model whose contract has every kind of feature, and leads for it."""

import math
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import xgboost as xgb

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.model.card import ATTRIBUTE, Card
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

FOLDER = Path("build/bench/bulk")
NUMBERS = 40
SOURCES = tuple(f"source {place}" for place in range(20))
WORDS = ("director", "sales", "head of", "intern", "marketing", "vice president", "engineer", "owner")
DOMAINS = ("gmail.com", "acme.com", "web.de", "example.org", "university.edu")

CONTRACT = Contract(
    (
        *(Feature(f"number {place}", "number", minimum=0) for place in range(NUMBERS)),
        *(Feature(f"category {place}", "category", values=SOURCES, other=True) for place in range(5)),
        Feature("created", "date", aspects=(Aspect("age"), Aspect("weekday"))),
        Feature("changed", "date", aspects=(Aspect("age"), Aspect("since", "created"))),
        Feature(
            "title", "text", aspects=(*(Aspect("word", word) for word in WORDS if " " not in word), Aspect("words"))
        ),
        Feature(
            "email",
            "email",
            aspects=(Aspect("group", "free"), Aspect("role"), Aspect("ends", "edu")),
            groups={"free": ("gmail.com", "web.de")},
            roles=("info", "sales"),
        ),
        Feature("interests", "set", aspects=(Aspect("value", "pricing"), Aspect("value", "demo"), Aspect("count"))),
    )
)


@cache
def model() -> LoadedModel:
    """Trains a model with a card: 400 trees of one split, as many as the shipped model has."""
    chance, rows = np.random.default_rng(3), 4000
    columns = CONTRACT.columns.every
    x = np.stack(
        [chance.random(rows) if one.most is None else chance.integers(0, one.most + 1, rows) for one in columns], axis=1
    ).astype(np.float32)
    y = x @ chance.normal(size=x.shape[1]) + chance.normal(size=rows)
    types = ["c" if one.categorical else "q" for one in columns]
    data = xgb.DMatrix(
        x, y > np.median(y), feature_names=CONTRACT.columns.names, feature_types=types, enable_categorical=True
    )
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 1, "seed": 3, "nthread": 1}, data, 400)
    booster.set_attr(**{ATTRIBUTE: Card(name="mixed", version="1", contract=CONTRACT).to_json()})
    path = FOLDER / "mixed.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    booster.save_model(path)
    return open_model(path)


def frame(rows: int) -> pl.DataFrame:
    """Generates leads as a table: numbers, texts, and dates as typed columns."""
    chance = np.random.default_rng(4)
    begin = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000

    def some(values: tuple[str, ...], missing: float = 0.1) -> pl.Series:
        texts = pl.Series(values).gather(chance.integers(0, len(values), rows))
        return pl.select(pl.when(pl.Series(chance.random(rows) >= missing)).then(texts)).to_series()

    def moments() -> pl.Series:
        return pl.Series(begin + chance.integers(0, 600 * 86_400_000_000, rows)).cast(pl.Datetime("us"))

    columns = {f"number {place}": pl.Series(np.round(chance.gamma(2, 50, rows), 2)) for place in range(NUMBERS)}
    titles = tuple(f"{one} {other} {place}" for one in WORDS for other in WORDS for place in ("", "Europe", "North"))
    emails = tuple(f"{name}{place}@{domain}" for name in ("jane", "info") for place in range(50) for domain in DOMAINS)
    sets = ("pricing", "pricing; demo", "support", "demo; support; training")
    columns |= {f"category {place}": some((*SOURCES * 5, "odd")) for place in range(5)}
    columns |= {"created": moments(), "changed": moments(), "title": some(titles), "email": some(emails)}
    columns |= {"interests": some(sets)}
    assert math.isfinite(begin)
    return pl.DataFrame(columns)

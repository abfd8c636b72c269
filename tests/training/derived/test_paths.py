"""Paths are distinguished from other texts with separators, and unseen leaves are scored by their parents."""

import json
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pytest

from leadscoring.contract.features import Feature
from leadscoring.model.file import open_model
from leadscoring.training.column import Read
from leadscoring.training.derived.paths import Paths, separator_of
from leadscoring.training.derived.rows import BEFORE_CATEGORIES, fitting
from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions

EFFECTS = {"Paid": {"Search": 1.5, "Social": -1.5}, "Organic": {"Search": -1.0, "Blog": 1.0}}
THEMES = ("Brand", "Spring", "Demo", "Webinar")


def paths(rows: int, separator: str = " > ", leaves: int = 40, seed: int = 0) -> tuple[list[str], list[float]]:
    """Paths of three levels with many rare leaves, and the effect of their parents."""
    random = Random(seed)
    made, effects = [], []
    for _ in range(rows):
        top = random.choice(list(EFFECTS))
        channel = random.choice(list(EFFECTS[top]))
        leaf = min(int(random.expovariate(8.0 / leaves)), leaves - 1)
        made.append(separator.join((top, channel, f"{THEMES[leaf % len(THEMES)]} {leaf}")))
        effects.append(EFFECTS[top][channel])
    return made, effects


def detected(texts: list[str]) -> bool:
    """Whether a column is one of paths."""
    column = pl.Series("c", texts)
    return Paths().detects(Read(column, column))


@pytest.mark.parametrize("separator", [" > ", ">", "/", ": ", " | ", "\\", "::", " » "])
def test_paths_are_detected_by_what_they_share(separator: str) -> None:
    """With any separator, which is the first that most values have."""
    texts, _ = paths(2000, separator)
    assert separator_of(pl.Series(texts)) == (separator.strip() or separator) + (" " if separator == ": " else "")
    assert detected(texts)


def test_other_texts_are_no_paths() -> None:
    """Few frequent paths, names with a slash, flat levels, and dates do as well as they did."""
    few, _ = paths(2000, leaves=3)
    random = Random(1)
    assert not detected(few)
    assert not detected([f"agent {random.randrange(90)}/agent {random.randrange(90)}" for _ in range(2000)])
    assert not detected([f"town {random.randrange(150)}" for _ in range(2000)])
    assert not detected([f"{random.randrange(40)}/{random.randrange(40)}" for _ in range(2000)])
    assert not detected([f"Only: leaf {random.randrange(300)}" for _ in range(2000)])


def test_titles_are_texts_before_they_are_paths() -> None:
    """The kind is the same; the user may ask for a category."""
    texts, _ = paths(2000)
    column = pl.Series("c", texts)
    row = fitting(Read(column, column), BEFORE_CATEGORIES)
    assert row is not None
    assert row.name == "text"


def test_unseen_leaves_are_scored_by_their_parents(tmp_path: Path) -> None:
    """A leaf that training never saw has the words of its parents, in the service as well."""
    rows = 1500
    texts, effects = paths(rows, leaves=10)
    random = np.random.default_rng(2)
    won = random.random(rows) < 1.0 / (1.0 + np.exp(-np.array(effects)))
    visits = random.poisson(3, rows)
    frame = pl.DataFrame({"Campaign": texts, "Visits": visits, "Won": np.where(won, "yes", "no")})
    trained = train(frame, TrainOptions(target="Won", positive="yes"))
    feature = next(one for one in trained.card.contract.features if one.name == "Campaign")
    assert isinstance(feature, Feature)
    assert feature.kind == "text"
    assert any("scored by those of their parents" in note for note in trained.report["reading"])
    trained.save(tmp_path / "m.json")
    model = open_model(tmp_path / "m.json")

    def margin(campaign: str) -> float:
        lead = {"lead_id": "a", "features": {"Campaign": campaign, "Visits": 3}}
        _, encoded = model.decoder.one(json.dumps(lead).encode())
        return model.trees.predict(encoded)[0]

    best, worst = margin("Paid > Search > Never seen"), margin("Paid > Social > Never seen")
    assert best > worst + 1.0
    assert margin("Organic > Blog > New") > margin("Organic > Search > New") + 0.5

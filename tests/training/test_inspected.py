"""Inspecting says what training would do, without doing it."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from past_leads import csv_of, leads

from leadscoring.errors import TrainingDataError
from leadscoring.training.fit import train
from leadscoring.training.inspected import inspect
from leadscoring.training.options import TrainOptions


def found(path: Path, **options: Any) -> dict[str, Any]:
    """What inspecting says."""
    return inspect(path, TrainOptions(**{"target": ""} | options))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Leads with a leak, an identifier, e-mail addresses, dates, open leads, duplicates and a column without values."""
    random = np.random.default_rng(3)
    frame = leads(600).with_row_index("Lead ID").with_columns(
        Created=pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(600) // 3),
        Phone=pl.lit("+49 30 ") + pl.int_range(600).cast(pl.String),
        empty=pl.lit(None, pl.String),
        Email=pl.lit("jane.") + pl.int_range(600).cast(pl.String) + pl.lit("@example.com"),
    )  # fmt: skip
    said = pl.when(pl.Series(random.random(600)) < 0.97).then(pl.col("won").replace({"yes": "hot", "no": "cold"}))
    frame = frame.with_columns(said.otherwise(pl.lit("warm")).alias("Lead Quality"))
    open_ones = pl.when(pl.int_range(600) % 10 == 7).then(pl.lit("open")).otherwise("won")
    return csv_of(pl.concat([frame.with_columns(won=open_ones), frame.head(5)]), tmp_path / "leads.csv")


def test_it_says_what_training_would_take_each_column_for(data: Path) -> None:
    """Kinds, unknown values, ranges; and what is left out, for the same reasons."""
    said = found(data, target="won")
    trained = train(data, TrainOptions(target="won")).report
    dropped = {one["column"]: one["why"] for one in said["excluded"]}
    assert dropped.items() <= trained["columns"]["dropped"].items()
    kinds = {one["name"]: one["kind"] for one in said["columns"]}
    assert {one["name"]: one["kind"] for one in trained["columns"]["features"]}.items() <= kinds.items()
    assert [said["data"][name] for name in ("rows", "positives")] == [
        trained["data"][name] for name in ("rows", "positives")
    ]
    assert {one["column"] for one in said["evidence"]} == {"Lead Quality"}
    budget = next(one for one in said["columns"] if one["name"] == "budget [k$] <net>")
    assert 0.1 < budget["unknown"] < 0.3
    assert len(budget["shown"]) == 2


def test_it_says_what_is_lost_and_what_that_costs(data: Path) -> None:
    """Rows by reason; and of each column that is left out, what it says alone."""
    said = found(data, target="won")
    assert said["rows"] == 605
    assert said["lost"] == {"rows": 60, "open": 60, "without_outcome": 0, "duplicates": 5}
    alone = {one["column"]: one["roc_auc_alone"] for one in said["excluded"]}
    assert alone["Lead Quality"] > 0.9
    assert alone["Phone"] == pytest.approx(0.5, abs=0.1)
    assert alone["won"] is None
    assert next(iter(alone)) == "Lead Quality"


def test_no_address_is_shown(data: Path) -> None:
    """What is printed ends up in logs and tickets."""
    assert "jane" not in str(found(data, target="won"))


def test_dates_say_what_they_could_be(data: Path) -> None:
    """With their span."""
    said = {one["column"]: one for one in found(data, target="won")["dates"]}
    assert said["Created"] == {
        "column": "Created",
        "role": "could be --time",
        "known": 1.0,
        "from": "2024-01-01",
        "to": "2024-07-18",
    }
    assert found(data, target="won", time="Created")["dates"][0]["role"] == "--time"


def test_a_target_is_guessed_and_said_to_be(data: Path) -> None:
    """With the others that could be it."""
    said = found(data)["target"]
    assert (said["column"], said["positive"], said["guessed"]) == ("won", ["yes"], True)
    assert said["candidates"][0]["column"] == "won"
    assert found(data, target="won")["target"]["guessed"] is False


def test_what_training_refuses_is_refused(data: Path, tmp_path: Path) -> None:
    """In its words; and a table without a column that could be the outcome."""
    with pytest.raises(TrainingDataError, match="--target names the column 'win'"):
        found(data, target="win")
    with pytest.raises(TrainingDataError, match="training needs at least 60"):
        found(csv_of(leads(40), tmp_path / "few.csv"), target="won")
    table = leads(300).drop("won").with_columns(pl.col("opt in") * 3)
    with pytest.raises(
        TrainingDataError, match=r"no column is clearly the outcome.*columns of few values are 'source'"
    ):
        found(csv_of(table, tmp_path / "none.csv"))


def test_progress_comes_to_its_end(data: Path) -> None:
    """Through the stages of reading and measuring."""
    stages: list[tuple[str, float]] = []
    inspect(data, TrainOptions(target="won"), lambda stage, share: stages.append((stage, share)))
    assert stages[0] == ("reading", 0.0)
    assert stages[-1] == ("done", 1.0)

"""``leadscoring drift`` is quiet about leads like those of training and loud about others."""

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from past_leads import csv_of, leads, trained

from leadscoring.cli.training import drift
from leadscoring.errors import ModelUnsupported, TrainingDataError
from leadscoring.model.card import ATTRIBUTE
from leadscoring.training.drift import VALUES, drift_of, drift_text, parts
from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions
from leadscoring.training.reading.table import read_table


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A trained model."""
    trained().save(tmp_path / "m.json")
    return tmp_path / "m.json"


def test_leads_of_the_same_kind_are_stable_and_others_are_not(model: Path) -> None:
    """Twice the visits move the score, and a source that is new is found; the rest stays as it is."""
    same = drift_of(model, leads(2000, seed=9))
    assert "drifted" not in {row["verdict"] for row in (same["score"], *same["features"])}
    moved = leads(2000, seed=9).with_columns(
        pl.col("visits") * 2,
        pl.when(pl.col("source") == "web").then(pl.lit("fair")).otherwise("source").alias("source"),
    )
    told = drift_of(model, moved)
    verdicts = {row["feature"]: row["verdict"] for row in told["features"]}
    assert told["score"]["verdict"] == verdicts["visits"] == verdicts["source"] == "drifted"
    assert "drifted" not in (verdicts["budget [k$] <net>"], verdicts["opt in"])
    source = next(row for row in told["features"] if row["feature"] == "source")
    unseen = next(bins for bins in source["bins"] if bins["bin"] == "unseen")
    assert unseen["actual"] == pytest.approx((moved["source"] == "fair").mean(), abs=1e-6)
    assert (unseen["expected"], unseen["holds"]) == (0, "unseen")


def test_the_command_prints_a_table_or_json(model: Path, tmp_path: Path) -> None:
    """Of CSV and Parquet alike; no outcome is asked for."""
    fresh = leads(800, seed=3).drop("won")
    fresh.write_parquet(tmp_path / "fresh.parquet")
    table = CliRunner().invoke(drift, [str(model), str(csv_of(fresh, tmp_path / "fresh.csv"))])
    assert table.exit_code == 0, table.output
    assert "the score" in table.stdout
    assert "visits" in table.stdout
    told = CliRunner().invoke(drift, [str(model), str(tmp_path / "fresh.parquet"), "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout) == drift_of(model, fresh)


def test_few_leads_get_no_verdict(model: Path, tmp_path: Path) -> None:
    """The shares are shown, and that they say nothing."""
    few = CliRunner().invoke(drift, [str(model), str(csv_of(leads(100, seed=3), tmp_path / "few.csv"))])
    assert few.exit_code == 0
    assert "too few leads" in few.stdout
    assert "no verdict with fewer than 500 leads" in few.stdout


def test_what_cannot_be_compared_is_a_message(model: Path, tmp_path: Path) -> None:
    """A file that is not there, other columns, a model that has no reference."""
    absent = CliRunner().invoke(drift, [str(model), str(tmp_path / "absent.csv")])
    assert (absent.exit_code, "Traceback" in absent.output) == (1, False)
    with pytest.raises(TrainingDataError, match="lacks"):
        drift_of(model, leads(600).drop("source", "visits"))
    booster = trained().booster.copy()
    booster.set_attr(**{ATTRIBUTE: None})
    booster.save_model(tmp_path / "bare.json")
    with pytest.raises(ModelUnsupported, match="no reference"):
        drift_of(tmp_path / "bare.json", leads(600))


@given(st.integers(0, 3000), st.integers(1, 3000))
def test_rows_are_counted_in_parts_of_so_many_values(rows: int, columns: int) -> None:
    """Each once, in order; the memory that a part takes does not grow with the number of columns."""
    every = list(range(rows))
    found = [every[part] for part in parts(rows, columns)]
    assert [row for part in found for row in part] == every
    assert all(1 <= len(part) * columns <= VALUES for part in found)


def test_the_bank_drifts_in_the_order_of_time_and_not_at_random(shared_data: Path, tmp_path: Path) -> None:
    """The last third of a campaign against its first two, and a random third against the others."""
    every = read_table(shared_data / "bank" / "bank-additional-full.csv").frame.drop("duration").gather_every(16)
    cut = every.height * 7 // 10
    for name, frame in (("time", every), ("random", every.sample(fraction=1.0, shuffle=True, seed=1))):
        train(frame[:cut], TrainOptions(target="y", missing=("unknown",))).save(tmp_path / f"{name}.json")
        told = drift_of(tmp_path / f"{name}.json", frame[cut:])
        verdicts = {row["feature"]: row["verdict"] for row in told["features"]}
        if name == "time":
            assert told["score"]["verdict"] == verdicts["euribor3m"] == verdicts["month"] == "drifted"
        else:
            assert told["score"]["verdict"] == "stable"
            assert set(verdicts.values()) == {"stable"}


def test_a_long_name_has_its_figures_below() -> None:
    """So that the table fits into 80 columns."""
    bins: list[dict[str, object]] = []
    row = {"psi": 0.1, "verdict": "too few leads", "bins": bins}
    features = [{"feature": "x" * 70, **row}, {"feature": "short", **row}]
    report = {"score": None, "features": features, "leads": 9, "version": "1.0.0", "not_counted": [], "reading": []}
    lines = drift_text(report | {"fewest_leads": 5, "warnings": []}).splitlines()
    assert "x" * 70 in lines
    assert max(map(len, lines)) <= 80

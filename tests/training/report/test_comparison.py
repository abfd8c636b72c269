"""Two models are compared on the same leads, with a warning about the one that the comparison flatters."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from past_leads import csv_of, leads, trained

from leadscoring.errors import ModelNotFound
from leadscoring.quality.figure import Figure
from leadscoring.quality.figures import measure
from leadscoring.training.evaluate import evaluate
from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions
from leadscoring.training.report.comparison import FIGURES, judged, not_compared, overlap, paired, served_model


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A model of fewer columns, in service."""
    train(leads(600, seed=8), TrainOptions(target="won", name="served", ignore=("visits",))).save(
        tmp_path / "served.json"
    )
    return tmp_path / "served.json"


def test_a_better_candidate_is_better(tmp_path: Path, served: Path) -> None:
    """On leads that neither was trained on; the figures are those of the report."""
    trained(2000).save(tmp_path / "m.json")
    report = evaluate(tmp_path / "m.json", leads(2000, seed=9), "won", compare=str(served))
    found = {one["name"]: one for one in report["comparison"]["figures"]}
    assert found["ROC-AUC"]["verdict"] == found["log-loss"]["verdict"] == "better"
    assert found["ROC-AUC"]["candidate"] == pytest.approx(report["held_out"]["roc_auc"]["value"])
    assert found["Brier score"]["candidate"] == pytest.approx(report["held_out"]["brier"]["value"])
    gain = report["held_out"]["tenths"][0]["gain"]["value"]
    assert found["conversions in the best tenth"]["candidate"] == pytest.approx(gain)
    assert report["comparison"]["model"]["name"] == "served"
    assert report["comparison"]["leads"] == 2000


def test_a_model_is_the_same_as_itself(tmp_path: Path) -> None:
    """Every figure, exactly."""
    trained().save(tmp_path / "m.json")
    said = evaluate(tmp_path / "m.json", leads(500, seed=9), "won", compare=str(tmp_path / "m.json"))["comparison"]
    assert {one["verdict"] for one in said["figures"]} == {"same"}
    assert all(one["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0} for one in said["figures"])


def test_differences_of_chance_are_seldom_called_one() -> None:
    """Two models that err alike, in different places; the interval holds the true difference of nothing."""
    verdicts = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        margin = random.normal(-1, 1.5, 600)
        y = (random.random(600) < 1 / (1 + np.exp(-margin))).astype(float)
        both = [1 / (1 + np.exp(-margin - random.normal(0, 0.5, 600))) for _ in range(2)]
        auc, loss = (judged(what, row[2]) for what, row in zip(FIGURES[:2], paired(y, *both)[:2], strict=True))
        verdicts += [auc, loss]
    assert sum(one in {"better", "worse"} for one in verdicts) <= 18
    assert "cannot tell" in verdicts


@pytest.mark.parametrize(
    ("low", "high", "more", "less"),
    [
        (0.01, 0.03, "better", "worse"),
        (-0.03, -0.01, "worse", "better"),
        (-0.03, 0.03, "cannot tell", "cannot tell"),
        (-0.0005, 0.0005, "same", "same"),
    ],
)
def test_better_is_more_of_some_figures_and_less_of_others(low: float, high: float, more: str, less: str) -> None:
    """Of the ROC-AUC more, of the log-loss less."""
    difference = Figure((low + high) / 2, low, high)
    assert (judged(FIGURES[0], difference), judged(FIGURES[1], difference)) == (more, less)


def test_figures_are_those_of_the_report() -> None:
    """Ties included."""
    random = np.random.default_rng(0)
    p = random.uniform(0.05, 0.9, 400).round(1) + 0.01
    y = (random.random(400) < p).astype(float)
    quality, (auc, loss, *_rest) = measure(y, p, resamples=2), paired(y, p, p)
    assert auc[0] == pytest.approx(quality.roc_auc.value)
    assert loss[0] == pytest.approx(quality.log_loss.value)


def test_the_model_to_be_overwritten_is_compared_with(tmp_path: Path, served: Path) -> None:
    """Without being asked for, if it is there and reads the same columns."""
    options = TrainOptions(target="won", beside=(str(tmp_path / "none.json"), str(served)))
    assert train(leads(600), options).report["comparison"]["model"]["name"] == "served"
    other = leads(600).rename({"source": "channel"})
    assert train(other, options).report["comparison"] is None
    asked = train(other, TrainOptions(target="won", compare=str(served))).report
    assert asked["comparison"] is None
    assert any(
        "not compared with served 1.0.0: the leads have no column 'source'" in words for words in asked["warnings"]
    )


def test_a_model_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    """Before anything is read; by default, what is no model is none."""
    with pytest.raises(ModelNotFound):
        train(tmp_path / "no.csv", TrainOptions(target="won", compare=str(tmp_path / "none.json")))
    (tmp_path / "text.json").write_text("no model")
    assert served_model(None, (str(tmp_path / "text.json"),)) == (None, False)


def test_whom_the_comparison_flatters_is_said(tmp_path: Path) -> None:
    """By the hash of the file and by the period of the training."""
    path = csv_of(leads(400), tmp_path / "past.csv")
    train(path, TrainOptions(target="won")).save(tmp_path / "m.json")
    again = train(path, TrainOptions(target="won", beside=(str(tmp_path / "m.json"),))).report["comparison"]
    assert again["overlap"].startswith("the served model was trained on this very file")
    days = pl.Series([f"2024-{1 + k // 28:02}-{1 + k % 28:02}" for k in range(300)])
    card = train(leads(300).with_columns(at=days), TrainOptions(target="won", time="at")).card
    assert "fair to both" in overlap(card, "", ("2025-01-01", "2025-03-01"))
    assert "flatters it" in overlap(card, "", ("2024-06-01", "2025-03-01"))
    assert "may have been trained on some" in overlap(card, "", None)
    assert "not known" in overlap(trained().card.__class__(name="a", version="1", contract=card.contract), "", None)


def test_a_file_that_does_not_fit_in_memory_is_not_compared_with_a_word(served: Path) -> None:
    """The warning names the model, and the command that compares."""
    (words,) = not_compared(served_model(None, (str(served),)))
    assert words.startswith("not compared with served 1.0.0: of leads that do not fit in memory")
    assert "leadscoring evaluate NEW LEADS --compare OLD" in words
    assert not_compared((None, False)) == []

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xgboost as xgb
from past_leads import csv_of, leads, trained

from leadscoring.errors import CardInvalid, ModelNotFound, ModelUnreadable, ModelUnsupported, TrainingDataError
from leadscoring.model.card import ATTRIBUTE
from leadscoring.training.evaluate import evaluate


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file with its card."""
    trained().save(tmp_path / "m.json")
    return tmp_path / "m.json"


def bare(path: Path, objective: str = "binary:logistic", names: bool = True) -> Path:
    """A model file without a card."""
    random = np.random.default_rng(0)
    x, y = random.random((200, 2)), random.integers(0, 2, 200)
    booster = xgb.train({"objective": objective}, xgb.DMatrix(x, y, feature_names=["a b", "c"] if names else None), 3)
    booster.save_model(path)
    return path


@pytest.mark.parametrize("name", ["m.json", "m.ubj"])
def test_figures_of_fresh_leads(tmp_path: Path, name: str) -> None:
    """JSON and UBJ, file and frame, all give the same figures, and the positive value comes from the card."""
    trained().save(tmp_path / name)
    fresh = leads(500, seed=5)
    told = evaluate(tmp_path / name, csv_of(fresh, tmp_path / "fresh.csv"), "won")
    assert told["held_out"] == evaluate(tmp_path / name, fresh, "won")["held_out"]
    assert told["data"]["positive"] == "yes"
    assert told["held_out"]["roc_auc"]["value"] > 0.7
    assert told["model"]["name"] == "made-up"


def test_a_model_without_a_card_is_measured_by_its_names(tmp_path: Path) -> None:
    """Its contract is its feature names, its calibration the logistic function."""
    random = np.random.default_rng(1)
    frame = pl.DataFrame({"c": random.random(50), "a b": random.random(50), "y": [0, 1] * 25})
    told = evaluate(bare(tmp_path / "bare.json"), frame, "y")
    data = xgb.DMatrix(frame.select("a b", "c").to_numpy(), feature_names=["a b", "c"])
    p = xgb.Booster(model_file=tmp_path / "bare.json").predict(data)
    assert told["held_out"]["brier"]["value"] == pytest.approx(float(((p - frame["y"].to_numpy()) ** 2).mean()))


def test_values_outside_the_contract_are_told(model: Path) -> None:
    """What the service would refuse is counted."""
    fresh = leads(300, seed=6).with_columns(visits=pl.when(pl.int_range(300) < 7).then(-1).otherwise(pl.col("visits")))
    assert "7 values of 'visits' are outside the contract" in evaluate(model, fresh, "won")["warnings"][0]


def test_unusable_leads_are_refused(model: Path) -> None:
    """Lacking columns and one outcome get messages of their own."""
    fresh = leads(100)
    with pytest.raises(TrainingDataError, match="lacks 'visits', which the model needs; did you mean 'visit'"):
        evaluate(model, fresh.rename({"visits": "visit"}), "won")
    with pytest.raises(TrainingDataError, match="no row has 'won' = 'yes'"):
        evaluate(model, fresh.with_columns(won=pl.lit("no")), "won")
    with pytest.raises(TrainingDataError, match="every row has 'won' = 'yes'"):
        evaluate(model, fresh.with_columns(won=pl.lit("yes")), "won")


def test_unusable_models_are_refused(tmp_path: Path) -> None:
    """A file that is no model, a model of another kind and a damaged card are told apart."""
    frame = leads(100)
    with pytest.raises(ModelNotFound):
        evaluate(tmp_path / "absent.json", frame, "won")
    (tmp_path / "text.json").write_text("no model")
    with pytest.raises(ModelUnreadable):
        evaluate(tmp_path / "text.json", frame, "won")
    with pytest.raises(ModelUnsupported, match="reg:squarederror"):
        evaluate(bare(tmp_path / "other.json", "reg:squarederror"), frame, "won")
    with pytest.raises(TrainingDataError, match="lacks 'f0', 'f1', which the model needs"):
        evaluate(bare(tmp_path / "nameless.json", names=False), frame, "won")
    booster = xgb.Booster(model_file=bare(tmp_path / "damaged.json"))
    booster.set_attr(**{ATTRIBUTE: "{}"})
    booster.save_model(tmp_path / "damaged.json")
    with pytest.raises(CardInvalid):
        evaluate(tmp_path / "damaged.json", frame, "won")

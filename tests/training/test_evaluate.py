import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xgboost as xgb
from past_leads import csv_of, leads, trained

from leadscoring.errors import (
    CardInvalid,
    ModelAltered,
    ModelNotFound,
    ModelUnreadable,
    ModelUnsupported,
    TrainingDataError,
)
from leadscoring.model.card import ATTRIBUTE
from leadscoring.model.file import Opening
from leadscoring.training.evaluate import evaluate
from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions


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


def test_what_serve_refuses_evaluate_refuses(model: Path) -> None:
    """A file that was altered after training is not measured as if it were the one that was trained."""
    document = json.loads(model.read_bytes())
    tree = document["learner"]["gradient_booster"]["model"]["trees"][-1]
    tree["split_conditions"][tree["left_children"].index(-1)] += 0.25
    model.write_text(json.dumps(document))
    with pytest.raises(ModelAltered):
        evaluate(model, leads(100), "won")


def test_what_serve_takes_evaluate_takes(tmp_path: Path) -> None:
    """Raw margins, and columns without names, which are then called f0, f1, ... as the service calls them."""
    random = np.random.default_rng(1)
    frame = pl.DataFrame({"f0": random.random(60), "f1": random.random(60), "y": [0, 1] * 30})
    for objective in ("binary:logitraw", "reg:logistic"):
        measured = evaluate(bare(tmp_path / f"{objective[:3]}.json", objective, names=False), frame, "y")
        assert measured["held_out"]["rows"] == 60


def test_the_very_leads_of_the_training_are_recognised(tmp_path: Path) -> None:
    """By the hash in the card; the warning comes first."""
    path = csv_of(leads(300), tmp_path / "past.csv")
    train(path, TrainOptions(target="won")).save(tmp_path / "m.json")
    said = evaluate(tmp_path / "m.json", path, "won")["warnings"]
    assert said[0].startswith("these are the very leads that the model was trained on")
    other = csv_of(leads(300, seed=3), tmp_path / "other.csv")
    assert not any("very leads" in warning for warning in evaluate(tmp_path / "m.json", other, "won")["warnings"])


def test_an_early_stopped_model_is_measured_as_its_owner_predicts(tmp_path: Path) -> None:
    """The rounds of a wrapped model are those of predict_proba; a native one uses all and says so."""
    random = np.random.default_rng(2)
    x = random.normal(size=(300, 2)).astype(np.float32)
    y = (x[:, 0] + random.normal(size=300) > 0).astype(int)
    frame = pl.DataFrame({"f0": x[:, 0], "f1": x[:, 1], "y": y})
    options = {"n_estimators": 60, "learning_rate": 1.0, "early_stopping_rounds": 4, "n_jobs": 1}
    owner = xgb.XGBClassifier(**options).fit(x[:200], y[:200], eval_set=[(x[200:], y[200:])], verbose=False)
    owner.save_model(tmp_path / "wrapped.json")
    booster = owner.get_booster()
    booster.set_attr(scikit_learn=None)
    booster.save_model(tmp_path / "native.json")
    brier = [float(((p - y) ** 2).mean()) for p in (owner.predict_proba(x)[:, 1], booster.predict(xgb.DMatrix(x)))]
    wrapped, native = (evaluate(tmp_path / f"{name}.json", frame, "y") for name in ("wrapped", "native"))
    assert wrapped["held_out"]["brier"]["value"] == pytest.approx(brier[0])
    assert native["held_out"]["brier"]["value"] == pytest.approx(brier[1])
    assert "training stopped early" in native["warnings"][0]
    best = evaluate(tmp_path / "native.json", frame, "y", opening=Opening(rounds="best"))
    assert best["held_out"]["brier"]["value"] == pytest.approx(brier[0])


def test_texts_for_a_category_that_only_codes_are_known_of_are_refused(tmp_path: Path) -> None:
    """Every text would be read as missing; the message says which codes there are."""
    random = np.random.default_rng(3)
    x = np.stack([random.random(200), random.integers(0, 4, 200)], axis=1)
    y = (x[:, 1] % 2).astype(int)
    data = xgb.DMatrix(x, y, feature_names=["v", "source"], feature_types=["q", "c"], enable_categorical=True)
    xgb.train({"objective": "binary:logistic"}, data, 3).save_model(tmp_path / "m.json")
    frame = pl.DataFrame({"v": x[:, 0], "source": [f"{code:.0f}" for code in x[:, 1]], "y": y})
    assert evaluate(tmp_path / "m.json", frame, "y")["held_out"]["roc_auc"]["value"] == 1.0
    with pytest.raises(TrainingDataError, match="'source' holds texts such as 'Web'"):
        evaluate(tmp_path / "m.json", frame.with_columns(source=pl.lit("Web")), "y")


def test_a_number_that_means_missing_is_missing_in_a_file(tmp_path: Path) -> None:
    """As in the service."""
    random = np.random.default_rng(4)
    x = random.random((200, 2)).round(3)
    x[random.random(x.shape) < 0.3] = -999.0
    y = (x[:, 0] > 0.4).astype(int)
    owner = xgb.XGBClassifier(n_estimators=5, missing=-999.0, n_jobs=1).fit(x, y)
    owner.save_model(tmp_path / "m.json")
    frame = pl.DataFrame({"f0": x[:, 0], "f1": x[:, 1], "y": y})
    measured = evaluate(tmp_path / "m.json", frame, "y", opening=Opening(missing=-999.0))
    expected = float(((owner.predict_proba(x)[:, 1] - y) ** 2).mean())
    assert measured["held_out"]["brier"]["value"] == pytest.approx(expected)

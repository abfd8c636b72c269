import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xgboost as xgb
from past_leads import csv_of, leads, trained

from leadscoring.errors import TrainingDataError
from leadscoring.model.card import ATTRIBUTE, read_card
from leadscoring.training import trees
from leadscoring.training.calibrate import apply
from leadscoring.training.encode import encode_table
from leadscoring.training.fit import Trained, train
from leadscoring.training.options import TrainOptions

WON = TrainOptions(target="won")


def scores(model: Trained, frame: pl.DataFrame) -> np.ndarray:
    """What a model says of raw leads."""
    contract = model.card.contract
    return apply(model.card.calibration, trees.margins_of(model.booster, contract, encode_table(contract, frame)))


@pytest.mark.parametrize("name", ["m.json", "m.ubj"])
def test_stock_xgboost_loads_the_file_and_gives_the_golden_margins(tmp_path: Path, name: str) -> None:
    """The card rides in the booster, and its golden rows hold, to the bit."""
    path = tmp_path / "new folder" / name
    trained().save(path)
    booster = xgb.Booster(model_file=path)
    card = read_card(booster.attr(ATTRIBUTE) or "")
    rows = np.array([[np.nan if v is None else v for v in g.row] for g in card.golden], dtype=np.float32)
    data = xgb.DMatrix(
        rows, feature_names=booster.feature_names, feature_types=booster.feature_types, enable_categorical=True
    )
    assert booster.predict(data, output_margin=True).tolist() == [g.margin for g in card.golden]
    assert len(rows) == 32
    assert np.isnan(rows[0]).all()
    assert [p.name for p in path.parent.iterdir()] == [name]


def test_the_card_is_whole() -> None:
    """Every part of the card is filled in and fits the others."""
    card = trained().card
    assert card.contract.names == ["visits", "source", "budget [k$] <net>", "opt in"]
    assert len(card.reference.quantiles) == 101
    for bins in card.reference.features:
        assert sum(bins.shares) + bins.missing == pytest.approx(1.0)
        assert len(bins.shares) == len(bins.edges) + 1 or not bins.edges
    assert card.training is not None
    assert (card.training.rows, card.training.target, card.training.positive) == (600, "won", "yes")
    assert set(card.quality) == {"protocol", "held_out", "out_of_fold", "recipe"}
    assert card.quality["held_out"]["rows"] == pytest.approx(120, abs=3)
    assert set(card.libraries) == {"numpy", "polars", "xgboost"}
    assert sorted(card.tiers.definitions) == ["A", "B", "C", "D", "E"]


def test_odd_column_names_are_kept_in_the_contract_only() -> None:
    """XGBoost gets names that it allows; the contract keeps the real ones, in the same order."""
    names = trained().booster.feature_names or []
    assert len(set(names)) == 4
    assert not any(set(name) & set("[]< ") for name in names)
    frame = pl.DataFrame({"a[": [1.0], "a]": [1.0], "a<": [2.0]})
    from leadscoring.contract.features import Contract, Feature

    assert trees.safe_names(Contract(tuple(Feature(name, "number") for name in frame.columns))) == [
        "a_",
        "a__2",
        "a__3",
    ]


def test_the_model_learns_what_is_there() -> None:
    """On fresh leads of the same kind it ranks well, is calibrated, and rises with visits."""
    fresh = leads(3000, seed=99)
    y = (fresh["won"] == "yes").to_numpy().astype(float)
    p = scores(trained(2000), fresh)
    from leadscoring.quality.figures import measure

    quality = measure(y, p, resamples=2)
    assert quality.roc_auc.value > 0.72
    assert quality.calibration_error.value < 0.05
    many = fresh.head(1).with_columns(visits=pl.lit(9))
    few = many.with_columns(visits=pl.lit(1))
    assert scores(trained(2000), many)[0] > scores(trained(2000), few)[0]


def test_the_same_data_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SOURCE_DATE_EPOCH, training twice writes the same file."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in ("one.json", "two.json"):
        train(leads(300), WON).save(tmp_path / name)
    content = (tmp_path / "one.json").read_bytes()
    assert content == (tmp_path / "two.json").read_bytes()
    assert "2023-11-14T22:13:20Z" in json.loads(content)["learner"]["attributes"][ATTRIBUTE]


def test_parquet_and_csv_give_the_same_model(tmp_path: Path) -> None:
    """The same leads make the same contract, trees and calibration from either kind of file."""
    frame = leads(300)
    frame.write_parquet(tmp_path / "leads.parquet")
    one = train(csv_of(frame, tmp_path / "leads.csv"), WON)
    two = train(tmp_path / "leads.parquet", WON)
    assert one.card.contract == two.card.contract
    assert one.card.calibration == two.card.calibration
    assert one.card.golden == two.card.golden
    assert one.card.name == "leads"


def test_the_held_out_figures_are_those_of_a_model_that_saw_none_of_it() -> None:
    """Outcomes that are pure noise measure as noise, though the shipped trees have seen every lead."""
    frame = leads(400).with_columns(won=pl.Series(np.random.default_rng(1).permutation(["yes", "no"] * 200)))
    held_out = train(frame, WON).card.quality["held_out"]
    assert 0.3 < held_out["roc_auc"]["value"] < 0.7


def test_ship_measured_writes_the_measured_model() -> None:
    """The very model of the figures is written, trained on four fifths."""
    model = train(leads(400), TrainOptions(target="won", ship_measured=True))
    assert model.card.training is not None
    assert model.card.training.rows == pytest.approx(320, abs=3)
    assert "this very model" in model.card.quality["protocol"]


def test_over_time_the_latest_are_held_out_and_the_calendar_is_left_out() -> None:
    """With a time column, the latest fifth is measured on, and a number that follows it stays out."""
    frame = leads(600).with_columns(
        day=pl.int_range(600),
        index=pl.int_range(600) // 60 + 0.5,
        won=pl.Series(["no"] * 480 + leads(600)["won"].to_list()[480:]),
    )
    early = frame.with_columns(won=pl.Series(leads(600)["won"].to_list()))
    model = train(early, TrainOptions(target="won", time="day"))
    assert model.card.training is not None
    assert model.card.training.period == ("0", "599")
    assert "index" not in model.card.contract.names
    assert "follows the calendar" in model.report["columns"]["dropped"]["index"]
    assert model.report["columns"]["dropped"]["day"] == "the time of the lead, as named"
    latest = (early["won"][480:] == "yes").sum()
    assert model.report["held_out"]["positives"] == latest
    with pytest.raises(TrainingDataError, match="first four fifths of the leads holds 0 conversions"):
        train(frame, TrainOptions(target="won", time="day"))


def test_rows_without_an_outcome_are_left_out_and_noted() -> None:
    """An open lead is no lost lead."""
    frame = leads(300).with_columns(won=pl.Series([None] * 20 + leads(300)["won"].to_list()[20:]))
    model = train(frame, WON)
    assert model.report["data"]["rows"] == 280
    assert "20 of 300 rows have no outcome" in model.report["notes"][0]


def test_unseen_and_rare_categories_score_alike() -> None:
    """A category that training never saw scores as the rare ones of training did."""
    frame = leads(800)
    rare = pl.Series([f"rare {k}" if k % 12 == 0 else v for k, v in enumerate(frame["source"])])
    model = train(frame.with_columns(source=rare), WON)
    assert model.card.contract.features[1].other
    lead = frame.head(1)
    one, two = (scores(model, lead.with_columns(source=pl.lit(v)))[0] for v in ("rare 12", "never seen"))
    assert one == two


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        (leads(50), WON, "50 rows with an outcome; training needs at least 60"),
        (leads(300).with_columns(won=pl.Series(["yes"] * 5 + ["no"] * 295)), WON, "5 of 300 leads converted"),
        (leads(300).with_columns(won=pl.Series(["no"] * 5 + ["yes"] * 295)), WON, "5 of 300 leads did not convert"),
        (leads(300), TrainOptions(target="wonn"), "did you mean 'won'"),
        (leads(300), TrainOptions(target="zzz"), "it holds visits, source"),
        (leads(300), TrainOptions(target="won", id="Visit"), "--id names the column 'Visit'"),
        (leads(300), TrainOptions(target="won", time="won"), "both name 'won'"),
        (leads(300), TrainOptions(target="won", missing=("vsits=0",)), "did you mean 'visits'"),
        (leads(300), TrainOptions(target="won", ignore=("*",)), "no column is left"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(frame: pl.DataFrame, options: TrainOptions, words: str) -> None:
    """Each lack has a message that says what is there and what is needed."""
    with pytest.raises(TrainingDataError, match=words):
        train(frame, options)


def test_few_leads_make_a_model_with_a_warning() -> None:
    """Sixty are enough where twenty converted; the report says how uncertain the figures are."""
    report = train(leads(60), WON).report
    assert report["data"]["positives"] >= 20
    assert any(words.startswith("there are 60 rows with an outcome, fewer than 200") for words in report["warnings"])
    assert any("are few to evaluate on: the ROC-AUC lies between" in words for words in report["warnings"])


def test_progress_goes_from_nothing_to_all() -> None:
    """The share of work that is behind never falls, and ends at 1."""
    told: list[tuple[str, float]] = []
    train(leads(250), WON, lambda stage, share: told.append((stage, share)))
    shares = [share for _, share in told]
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert max(shares) == 1.0

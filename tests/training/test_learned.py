"""What is chosen by outcomes is chosen without the leads that it is judged on, and served as it was trained."""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from raw_leads import CREATED, TARGET, raw_leads

from leadscoring.errors import TrainingDataError
from leadscoring.model.file import open_model
from leadscoring.model.loaded import encoder
from leadscoring.quality.figures import roc_auc
from leadscoring.training.derived.kind import WEIGHT
from leadscoring.training.drift import drift_of
from leadscoring.training.encode import encode_table
from leadscoring.training.evaluate import evaluate
from leadscoring.training.fit import Trained, train
from leadscoring.training.infer import Asked, infer
from leadscoring.training.learned import learn
from leadscoring.training.options import TrainOptions
from leadscoring.training.reading.missing import parse_tokens
from leadscoring.training.reading.moments import moments
from leadscoring.training.reread import reread

ROWS = 4000
OPTIONS = TrainOptions(target=TARGET, positive="true", time=CREATED, id="Lead ID", ship_measured=True)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def trained() -> Trained:
    """A model of an export, trained on the first four fifths of it."""
    return train(raw_leads(ROWS)[0], OPTIONS)


def test_a_column_of_the_name_of_one_that_training_makes_remains() -> None:
    """The file's own column is used, and the one that would have its name is not made."""
    frame = raw_leads(800)[0]
    own = frame.with_columns(pl.Series("Email group free", np.arange(800) * 7 % 50 + 0.5).cast(pl.String))
    features = {one.name: one for one in train(own, OPTIONS).card.contract.features}
    assert "Email group free" in features
    assert not any((aspect.what, aspect.of) == ("group", "free") for aspect in features["Email"].aspects)


def as_of(frame: pl.DataFrame) -> np.ndarray:
    """The moment of each lead."""
    return moments(frame[CREATED], "day-first").values


def test_an_export_as_it_is_costs_nearly_nothing_against_the_truth() -> None:
    """Dates, titles, addresses, lists and presence are read for what they say."""
    frame, p = raw_leads(ROWS)
    y = (frame[TARGET] == "true").to_numpy().astype(float)
    held = np.arange(ROWS) >= ROWS * 4 // 5
    found = trained().report["held_out"]["roc_auc"]["value"]
    assert trained().report["held_out"]["rows"] == held.sum()
    assert found > roc_auc(y[held], p[held]) - 0.02
    kinds = {one.name: one.kind for one in trained().card.contract.features}
    assert kinds == {
        "Signed Up": "date",
        "Last Visit": "date",
        "Trial End Date": "date",
        "Title": "text",
        "Email": "email",
        "Interests": "set",
        "Visits": "integer",
        "has Phone": "flag",
    }


def as_sent(value: Any, is_date: bool) -> Any:
    """A value as a caller sends it."""
    return (EPOCH + timedelta(microseconds=value)).isoformat() if is_date and value is not None else value


def test_every_lead_is_served_as_it_was_trained() -> None:
    """Texts of JSON and microseconds of training are encoded alike, bit for bit."""
    frame, card = raw_leads(ROWS)[0], trained().card
    read = reread(card.contract, card.read_as, frame)
    assert read.warnings == ()
    x = encode_table(card.contract, read.frame, as_of(frame))
    encode = encoder(card.contract).encode
    dates = [one.form.is_timed for one in card.contract.features]
    rows = read.frame.select(card.contract.names).rows()
    leads = [tuple(json.loads(json.dumps(as_sent(v, d))) for v, d in zip(row, dates, strict=True)) for row in rows]
    stamps = as_of(frame).astype(int).tolist()
    for now, of in ((0, stamps), (5, stamps)):
        served = np.asarray(encode(leads, now, of)).reshape(ROWS, -1)
        assert served.tobytes() == x.tobytes()
    one = encode(leads[:1], stamps[0], None)
    assert np.asarray(one).tobytes() == x[:1].tobytes()


def test_later_files_are_evaluated_and_compared_as_they_were_trained(tmp_path: Path) -> None:
    """Nothing has drifted, nothing is refused, and the figures hold."""
    trained().save(tmp_path / "m.json")
    assert trained().card.read_as.dated.as_of == CREATED  # as --time says
    assert trained().card.read_as.dates[CREATED] == "day-first"
    few = evaluate(tmp_path / "m.json", raw_leads(2000)[0][:60], TARGET, "true")  # no day above 12
    assert few["held_out"]["roc_auc"]["value"] > 0.75
    later = raw_leads(2000, seed=9)[0]
    found = evaluate(tmp_path / "m.json", later, TARGET, "true")
    assert found["held_out"]["roc_auc"]["value"] > 0.8
    assert found["warnings"] == []
    drift = drift_of(tmp_path / "m.json", later)
    assert {row["verdict"] for row in drift["features"]} <= {"stable", "minor"}


def test_no_address_and_no_number_of_a_person_is_in_the_file() -> None:
    """Neither in the card nor in the report."""
    for text in (trained().card.to_json(), json.dumps(trained().report)):
        assert not re.search(r"p\.erson\d|\+49|171 1", text)


def test_the_contract_of_a_fold_does_not_depend_on_its_outcomes() -> None:
    """Were all leads of a fold to convert, its columns and their values would be the same."""
    frame, _ = raw_leads(2000, seed=1)
    y = (frame[TARGET] == "true").to_numpy().astype(float)
    frame = frame.drop(TARGET, "Lead ID")
    fold = np.arange(len(y)) % 5
    moment = as_of(frame)
    inferred = infer(frame, y, {}, Asked(), parse_tokens((), frame.columns), moment)
    x = encode_table(inferred.contract, inferred.frame, moment)
    other = np.where(fold == 3, 1.0 - y, y)
    (first, one), (second, two) = (learn(inferred, x, outcome, moment, fold).view(3) for outcome in (y, other))
    assert first == second
    np.testing.assert_array_equal(one, two)
    contract, _ = learn(inferred, x, y, moment, fold).view(2)
    changed, _ = learn(inferred, x, other, moment, fold).view(2)
    assert contract != changed


def test_weights_of_noise_do_not_pass_for_signal() -> None:
    """A weight that came from the lead's own outcome would; such columns are left out."""
    random = np.random.default_rng(0)
    words = [f"w{chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(200)]
    texts = [" ".join(random.choice(words, 4)) for _ in range(2000)]
    y = (random.random(2000) < 0.3).astype(float)
    frame = pl.DataFrame({"note": texts, "n": random.normal(size=2000)})
    inferred = infer(frame, y, {}, Asked(), parse_tokens((), frame.columns))
    x = encode_table(inferred.contract, inferred.frame)
    learned = learn(inferred, x, y, None, np.arange(2000) % 5)
    aspects = [aspect for one in learned.inferred.contract.features for aspect in one.aspects]
    assert WEIGHT not in aspects
    assert len(aspects) <= 1
    if not aspects:
        assert learned.inferred.dropped["note"] == "nothing in it is related to the outcome"
    with pytest.raises(TrainingDataError, match="no column is left"):
        learn(
            infer(frame[["note"]], y, {}, Asked(), parse_tokens((), ["note"])), x[:, :0], y, None, np.arange(2000) % 5
        )


def test_a_table_without_such_columns_is_left_as_it_is() -> None:
    """Every fold has the same contract and the same matrix as before."""
    frame = pl.DataFrame({"n": np.arange(400.0) % 37, "c": ["a", "b"] * 200})
    y: np.ndarray = (np.arange(400) % 3 % 2).astype(np.float64)
    inferred = infer(frame, y, {}, Asked(), parse_tokens((), frame.columns))
    x = encode_table(inferred.contract, inferred.frame)
    learned = learn(inferred, x, y, None, np.arange(400) % 5)
    assert learned.inferred is inferred
    assert learned.x is learned.served is x
    assert learned.view(2) == (inferred.contract, x)


def test_the_file_opens_with_its_golden_rows(tmp_path: Path) -> None:
    """The engine scores several columns a feature as XGBoost does."""
    trained().save(tmp_path / "m.ubj")
    model = open_model(tmp_path / "m.ubj")
    assert model.names == tuple(trained().card.contract.names)
    assert len(model.card.golden[0].row) == len(model.card.contract.columns) > len(model.names)

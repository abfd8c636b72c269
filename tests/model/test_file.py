"""One opener: what a file says of its values counts everywhere, and what it does not say an operator can."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb
from factories import model_file, scored

from leadscoring.contract.rows import RowReader
from leadscoring.errors import ModelUnsupported, ValidationError
from leadscoring.model.file import Opening, identity_of, open_model

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(400, 3)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] + RANDOM.normal(size=400) > 0).astype(int)


@pytest.mark.parametrize("value", [-999.0, 0.0, -0.1])
@pytest.mark.parametrize("noted", [True, False])
def test_the_number_that_means_missing_is_missing(value: float, noted: bool, tmp_path: Path) -> None:
    """By the wrapper's notes of XGBoost 1.x, or as named; in leads, rows and CSV, beside null."""
    x = np.where(RANDOM.random(X.shape) < 0.2, np.float32(value), X)
    owner = xgb.XGBClassifier(n_estimators=8, missing=value, n_jobs=1).fit(x, Y)
    if noted:
        owner.get_booster().set_attr(scikit_learn=json.dumps({"missing": value, "max_depth": None}))
        owner.get_booster().save_model(tmp_path / "m.json")
    else:
        owner.save_model(tmp_path / "m.json")
    model = open_model(tmp_path / "m.json", Opening(missing=None if noted else value))
    expected = owner.predict(x[:50], output_margin=True)
    rows = [[float(cell) for cell in row] for row in x[:50]]
    names = model.names
    assert scored(model, *[dict(zip(names, row, strict=True)) for row in rows]) == expected.tolist()
    blank = [[None if np.float32(cell) == np.float32(value) else cell for cell in row] for row in rows]
    assert scored(model, *[dict(zip(names, row, strict=True)) for row in blank]) == expected.tolist()
    reader = RowReader(model.card.contract)
    assert (
        model.trees.predict(reader.csv("\n".join(",".join(map(repr, row)) for row in rows).encode()))
        == expected.tolist()
    )
    nothing = open_model(tmp_path / "m.json", Opening(missing=math.nan))
    assert nothing.card.contract.missing_value is None


def test_flags_and_whole_numbers_take_the_number_that_means_missing(tmp_path: Path) -> None:
    """Though they take no other number of the kind."""
    x = np.stack([X[:, 0] > 0, np.round(X[:, 1] * 4)], axis=1).astype(np.float32)
    data = xgb.DMatrix(x, Y, feature_names=["flag", "count"], feature_types=["i", "int"])
    xgb.train({"objective": "binary:logistic", "nthread": 1}, data, 4).save_model(tmp_path / "m.json")
    model = open_model(tmp_path / "m.json", Opening(missing=-999.0))
    assert scored(model, {"flag": -999, "count": -999}) == scored(model, {"flag": None})
    for flag, count in ((-998, 1), (2, 1), (1, 1.5)):
        with pytest.raises(ValidationError):
            model.decoder.one(json.dumps({"lead_id": "x", "features": {"flag": flag, "count": count}}).encode())


def test_a_card_knows_what_is_missing(tmp_path: Path) -> None:
    """To name it for a model with a card is refused, so that nobody believes that it counts."""
    with pytest.raises(ModelUnsupported, match="MODEL_MISSING, --missing-value"):
        open_model(model_file(tmp_path), Opening(missing=-999.0))


def test_name_and_version_are_read_from_the_head_of_a_file(tmp_path: Path) -> None:
    """Where there is a card."""
    identity = identity_of(model_file(tmp_path))
    assert identity is not None
    assert (identity.name, identity.version) == ("small", "1.2.3")

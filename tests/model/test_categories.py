"""Leads send the values of a category as they were in training, and nothing is scored by values in doubt."""

import json
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from factories import scored

from leadscoring.errors import ModelError, ValidationError
from leadscoring.model.categories import category_values
from leadscoring.model.document import Categories, Encoding
from leadscoring.model.file import model_of, open_model

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(400, 3)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] + RANDOM.normal(size=400) > 0).astype(int)
CODES = np.stack([X[:, 0], RANDOM.integers(0, 4, len(Y))], axis=1).astype(np.float32)
NAMES, TYPES = ["visits", "source"], ["float", "c"]


def categorical() -> xgb.Booster:
    """A booster with a categorical column of four values."""
    outcome = (CODES[:, 1] % 2 + RANDOM.normal(size=len(Y)) * 0.3 > 0.5).astype(int)
    data = xgb.DMatrix(CODES, outcome, feature_names=NAMES, feature_types=TYPES, enable_categorical=True)
    return xgb.train({"objective": "binary:logistic", "nthread": 1}, data, 8)


def stock(booster: xgb.Booster, rows: Any) -> list[float]:
    """The margins of rows with codes."""
    data = xgb.DMatrix(rows, feature_names=NAMES, feature_types=TYPES, enable_categorical=True)
    margins: list[float] = booster.predict(data, output_margin=True).tolist()
    return margins


def stored(values: list[Any]) -> dict[str, Any]:
    """Values as XGBoost 3.4 keeps them, in the order of their codes."""
    if not isinstance(values[0], str):
        return {"type": 15, "values": values}
    texts = [value.encode() for value in values]
    ends = [0, *np.cumsum([len(text) for text in texts]).tolist()]
    return {"offsets": ends, "values": np.frombuffer(b"".join(texts), np.int8).tolist()}


def with_values(booster: xgb.Booster, encoding: dict[str, Any], version: list[int]) -> bytes:
    """The file of a booster whose data frame had these categories."""
    document = json.loads(bytes(booster.save_raw("json")))
    document["version"] = version
    enc = [{"offsets": [], "values": []}, encoding]
    segments = [0, 0, max(len(encoding.get("offsets", encoding["values"])) - ("offsets" in encoding), 0)]
    cats = {"enc": enc, "feature_segments": segments, "sorted_idx": list(range(segments[-1]))}
    document["learner"]["gradient_booster"]["model"]["cats"] = cats
    return json.dumps(document).encode()


@pytest.mark.parametrize("values", [["Web", "Fair", "Köln", 'a "b", c'], [10, 20, 70000, -4]], ids=["texts", "numbers"])
@pytest.mark.parametrize("form", ["json", "ubj"])
def test_the_values_of_categories_are_those_of_the_file(values: list[Any], form: str, tmp_path: Path) -> None:
    """Leads send texts, or numbers where the column's categories are numbers, and get the owner's scores."""
    owner = categorical()
    data = with_values(owner, stored(values), [3, 4, 0])
    data = ubj(json.loads(data)) if form == "ubj" else data
    model = model_of(data, f"m.{form}")
    leads = [{"visits": float(visits), "source": values[int(code)]} for visits, code in CODES[:40]]
    assert scored(model, *leads) == stock(owner, CODES[:40])
    unseen = {"visits": 1.0, "source": "Radio" if isinstance(values[0], str) else 11}
    _, rows = model.decoder.one(json.dumps({"lead_id": "x", "features": unseen}).encode())
    assert rows.unseen == [(0, 1)]
    other = 3 if isinstance(values[0], str) else "Web"
    with pytest.raises(ValidationError, match="such as"):
        model.decoder.one(json.dumps({"lead_id": "x", "features": {"source": other}}).encode())


def ubj(value: Any) -> bytes:
    """A value in UBJ, the plainest way."""
    if isinstance(value, dict):
        return b"{" + b"".join(ubj(key)[1:] + ubj(item) for key, item in value.items()) + b"}"
    if isinstance(value, list):
        return b"[" + b"".join(map(ubj, value)) + b"]"
    if isinstance(value, str):
        return b"SL" + len(value.encode()).to_bytes(8, "big") + value.encode()
    return b"D" + pack(">d", value) if isinstance(value, float) else b"L" + int(value).to_bytes(8, "big", signed=True)


def test_texts_that_xgboost_cut_are_not_used() -> None:
    """Versions 3.1 to 3.3 store too few bytes of texts with letters outside ASCII: codes are safe, such texts are not."""
    values = ["Fair", "Messe Köln", "Web", "Zoo"]
    cut = {"offsets": [0, 4, 14, 17, 20], "values": stored(values)["values"][:20]}
    model = model_of(with_values(categorical(), cut, [3, 2, 0]), "m.json")
    assert model.card.contract.features[1].codes > 0
    assert "lacks the values of the category 'source'" in model.cautions[0]
    whole = model_of(with_values(categorical(), stored(values), [3, 4, 0]), "m.json")
    assert whole.card.contract.features[1].values == tuple(values)
    ascii_only = model_of(with_values(categorical(), stored(["a", "b", "c", "d"]), [3, 1, 0]), "m.json")
    assert ascii_only.card.contract.features[1].values == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ({"offsets": [0, 2, 1, 4], "values": [97] * 4}, "do not cut"),
        ({"offsets": [0, 2, 9], "values": [97] * 4}, "do not cut"),
        ({"offsets": [0, 1, 2, 3, 4], "values": [97] * 4}, "a value twice"),
        ({"offsets": [0, 1, 2], "values": [-1, 97]}, "not UTF-8"),
        ({"offsets": [0, 1], "values": [97]}, "the contract has 1"),
    ],
)
def test_values_that_contradict_themselves_are_refused(encoding: dict[str, Any], said: str) -> None:
    """Nothing is scored by categories that are in doubt."""
    with pytest.raises(ModelError, match=said):
        model_of(with_values(categorical(), encoding, [3, 4, 0]), "m.json")


def test_codes_without_values_are_whole_and_known_or_unseen(tmp_path: Path) -> None:
    """Of an older file: a text is refused with what is allowed, and a code that no tree names carries a warning."""
    booster = categorical()
    booster.save_model(tmp_path / "m.json")
    model = open_model(tmp_path / "m.json")
    known = model.card.contract.features[1].codes
    assert 1 <= known <= 4
    for wrong in ("Web", -1, 0.5, True):
        with pytest.raises(ValidationError, match="the code of a category, of which the trees know 0 to"):
            model.decoder.one(json.dumps({"lead_id": "x", "features": {"source": wrong}}).encode())
    _, rows = model.decoder.one(b'{"lead_id":"x","features":{"source":9999}}')
    assert rows.unseen == [(0, 1)]
    assert model.trees.predict(rows) == stock(booster, np.array([[np.nan, 9999.0]], np.float32))


def test_a_column_without_categories_has_no_values() -> None:
    """Nor has a file that stores none."""
    stored_ = Categories([Encoding([], []), Encoding([97, 98], [0, 1, 2]), Encoding([3, 4.5])])
    assert category_values(stored_, (3, 4, 0)) == {1: ("a", "b"), 2: (3, 4.5)}
    assert category_values(None, (3, 4, 0)) == {}

"""One opener: what a file says of its values counts everywhere, and what it does not say an operator can."""

import json
import math
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from factories import model_file

from leadscoring.contract.rows import RowReader
from leadscoring.errors import ModelError, ModelUnreadable, ModelUnsupported, ValidationError
from leadscoring.model.content import read_content
from leadscoring.model.file import Opening, identity_of, model_of, open_model
from leadscoring.model.loaded import LoadedModel

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(400, 3)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] + RANDOM.normal(size=400) > 0).astype(int)


def scored(model: LoadedModel, *leads: dict[str, Any]) -> list[float]:
    """The margins of leads as they are sent."""
    body = json.dumps([{"lead_id": "x", "features": features} for features in leads]).encode()
    _, rows = model.decoder.many(body, 1000)
    assert rows is not None
    return model.trees.predict(rows)


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


@pytest.mark.parametrize("end", [math.inf, -math.inf])
@pytest.mark.parametrize("form", ["json", "ubj"])
def test_splits_at_infinity_part_what_is_missing_from_the_rest(end: float, form: str, tmp_path: Path) -> None:
    """As training on a GPU writes them; margins and contributions are stock XGBoost's, and NaN stays refused."""
    x = np.where(RANDOM.random(X.shape) < 0.3, np.nan, X).astype(np.float32)
    booster = xgb.train({"objective": "binary:logistic", "max_depth": 4, "nthread": 1}, xgb.DMatrix(x, Y), 12)
    document = json.loads(bytes(booster.save_raw("json")))
    for number, tree in enumerate(document["learner"]["gradient_booster"]["model"]["trees"]):
        for node, left in enumerate(tree["left_children"]):
            if left >= 0 and (node + number) % 2 == 0:
                tree["split_conditions"][node] = end
    owner = xgb.Booster(model_file=bytearray(json.dumps(document).encode()))
    owner.save_model(tmp_path / f"m.{form}")
    if form == "json":
        assert b"Infinity" in (tmp_path / "m.json").read_bytes()
    trees = open_model(tmp_path / f"m.{form}").trees
    rows = np.concatenate([x[:80], np.array([[3.4e38] * 3, [-3.4028234663852886e38] * 3, [np.nan] * 3], np.float32)])
    np.testing.assert_array_equal(trees.margins(rows), owner.predict(xgb.DMatrix(rows), output_margin=True))
    np.testing.assert_allclose(
        trees.contributions(rows), owner.predict(xgb.DMatrix(rows), pred_contribs=True), rtol=0, atol=1e-5
    )


def test_name_and_version_are_read_from_the_head_of_a_file(tmp_path: Path) -> None:
    """Where there is a card."""
    identity = identity_of(model_file(tmp_path))
    assert identity is not None
    assert (identity.name, identity.version) == ("small", "1.2.3")


def test_weights_of_dart_inside_of_the_trees_count(tmp_path: Path) -> None:
    """XGBoost 3.4 writes a dart booster so, and calls it gbtree; what nobody knows yet there is refused."""
    data = xgb.DMatrix(X, Y)
    options = {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5, "nthread": 1}
    booster = xgb.train(options, data, 8)
    document = json.loads(bytes(booster.save_raw("json")))
    old = document["learner"]["gradient_booster"]
    new = {"name": "gbtree", "model": old["gbtree"]["model"] | {"weight_drop": old["weight_drop"]}}
    for gradient_booster in (old, new):
        document["learner"]["gradient_booster"] = gradient_booster
        (tmp_path / "m.json").write_text(json.dumps(document))
        margins = open_model(tmp_path / "m.json").trees.margins(X)
        np.testing.assert_array_equal(margins, booster.predict(data, output_margin=True))
    new["model"]["something_new"] = [1]
    (tmp_path / "m.json").write_text(json.dumps(document))
    with pytest.raises(ModelUnsupported, match="something_new"):
        open_model(tmp_path / "m.json")


def test_the_base_score_of_raw_margins_was_a_probability_once(tmp_path: Path) -> None:
    """Before XGBoost 1.3.1; the file names the version that trained it."""
    options = {"objective": "binary:logitraw", "base_score": 0.3, "nthread": 1}
    document = json.loads(bytes(xgb.train(options, xgb.DMatrix(X, Y), 2).save_raw("json")))
    del document["learner"]["gradient_booster"]["model"]["cats"]
    for version, margin in (([1, 3, 0], math.log(0.3 / 0.7)), ([1, 3, 1], 0.3), ([3, 2, 0], 0.3)):
        document["version"] = version
        (tmp_path / "m.json").write_text(json.dumps(document))
        assert open_model(tmp_path / "m.json").trees.base_margin == pytest.approx(margin)


def test_reading_is_bounded(tmp_path: Path) -> None:
    """A file of more than a gibibyte is refused before it is read."""
    with (tmp_path / "m.json").open("wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(ModelUnreadable, match="at most 1073741824 bytes"):
        read_content(tmp_path / "m.json")

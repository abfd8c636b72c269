"""A model that training has sealed is served as it was written, or not at all."""

import json
from pathlib import Path
from typing import Any

import pytest
import xgboost as xgb
from factories import booster, card, model_file
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.errors import ModelAltered, ModelError
from leadscoring.model.card import ATTRIBUTE, SEAL
from leadscoring.model.file import model_of, open_model
from leadscoring.training.fit import write_model


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model as training writes it."""
    path = tmp_path_factory.mktemp("sealed") / "model.json"
    model = booster().copy()
    model.set_attr(**{ATTRIBUTE: card().to_json()})
    write_model(model, path)
    return path


def test_it_is_served_whatever_has_written_it_again(sealed: Path, tmp_path: Path) -> None:
    """Stock XGBoost, as JSON or UBJ: card and trees are the same."""
    digests = {open_model(sealed).trees.digest}
    for name in ("again.json", "again.ubj"):
        xgb.Booster(model_file=sealed).save_model(tmp_path / name)
        digests.add(open_model(tmp_path / name).trees.digest)
    assert len(digests) == 1


def test_a_model_that_nobody_sealed_is_served(tmp_path: Path) -> None:
    """Its golden rows are all that can be compared."""
    model = open_model(model_file(tmp_path))
    assert SEAL not in model.trees.attributes


@given(st.data())
def test_one_digit_that_is_another_is_noticed_or_means_nothing(sealed: Path, data: st.DataObject) -> None:
    """Wherever it stands: no score, no reason and no word of the card is another."""
    content = bytearray(sealed.read_bytes())
    place = data.draw(st.sampled_from([place for place, byte in enumerate(content) if chr(byte).isdigit()]))
    other = data.draw(st.sampled_from([digit for digit in b"0123456789" if digit != content[place]]))
    whole = model_of(bytes(content), sealed)
    content[place] = other
    try:
        model = model_of(bytes(content), sealed)
    except ModelError:
        return
    assert (model.trees.digest, model.card) == (whole.trees.digest, whole.card)


def leaf(trees: list[dict[str, Any]]) -> None:
    """Moves one leaf of the last tree, where no golden row may come by."""
    tree = trees[-1]
    tree["split_conditions"][tree["left_children"].index(-1)] += 0.25


def threshold(trees: list[dict[str, Any]]) -> None:
    """Moves the first question of a tree."""
    trees[0]["split_conditions"][0] += 1e-3


def direction(trees: list[dict[str, Any]]) -> None:
    """Sends the missing the other way."""
    trees[0]["default_left"][0] = 1 - trees[0]["default_left"][0]


@pytest.mark.parametrize("change", [leaf, threshold, direction])
def test_trees_that_were_edited_are_not_served(sealed: Path, change: Any) -> None:
    """Golden rows alone would not see all of it."""
    document = json.loads(sealed.read_bytes())
    change(document["learner"]["gradient_booster"]["model"]["trees"])
    with pytest.raises(ModelAltered, match="edited, or damaged"):
        model_of(json.dumps(document).encode(), sealed)


def test_a_card_that_was_edited_is_not_served(sealed: Path) -> None:
    """Another tier for the same probability would be a silent mistake."""
    document = json.loads(sealed.read_bytes())
    attributes = document["learner"]["attributes"]
    attributes[ATTRIBUTE] = attributes[ATTRIBUTE].replace('"thresholds":[0.6,', '"thresholds":[0.5,')
    with pytest.raises(ModelAltered):
        model_of(json.dumps(document).encode(), sealed)

"""Models of every XGBoost that people have: served with the very scores that the version which made them predicts.

``make zoo`` makes the models (``keeper.py``, once for each version) and runs this; without them there is nothing to
compare with.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from project import ROOT

from leadscoring.errors import ModelUnsupported
from leadscoring.model.calibration import logistic
from leadscoring.model.file import Opening, open_model
from leadscoring.model.loaded import LoadedModel

FOLDER = Path(os.environ.get("ZOO_FOLDER", ROOT / "build" / "zoo"))

OTHER_ORDER = ("1.0.", "1.1.", "1.2.")
"""Versions that add the base score last: the last bit of their margins may be another than that of all later ones."""

WITHOUT_ROUND_SIZES = ("1.0.", "1.1.", "1.2.", "1.3.")
"""Versions whose native files do not say how many trees a round has."""

Exhibit = dict[str, Any]


def exhibits() -> list[Any]:
    """Every exhibit of every version that was made, or the one that says that there is none."""
    found = []
    for index in sorted(FOLDER.glob("*/index.json")):
        version = json.loads(index.read_text("utf-8"))
        found += [
            pytest.param(version["version"], index.parent, exhibit, id=f"{version['version']}-{exhibit['file']}")
            for exhibit in version["exhibits"]
        ]
    absent = pytest.mark.skip(reason="the models are not there: make zoo")
    return found or [pytest.param("", FOLDER, {}, marks=absent, id="none")]


def opened(folder: Path, exhibit: Exhibit) -> LoadedModel:
    """The model of an exhibit, opened as an operator would."""
    said = exhibit["opening"]
    opening = Opening(rounds=said.get("rounds", "auto"), missing=said.get("missing_value"))
    return open_model(folder / exhibit["file"], opening)


def bodies(model: LoadedModel, exhibit: Exhibit) -> bytes:
    """The leads of an exhibit as a client sends them."""
    names, features = model.names, model.card.contract.features
    flags = [feature.kind in ("flag", "integer") for feature in features]
    leads = []
    for number, values in enumerate(exhibit["leads"]):
        sent = [
            int(value) if whole and value is not None else value for whole, value in zip(flags, values, strict=True)
        ]
        leads.append({"lead_id": str(number), "features": dict(zip(names, sent, strict=True))})
    return json.dumps(leads).encode()


@pytest.mark.parametrize(("version", "folder", "exhibit"), exhibits())
def test_it_is_served_as_its_owner_predicts(version: str, folder: Path, exhibit: Exhibit) -> None:
    """Margins to the bit, from leads on the wire; probabilities and contributions within rounding."""
    if "refused" in exhibit:
        with pytest.raises(ModelUnsupported, match=exhibit["refused"]):
            open_model(folder / exhibit["file"])
        return
    if exhibit["opening"].get("rounds") == "best" and version.startswith(WITHOUT_ROUND_SIZES):
        with pytest.raises(ModelUnsupported, match="number of trees per round"):
            opened(folder, exhibit)
        return
    model = opened(folder, exhibit)
    leads, rows = model.decoder.many(bodies(model, exhibit), len(exhibit["leads"]))
    assert [lead for lead in leads if isinstance(lead, Exception)] == []
    assert rows is not None
    features = model.card.contract.features
    seen = [place for _, place in rows.unseen if not features[place].codes]  # of codes only some are known
    assert seen == []
    margins = np.array(model.trees.predict(rows))
    expected = np.array(exhibit["margins"])
    largest = np.abs(expected).max() + abs(model.trees.base_margin)
    apart = 4e-7 * largest if version.startswith(OTHER_ORDER) else 0.0
    np.testing.assert_allclose(margins, expected, rtol=0, atol=apart)
    probabilities = exhibit.get("probabilities", [])
    np.testing.assert_allclose(list(map(logistic, margins[: len(probabilities)])), probabilities, rtol=0, atol=1e-6)
    np.testing.assert_allclose(model.trees.explain(rows), exhibit["contributions"], rtol=0, atol=1e-5)


def test_every_version_has_its_exhibits() -> None:
    """A version whose models could not be made is not passed over in silence."""
    indexes = list(FOLDER.glob("*/index.json"))
    assert indexes or "ZOO_FOLDER" not in os.environ
    for index in indexes:
        version = json.loads(index.read_text("utf-8"))
        old = version["version"].startswith("0.")
        assert len(version["exhibits"]) >= (2 if old else 55), version["skipped"]

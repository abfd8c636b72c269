"""The models of the ledger: each is registered with its file, before the first of its scores."""

import hashlib
import time
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import insert, select

from leadscoring.errors import ModelUnreadable
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.tables import model
from leadscoring.model.calibration import Calibration
from leadscoring.model.card import ATTRIBUTE, TIERS, Card, Tiers, read_card
from leadscoring.model.content import read_content
from leadscoring.model.document import read_header

FOLDER = "models"
"""The folder beside the segments with the file of each model that was served, by SHA-256."""


class Scale(NamedTuple):
    """What turns the margins of a model into probabilities and tiers; ``number`` is the model's in the ledger."""

    number: int
    calibration: Calibration
    tiers: Tiers

    def of(self, margin: float) -> tuple[float, str]:
        """Returns the probability and the tier of a margin."""
        probability = self.calibration.probability(margin)
        return probability, TIERS[-self.tiers.bucket(probability)]


class Models:
    """The models of a ledger, by SHA-256. Those that it lacks are taken from the folder of a tape.

    ``name`` is for models without a card, which do not name themselves.
    """

    def __init__(self, ledger: Ledger, tape: Path, name: str = "model") -> None:
        self._ledger = ledger
        self._folder = tape / FOLDER
        self._name = name
        self._scales: dict[str, Scale] = {}

    def scale(self, sha256: str) -> Scale:
        """Returns the scale of a model; registers the model at its first score.

        Raises a ``ModelError`` if neither the ledger nor the folder has its file, and ``LedgerUnavailable``.
        """
        if (known := self._scales.get(sha256)) is not None:
            return known
        with self._ledger.reading() as connection:
            found = connection.execute(select(model.c.number, model.c.file).where(model.c.sha256 == sha256)).first()
        number, content = found if found is not None else self._registered(sha256)
        card = card_in(content)
        scale = Scale(number, *((Calibration(), Tiers()) if card is None else (card.calibration, card.tiers)))
        return self._scales.setdefault(sha256, scale)

    def _registered(self, sha256: str) -> tuple[int, bytes]:
        path = self._folder / sha256
        content = read_content(path)
        if (found := hashlib.sha256(content).hexdigest()) != sha256:
            raise ModelUnreadable(f"model file {str(path)!r} is damaged: its SHA-256 is {found[:12]}")
        card = card_in(content)
        name, version = (self._name, sha256[:12]) if card is None else (card.name, card.version)
        row = {"sha256": sha256, "name": name, "version": version, "file": content, "how": "registered"}
        until = None if card is None or card.training is None else card.training.until
        with self._ledger.writing() as connection:
            if not self._ledger.is_sqlite:
                connection.exec_driver_sql("LOCK TABLE model IN SHARE ROW EXCLUSIVE MODE")
            known = connection.execute(select(model.c.number).where(model.c.sha256 == sha256)).scalar()
            if known is None:
                added = row | {"trained_until": until, "added_at": time.time_ns() // 1000}
                known = connection.execute(insert(model).values(added).returning(model.c.number)).scalar_one()
        return int(known), content


def card_in(content: bytes) -> Card | None:
    """Returns the card in a model file, ``None`` if it has none. Raises a ``ModelError`` if the file is no model."""
    text = read_header(content).attributes.get(ATTRIBUTE)
    return None if text is None else read_card(text)

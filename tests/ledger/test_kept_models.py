"""Models are opened from the ledger, once each, and the latest few stay open."""

from pathlib import Path

import pytest
from factories import card, model_file
from ledgers import model_number, new_ledger

from leadscoring.errors import ModelNotFound
from leadscoring.ledger.kept_models import MOST, KeptModels, names_of
from leadscoring.model.file import AS_IT_IS


def test_models_are_opened_once_and_the_latest_stay_open(tmp_path: Path) -> None:
    """With the identity that the ledger has of them."""
    ledger, models = new_ledger(tmp_path), KeptModels(AS_IT_IS)
    numbers = []
    for version in range(MOST + 1):
        folder = tmp_path / str(version)
        folder.mkdir()
        numbers.append(model_number(ledger, model_file(folder, card(version=f"{version}"))))
    with ledger.reading() as connection:
        opened = [models.open(connection, number) for number in numbers]
        assert [model.card.version for model in opened] == [f"{version}" for version in range(MOST + 1)]
        assert models.open(connection, numbers[-1]) is opened[-1]
        assert models.open(connection, numbers[0]) is not opened[0]
        assert names_of(connection)[numbers[2]].version == "2"
        with pytest.raises(ModelNotFound, match="does not hold it"):
            models.open(connection, 99)

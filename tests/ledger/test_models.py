"""Models are registered once, with their files, and give the scale of their margins."""

import threading
from pathlib import Path

import pytest
from factories import card, model_file
from project import ROOT
from sqlalchemy import select
from tapes import keep_model

from leadscoring.errors import ModelNotFound, ModelUnreadable
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.models import Models
from leadscoring.ledger.tables import model
from leadscoring.model.card import Training
from leadscoring.model.file import model_of

CONTENT = (ROOT / "models" / "model.json").read_bytes()


def test_a_scale_gives_what_the_model_gives(ledger: Ledger, tmp_path: Path) -> None:
    """Probability and tier of any margin, bit by bit."""
    scale, served = Models(ledger, tmp_path).scale, model_of(CONTENT, "model")
    digest = keep_model(tmp_path, CONTENT)
    for margin in (-40.0, -3.3, -0.1, 0.0, 0.7, 2.0, 50.0):
        said = served.score(margin)
        assert scale(digest).of(margin) == (said.raw_score, said.tier)


def test_several_that_register_a_model_register_it_once(ledger: Ledger, tmp_path: Path) -> None:
    """As keepers of a fleet that starts."""
    digest, found = keep_model(tmp_path, CONTENT), []
    threads = [
        threading.Thread(target=lambda: found.append(Models(ledger, tmp_path).scale(digest).number)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.reading() as connection:
        (number,) = connection.execute(select(model.c.number)).scalars().all()
    assert found == [number] * 4


def test_a_file_that_is_gone_or_damaged_is_not_registered(ledger: Ledger, tmp_path: Path) -> None:
    """Its scores could not be computed again."""
    with pytest.raises(ModelNotFound):
        Models(ledger, tmp_path).scale("ab" * 32)
    path = tmp_path / "models" / keep_model(tmp_path, CONTENT)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelUnreadable, match="damaged"):
        Models(ledger, tmp_path).scale(path.name)


def test_until_when_a_model_was_trained_is_kept(ledger: Ledger, tmp_path: Path) -> None:
    """Leads from before do not judge it; cards of format 1 do not say."""
    until = "2026-01-31T12:00:00.000001Z"
    dated = card(training=Training(10, 3, "converted", "00", trained_until=until))
    for number, content in enumerate((CONTENT, model_file(tmp_path, dated, "dated.json").read_bytes())):
        digest = keep_model(tmp_path, content)
        Models(ledger, tmp_path).scale(digest)
        with ledger.reading() as connection:
            kept = connection.scalar(select(model.c.trained_until).where(model.c.sha256 == digest))
        assert kept == (1_769_860_800_000_001 if number else None)

"""A run finds the objections of the ledger, and everything it needs to record, or says what is wrong before it scores."""

from pathlib import Path

import factories
import pytest
from bulk_files import content, run
from ledgers import KEYS, ledger_settings, new_ledger
from sqlalchemy import func, select

from leadscoring.bulk.ledgered import opened_recording
from leadscoring.errors import LedgerUnusable
from leadscoring.ledger.database import open_ledger
from leadscoring.ledger.key_check import check_keys
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.persons import put_objection
from leadscoring.ledger.segments import BULK
from leadscoring.ledger.tables import lead, model, score
from leadscoring.model.file import open_model
from leadscoring.settings import read_settings


def test_a_run_fills_the_ledger_without_a_service(tmp_path: Path) -> None:
    """Its tables are made, every scored lead is there when the run ends, and again the next day it folds."""
    path = factories.model_file(tmp_path)
    loaded, given = open_model(path), read_settings(ledger_settings(tmp_path))
    (tmp_path / "leads.csv").write_text(content(["sound"] * 60 + ["outside"]))
    for name in ("one.csv", "two.csv"):
        with opened_recording(given, loaded, str(path), record=True) as recording:
            found = run(loaded, tmp_path / "leads.csv", tmp_path / name, record=True, recording=recording)
        assert (found.counts.recorded, found.counts.rejected) == (60, 1)
        assert not [note for note in found.notes if "wait" in note]
    ledger = open_ledger(given.ledger)
    with ledger.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(lead)) == 60
        assert connection.execute(select(func.count(), func.sum(score.c.times)).select_from(score)).one() == (60, 120)
        assert set(connection.scalars(select(score.c.flags))) == {BULK}
        assert connection.scalar(select(model.c.sha256)) == loaded.sha256
    ledger.close()


def test_objections_are_read_without_recording(tmp_path: Path) -> None:
    """They are rejects; a ledger without tables has none, and gets none."""
    path = factories.model_file(tmp_path)
    loaded, given = open_model(path), read_settings(ledger_settings(tmp_path))
    with opened_recording(given, loaded, str(path), record=False) as recording:
        assert recording.objected is None
        assert recording.recorder is None
    ledger = new_ledger(tmp_path)
    put_objection(ledger, KEYS, "lead 1", "ops")
    ledger.close()
    (tmp_path / "leads.csv").write_text(content(["sound"] * 3))
    with opened_recording(given, loaded, str(path), record=False) as recording:
        found = run(loaded, tmp_path / "leads.csv", tmp_path / "scores.csv", recording=recording)
    assert (found.counts.scored, found.counts.rejected, found.counts.recorded) == (2, 1, 0)
    assert "lead_objected: the person objected" in (tmp_path / "scores.rejects.csv").read_text()


def test_a_wrong_key_file_ends_the_run_before_it_scores(tmp_path: Path) -> None:
    """Objections would not be found by other keys."""
    path = factories.model_file(tmp_path)
    loaded, given = open_model(path), read_settings(ledger_settings(tmp_path))
    ledger = new_ledger(tmp_path)
    check_keys(ledger, LeadKeys(b"another secret"))
    ledger.close()
    for record in (False, True):
        with (
            pytest.raises(LedgerUnusable, match="LEDGER_KEY_FILE holds another secret"),
            opened_recording(given, loaded, str(path), record=record),
        ):
            pass

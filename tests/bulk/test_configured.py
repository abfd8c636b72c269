"""The environment says whether a run has to do with a ledger."""

import subprocess
import sys
from pathlib import Path

import factories
import pytest
from ledgers import ledger_settings

from leadscoring.bulk.configured import configured
from leadscoring.bulk.recording import NOTHING
from leadscoring.errors import ScoringFileError, SettingError
from leadscoring.model.file import open_model

WITHOUT = """
import sys
import leadscoring.bulk.run, leadscoring.bulk.frames, leadscoring.bulk.configured
assert not [name for name in sys.modules if name.startswith(("sqlalchemy", "alembic"))]
"""


def test_without_a_ledger_there_is_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else is set; recording is refused."""
    path = factories.model_file(tmp_path)
    model = open_model(path)
    monkeypatch.delenv("LEDGER", raising=False)
    monkeypatch.setenv("PORT", "none")
    with configured(model, path, record=False) as recording:
        assert recording is NOTHING
    with pytest.raises(ScoringFileError, match="LEDGER is empty"), configured(model, path, record=True):
        pass
    monkeypatch.setenv("LEDGER", "on")
    with pytest.raises(SettingError, match="PORT"), configured(model, path, record=False):
        pass


def test_a_ledger_is_opened_by_the_settings_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To record, the file of the model is needed."""
    path = factories.model_file(tmp_path)
    model = open_model(path)
    for name, value in ledger_settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    with configured(model, path, record=True) as recording:
        assert recording.recorder is not None
    with pytest.raises(ScoringFileError, match="by the path of its file"), configured(model, None, record=True):
        pass


def test_a_run_without_a_ledger_imports_no_database() -> None:
    """It would take memory and time."""
    subprocess.run([sys.executable, "-c", WITHOUT], check=True, timeout=120)

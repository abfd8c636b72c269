"""A machine knows by which secret its ledger took its leads."""

from pathlib import Path

import pytest

from leadscoring.errors import CannotStart
from leadscoring.ledger.known_key import is_known, known_keys, note_known
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.settings import read_settings


def test_the_last_secret_that_was_accepted_is_known(tmp_path: Path) -> None:
    """No other, and none at first."""
    one, other = LeadKeys(b"one"), LeadKeys(b"other")
    assert not is_known(tmp_path / "tape", one)
    note_known(tmp_path / "tape", one)
    assert is_known(tmp_path / "tape", one)
    assert not is_known(tmp_path / "tape", other)
    note_known(tmp_path / "tape", other)
    assert not is_known(tmp_path / "tape", one)


def test_a_key_file_that_was_lost_or_replaced_is_not_used(tmp_path: Path) -> None:
    """Nor is another one made: leads would get keys by which nobody finds them, and objections would not count."""
    path, tape = tmp_path / "key", tmp_path / "tape"
    settings = read_settings({"LEDGER": "on", "LEDGER_KEY_FILE": str(path), "LEDGER_TAPE_PATH": str(tape)})
    first = known_keys(settings)
    assert known_keys(settings).secret == first.secret
    note_known(tape, first)
    path.unlink()
    with pytest.raises(CannotStart, match="does not exist, but leads were recorded by its secret"):
        known_keys(settings)
    assert not path.exists()
    path.write_text("ab" * 32)
    with pytest.raises(CannotStart, match="holds another secret"):
        known_keys(settings)
    path.write_text(first.secret.hex())
    assert known_keys(settings).secret == first.secret

"""A machine knows by which secret its ledger took its leads."""

from pathlib import Path

from leadscoring.ledger.known_key import is_known, note_known
from leadscoring.ledger.lead_key import LeadKeys


def test_the_last_secret_that_was_accepted_is_known(tmp_path: Path) -> None:
    """No other, and none at first."""
    one, other = LeadKeys(b"one"), LeadKeys(b"other")
    assert not is_known(tmp_path / "tape", one)
    note_known(tmp_path / "tape", one)
    assert is_known(tmp_path / "tape", one)
    assert not is_known(tmp_path / "tape", other)
    note_known(tmp_path / "tape", other)
    assert not is_known(tmp_path / "tape", one)

"""Workers and keepers of every instance learn of an erasure by a file that changes."""

from pathlib import Path

from factories import lead as a_lead
from factories import model_file
from ledgers import KEYS, add_score, new_ledger

from leadscoring.ledger.erasures import latest_erasure, publish_erasures
from leadscoring.ledger.persons import erase
from leadscoring.ledger.tape import ERASED


def test_the_file_changes_with_each_erasure_alone(tmp_path: Path, url: str) -> None:
    """There is none before the first; publishing the same again leaves it as it is."""
    ledger = new_ledger(tmp_path, url)
    file = tmp_path / "tape" / ERASED
    assert publish_erasures(ledger, file.parent) == 0
    assert not file.exists()
    for name in ("ann", "bob"):
        add_score(ledger, model_file(tmp_path), a_lead(name))
    for name in ("ann", "bob"):
        before = file.read_bytes() if file.exists() else b""
        erase(ledger, KEYS, name, "ops")
        assert publish_erasures(ledger, file.parent) == latest_erasure(ledger) > 0
        assert file.read_bytes() != before
    stamp = file.stat()
    publish_erasures(ledger, file.parent)
    assert file.stat() == stamp
    ledger.close()

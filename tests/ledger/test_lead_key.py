"""A lead's key is a keyed hash of its id, by a secret that is made once and read by its owner alone."""

import stat
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import pytest

from leadscoring._engine import lead_key
from leadscoring.errors import CannotStart
from leadscoring.ledger.lead_key import LeadKeys, make_secret, open_keys
from leadscoring.settings import Settings, read_settings


def with_file(path: Path, ledger: str = "on") -> Settings:
    """Settings with this key file."""
    return read_settings({"LEDGER": ledger, "LEDGER_KEY_FILE": str(path)})


@pytest.mark.parametrize("lead_id", ["", "lead-1", "Müller & Söhne", "x" * 256, "half a pair \ud800"])
def test_a_key_is_a_keyed_hash(lead_id: str) -> None:
    """The same by the standard library and by the engine, which makes those on the tape."""
    encoded = lead_id.encode("utf-8", "surrogatepass")
    key = LeadKeys(b"secret").key(lead_id)
    assert key == blake2b(encoded, key=b"secret", digest_size=16).digest() == lead_key(b"secret", encoded)
    assert key != LeadKeys(b"another").key(lead_id)


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """And read at every later start."""
    path = tmp_path / "data" / "ledger.key"
    first = open_keys(with_file(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_keys(with_file(path)).secret == first.secret
    assert len(first.secret) == 32
    assert [left.name for left in path.parent.iterdir()] == ["ledger.key"]


def test_processes_that_start_together_use_one_secret(tmp_path: Path) -> None:
    """Whichever writes it first."""
    program = (
        "import sys; from leadscoring.settings import read_settings; from leadscoring.ledger.lead_key import open_keys;"
        "print(open_keys(read_settings({'LEDGER': 'on', 'LEDGER_KEY_FILE': sys.argv[1]})).secret.hex())"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "key")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({process.communicate(timeout=60)[0] for process in running}) == 1


def test_a_secret_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    """Not by one that is made a moment later: every key would change."""
    path = tmp_path / "key"
    make_secret(path)
    before = path.read_text()
    make_secret(path)
    assert path.read_text() == before


@pytest.mark.parametrize("content", ["", "abc", "z" * 64, "a" * 65, "ä" * 64])
def test_another_file_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    """It may be some other secret."""
    path = tmp_path / "key"
    path.write_text(content)
    with pytest.raises(CannotStart, match="must hold 64 digits") as refusal:
        open_keys(with_file(path))
    assert not content or content not in str(refusal.value)


def test_a_shared_database_needs_a_shared_file(tmp_path: Path) -> None:
    """Instances with secrets of their own would not find each other's leads."""
    path = tmp_path / "key"
    with pytest.raises(CannotStart, match="all instances that share a database need the same file"):
        open_keys(with_file(path, "postgresql://ledger.example/scores"))
    assert not path.exists()
    made = open_keys(with_file(path))
    assert open_keys(with_file(path, "postgresql://ledger.example/scores")).secret == made.secret


def test_a_file_that_cannot_be_made_is_an_error_at_the_start(tmp_path: Path) -> None:
    """With the setting, the path and why."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match=r"LEDGER_KEY_FILE .*file/key cannot be used: File exists"):
        open_keys(with_file(tmp_path / "file" / "key"))

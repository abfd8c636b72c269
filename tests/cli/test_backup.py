"""The commands that copy a ledger, put it back, keep what persons asked for, and make the secret."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from factories import lead as a_lead
from factories import model_file
from ledgers import KEYS, add_score, ledger_settings, new_ledger

from leadscoring.cli.main import main
from leadscoring.ledger.persons import erase, put_objection


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The settings of a service with a ledger in which two leads are scored."""
    ledger = new_ledger(tmp_path)
    for name in ("ann", "bob"):
        add_score(ledger, model_file(tmp_path), a_lead(name))
    ledger.close()
    return ledger_settings(tmp_path)


def run(environ: dict[str, str], *words: object) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, ["ledger", *map(str, words)], env={"LEDGER": ""} | environ)


def said(result: Result) -> str:
    """What a command printed, on one line."""
    return " ".join(result.output.split())


def test_a_copy_is_put_back_with_what_persons_asked_for_since(environ: dict[str, str], tmp_path: Path) -> None:
    """The ledger from before is kept under another name, which is reported."""
    copy = tmp_path / "copy.db"
    assert said(run(environ, "backup", copy)).startswith(f"The ledger is in {copy} (")
    ledger = new_ledger(tmp_path)
    erase(ledger, KEYS, "ann", "ops")
    put_objection(ledger, KEYS, "bob", "ops")
    ledger.close()
    assert run(environ, "restore", copy).exit_code != 0  # nobody answered
    done = run(environ, "restore", copy, "--yes")
    assert done.exit_code == 0, done.output
    assert "1 leads were erased again in it and 1 objections" in said(done)
    assert "ledger.db.before-" in said(done)


def test_rights_are_carried_from_one_ledger_to_another(environ: dict[str, str], tmp_path: Path) -> None:
    """As from the one that is left to one that was restored elsewhere."""
    file, other = tmp_path / "rights.jsonl", tmp_path / "other"
    other.mkdir()
    ledger = new_ledger(tmp_path)
    erase(ledger, KEYS, "ann", "ops")
    ledger.close()
    assert said(run(environ, "rights", "--out", file)) == f"1 erasures and objections are in {file}."
    restored = new_ledger(other)
    add_score(restored, model_file(tmp_path), a_lead("ann"))
    restored.close()
    done = run(environ, "respect", file, "--ledger", f"sqlite:///{other}/ledger.db")
    assert said(done) == "1 leads were erased again, with 1 scores and outcomes, and 0 objections noted."
    file.write_text("nothing")
    assert "holds no rights of persons" in " ".join(run(environ, "respect", file).output.split())


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    """With PostgreSQL the service does not make it by itself."""
    path = tmp_path / "keys" / "ledger.key"
    environ = {"LEDGER_KEY_FILE": str(path)}
    assert said(run(environ, "key")) == f"The secret is in {path}."
    secret = path.read_text()
    assert said(run(environ, "key")) == f"The secret is in {path} already."
    assert path.read_text() == secret
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("something else")
    refused = run(environ, "key")
    assert refused.exit_code == 1
    assert "64 digits" in refused.output


def test_what_cannot_be_done_is_said(environ: dict[str, str], tmp_path: Path) -> None:
    """Without a ledger, with a file that is no copy, and into a place where nothing can be written."""
    other = tmp_path / "other"
    other.write_text("nothing")
    assert "there is no ledger" in run({}, "backup", other).output
    assert "there is no ledger" in run({}, "restore", other, "--yes").output
    assert "it is no backup of a ledger" in " ".join(run(environ, "restore", other, "--yes").output.split())
    assert "cannot write" in run(environ, "backup", other / "copy.db").output
    assert "pg_dump" in run({"LEDGER": "postgresql://a@127.0.0.1:1/b"}, "backup", tmp_path / "x").output

"""The command that makes, lists and tries keys."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from factories import key_file

from leadscoring.cli.main import main


def run(*words: object, given: str | None = None, **environ: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, ["keys", *map(str, words)], input=given, env=environ)


def test_a_new_key_is_shown_once_with_the_entry_to_keep() -> None:
    """The entry holds its hash, not the key."""
    made = run("new", "--label", "crm", "--expires", "30", "--scopes", "score, admin", "--note", "for the CRM")
    assert made.exit_code == 0
    key, entry = made.stdout.splitlines()
    assert re.fullmatch(r"lsk_[\w-]{43}", key)
    told = json.loads(entry)
    assert (told["label"], told["scopes"], told["note"]) == ("crm", ["score", "admin"], "for the CRM")
    assert len(told["sha256"]) == 64
    assert key not in entry
    assert key != run("new", "--label", "crm").stdout.splitlines()[0]


def test_a_new_key_goes_into_the_file_and_works(tmp_path: Path) -> None:
    """With the key alone on standard output, for a program to take."""
    file = tmp_path / "keys.json"
    made = run("new", "--label", "crm", "--file", file)
    key = made.stdout.strip()
    assert key not in file.read_text()
    tried = run("check", "--file", file, given=key + "\n")
    assert (tried.exit_code, tried.output) == (0, "crm: valid, scopes score, expires never\n")
    again = run("new", "--label", "crm", "--file", file)
    assert again.exit_code == 1
    assert again.stdout == ""
    assert "has the label of entry 'crm'" in again.output


@pytest.mark.parametrize(
    "words",
    [("--label", "two words"), ("--label", "a", "--scopes", "root"), ("--label", "a", "--expires", "0"), ()],
)
def test_what_no_entry_may_hold_is_refused(words: tuple[str, ...]) -> None:
    """Before a key is made that nobody can use."""
    refused = run("new", *words)
    assert refused.exit_code == 2
    assert "lsk_" not in refused.output


def test_a_key_that_does_not_work_has_its_reason_and_exit_code(tmp_path: Path) -> None:
    """Unknown, over, without the scope, or none at all; never repeated."""
    file = key_file(tmp_path, {"label": "old", "expires": "2020-01-01"}, {"label": "crm"})
    for key, more, said in (
        ("key of none", (), "unknown-"),
        ("key of old", (), "old: key_expired"),
        ("key of crm", ("--scope", "admin"), "crm: key_scope"),
        ("", (), "no key on standard input"),
    ):
        tried = run("check", "--file", file, *more, given=key)
        assert tried.exit_code == 1
        assert said in tried.output
        assert not key or key not in tried.output


def test_the_list_shows_what_the_service_of_this_environment_knows(tmp_path: Path) -> None:
    """Label, scopes, expiry, state; from the file and from API_KEYS."""
    file = key_file(tmp_path, {"label": "old", "expires": "2020-01-01"}, {"label": "ops", "scopes": ["admin"]})
    told = run("list", API_KEYS="demo-api-key-123", API_KEYS_FILE=str(file)).output.splitlines()
    assert [line.split()[0] for line in told] == ["label", "old", "ops", "9b81ab01"]
    assert "expired" in told[1]
    assert "admin" in told[2]
    assert "public" in told[3]
    assert [entry["label"] for entry in json.loads(run("list", "--json", "--file", file).output)] == ["old", "ops"]


def test_a_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    """Exit code 1, no traceback."""
    refused = run("list", "--file", tmp_path / "none.json")
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: KeyFileInvalid: ")
    assert "Traceback" not in refused.output

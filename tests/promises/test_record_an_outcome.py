"""The program that records an outcome: it is recorded once, however often it runs, and an error is one line."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from factories import LEAD, key_file, model_file
from ledgers import add_score, ledger_settings, new_ledger
from project import ROOT
from serving import Server, serving

pytestmark = pytest.mark.integration

PROGRAM = ROOT / "docs" / "examples" / "record_an_outcome.py"
AT = "2026-02-01T10:00:00Z"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with a ledger, in which one lead is scored."""
    folder = tmp_path_factory.mktemp("recording")
    keys = key_file(folder, {"label": "crm", "scopes": ["outcomes"]})
    ledger = new_ledger(folder)
    add_score(ledger, model_file(folder), LEAD)
    ledger.close()
    settings = ledger_settings(folder) | {"API_KEYS": "", "API_KEYS_FILE": str(keys)}
    with serving(folder, model_file(folder), **settings) as running:
        yield running


def run(server: Server, *words: str, key: str = "key of crm") -> "subprocess.CompletedProcess[str]":
    """What the program does."""
    environ = os.environ | {"BASE_URL": server.url, "API_KEY": key}
    command = [sys.executable, str(PROGRAM), *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_it_says_what_became_of_the_outcome(server: Server) -> None:
    """The second time it is repeated; of a lead that was never scored it says so."""
    assert run(server, "lead-1", "won", AT).stdout == "lead-1: recorded\n"
    assert run(server, "lead-1", "won", AT).stdout == "lead-1: repeated\n"
    assert run(server, "lead-9", "lost").stdout == "lead-9: recorded, but this lead was never scored here\n"


def test_an_error_is_one_line(server: Server) -> None:
    """And the exit code is 1; without words it says how it is used."""
    ran = run(server, "lead-1", "sold", AT)
    assert (ran.returncode, ran.stderr) == (1, "outcome must be won, lost or open, not 'sold'\n")
    assert "the API key is unknown" in run(server, "lead-1", "won", AT, key="x").stderr
    assert "LEAD won|lost|open" in run(server).stderr

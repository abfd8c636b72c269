"""The commands about one lead: show, export, object and erase."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from factories import card, lead, model_file
from ledgers import DAY, KEYS, NEW_YEAR, add_score, bytes_in, ledger_settings, new_ledger
from sqlalchemy import select

from leadscoring.cli.main import main
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.outcome import Outcome
from leadscoring.ledger.outcomes import record
from leadscoring.ledger.tables import act


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger with one lead."""
    for name, value in ledger_settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    made = new_ledger(tmp_path)
    (tmp_path / "other").mkdir()
    other = model_file(tmp_path / "other", card(version="2.0.0"))
    add_score(made, model_file(tmp_path), lead("ann"), NEW_YEAR)
    add_score(made, model_file(tmp_path), lead("ann", visits=0, source=...), NEW_YEAR + DAY)
    add_score(made, other, lead("ann", visits=0, source=...), NEW_YEAR + 2 * DAY)
    record(made, KEYS, [Outcome("ann", "won", NEW_YEAR + 9 * DAY), Outcome("ann", "lost", NEW_YEAR + 8 * DAY)], "crm")
    return made


def run(*words: str, answer: str = "") -> tuple[int, str]:
    """The exit code and output of a command."""
    ended = CliRunner().invoke(main, ["lead", *words], input=answer)
    return ended.exit_code, ended.output


def test_a_lead_is_shown_with_what_changed_its_score(ledger: Ledger) -> None:
    """And its outcomes, the nearest tier, and a change of the model as a line of its own."""
    code, said = run("show", "ann")
    plain = " ".join(said.split())
    assert code == 0
    for words in ("lead ann", "next tier", "first score, model 1.2.3", "visits 3 to 0", "model 1.2.3 to 2.0.0",
                  "they contradict each other", "from crm counts"):  # fmt: skip
        assert words in plain, plain
    assert json.loads(run("show", "ann", "--json")[1])["outcome"] == "won"


def test_all_that_is_kept_is_exported(ledger: Ledger, tmp_path: Path) -> None:
    """To a file, or to standard output: the same."""
    out = tmp_path / "ann.json"
    assert run("export", "ann", "--out", str(out))[0] == 0
    said = json.loads(out.read_text("utf-8"))
    assert (len(said["scores"]), len(said["outcomes"]), said["earlier_scores"]) == (3, 2, 0)
    assert json.loads(run("export", "ann")[1]) == said


def test_an_objection_is_noted_and_taken_back(ledger: Ledger, tmp_path: Path) -> None:
    """The file that workers follow has the lead's key, and no more once it is taken back."""
    assert run("object", "bob") == (0, "the lead 'bob' is not scored any more\n")
    assert (tmp_path / "tape" / "objected").read_bytes() == KEYS.key("bob")
    assert "objected to scoring at" in run("show", "bob")[1]
    assert run("object", "bob", "--withdraw") == (0, "the lead 'bob' is scored again\n")
    assert (tmp_path / "tape" / "objected").read_bytes() == b""
    with ledger.reading() as connection:
        assert list(connection.scalars(select(act.c.act))) == ["object", "withdraw"]
        assert all(name.startswith("leadscoring (") for name in connection.scalars(select(act.c.actor)))


def test_a_lead_is_erased_once_it_is_confirmed(ledger: Ledger, tmp_path: Path) -> None:
    """Without a yes nothing happens."""
    code, _ = run("erase", "ann", answer="n\n")
    assert code == 130
    assert run("show", "ann")[0] == 0
    assert bytes_in(tmp_path, f"request-{NEW_YEAR}".encode())
    assert run("erase", "ann", "--yes") == (0, "erased 3 scores and 2 outcomes of the lead 'ann'\n")
    assert bytes_in(tmp_path, f"request-{NEW_YEAR}".encode()) == []
    code, said = run("show", "ann")
    assert (code, "neither a score nor an outcome" in said) == (1, True)

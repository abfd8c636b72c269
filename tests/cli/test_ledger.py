"""The command that checks, migrates and exports the ledger."""

import csv
import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from project import ROOT
from tapes import Segment, keep_model, key_of

from leadscoring.cli.main import main
from leadscoring.ledger.database import open_ledger
from leadscoring.ledger.keeper import Keeper
from leadscoring.ledger.schema import migrate

NOON = 1_780_000_000_000_000


def run(*words: object, **environ: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, ["ledger", *map(str, words)], env={"LEDGER": ""} | environ)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of a ledger with two scores."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger = open_ledger(url)
    migrate(ledger)
    digest = keep_model(tmp_path / "tape", (ROOT / "models" / "model.json").read_bytes())
    tape = Segment(tmp_path / "tape", (digest,))
    tape.write(NOON, "a", (1.0,), 0.5, plain=True)
    tape.write(NOON + 1, None, (2.0,), 0.5, request="r")
    Keeper(ledger, tmp_path / "tape").move()
    tape.close()
    ledger.close()
    return url


def test_check_counts_what_is_there(url: str) -> None:
    """For people and for programs."""
    said = run("check", "--ledger", url)
    assert said.exit_code == 0, said.output
    assert "newest: 1" in said.output
    counted = json.loads(run("check", "--json", LEDGER=url).output)
    assert (counted["version"], counted["score"], counted["lead"], counted["outcome"]) == ("1", 2, 1, 0)


def test_migrate_makes_the_tables_once(tmp_path: Path) -> None:
    """Before, the check fails, and says what to do."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    checked = run("check", "--ledger", url)
    assert checked.exit_code == 1
    assert "ledger migrate" in checked.output
    assert run("migrate", "--ledger", url).output == "The tables had no version, and now have 1.\n"
    assert run("migrate", "--ledger", url).output == "The tables have version 1 already.\n"
    assert run("check", "--ledger", url).exit_code == 0


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_scores_are_exported(url: str, tmp_path: Path, suffix: str) -> None:
    """With the lead's key and the model's digest in place of numbers, in each format."""
    out = tmp_path / f"scores.{suffix}"
    said = run("export", "scores", "--out", out, "--ledger", url)
    assert said.exit_code == 0, said.output
    assert "2 scores" in said.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600  # it holds personal data
    if suffix == "parquet":
        polars = pytest.importorskip("polars")
        rows = polars.read_parquet(out).to_dicts()
        assert rows[0]["row"] == b"\0\0\x80\x3f"
        assert rows[0]["first_at"].isoformat() == "2026-05-28T20:26:40+00:00"
        return
    text = out.read_text()
    rows = (
        list(csv.DictReader(text.splitlines())) if suffix == "csv" else [json.loads(line) for line in text.splitlines()]
    )
    assert [row["lead"] or None for row in rows] == [key_of("a").hex(), None]
    assert [row["lead_id"] or None for row in rows] == ["a", None]
    assert rows[0]["row"] == "0000803f"
    assert rows[1]["request"] == "r"
    assert len(rows[0]["model"]) == 64


def test_an_export_of_nothing_has_no_rows(url: str, tmp_path: Path) -> None:
    """And is no failure."""
    for name in ("outcomes.csv", "acts.parquet", "acts.jsonl"):
        said = run("export", name.partition(".")[0], "--out", tmp_path / name, "--ledger", url)
        assert said.exit_code == 0, said.output


def test_without_a_ledger_the_command_says_how_to_name_one() -> None:
    """It makes none by chance."""
    said = run("check")
    assert said.exit_code == 2
    assert "set LEDGER" in said.output


def test_a_ledger_that_cannot_be_opened_has_its_reason() -> None:
    """In one line."""
    said = run("check", "--ledger", "postgresql://me:secret@127.0.0.1:1/db")
    assert said.exit_code == 1
    assert "LedgerUnavailable" in said.output
    assert "secret" not in said.output

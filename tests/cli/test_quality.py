"""``leadscoring quality`` says in a few lines whether scores keep their word."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from live_ledger import HORIZON, empty, filled

from leadscoring.cli.main import main
from leadscoring.ledger.database import open_ledger
from leadscoring.quality.published import published
from leadscoring.quality.reported import latest


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A ledger in which the odds fell."""
    path = tmp_path_factory.mktemp("quality") / "ledger.db"
    filled(path, odds=0.3, changes_after=60).close()
    return f"sqlite:///{path}"


@pytest.fixture
def runner(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A command line with the settings of the service."""
    monkeypatch.setenv("LEDGER", url)
    monkeypatch.setenv("OUTCOME_DAYS", str(HORIZON))
    monkeypatch.setenv("LEDGER_TAPE_PATH", str(tmp_path / "tape"))
    return CliRunner()


def test_the_summary_says_what_decides(runner: CliRunner) -> None:
    """What is wrong, since when, and on how many leads."""
    result = runner.invoke(main, ["quality", "--at", "2026-05-31"])
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert "Conversions are fewer than predicted" in words
    assert "4,500 judged by their first score, 3,600 of them mature" in words
    assert "alarm since 2026-03-" in words


def test_the_page_and_the_data_are_written(runner: CliRunner, tmp_path: Path) -> None:
    """Into a folder of one's own, with the same content as JSON prints."""
    result = runner.invoke(main, ["quality", "--at", "2026-05-31", "--report", str(tmp_path / "new"), "--json"])
    assert json.loads(result.output) == json.loads((tmp_path / "new" / "live.json").read_text())
    assert "<!doctype html>" in (tmp_path / "new" / "live.html").read_text()


def test_a_report_is_kept_on_demand(runner: CliRunner, url: str, tmp_path: Path) -> None:
    """For the service to show, and its figures for monitoring."""
    runner.invoke(main, ["quality", "--at", "2026-03-01", "--keep"])
    ledger = open_ledger(url)
    kept = latest(ledger)
    ledger.close()
    assert kept is not None
    assert kept.at == "2026-03-01T00:00:00Z"
    assert published(tmp_path / "tape").observed == kept.observed


def test_without_a_ledger_the_command_says_what_to_set(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or which setting is wrong."""
    monkeypatch.setenv("LEDGER", "off")
    assert "LEDGER is off" in runner.invoke(main, ["quality"]).output
    monkeypatch.setenv("OUTCOME_DAYS", "none")
    result = runner.invoke(main, ["quality"])
    assert (result.exit_code, "OUTCOME_DAYS" in result.output) == (1, True)


def test_an_empty_ledger_is_no_error(tmp_path: Path, runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no verdict yet."""
    empty(tmp_path / "empty.db", 0).close()
    monkeypatch.setenv("LEDGER", f"sqlite:///{tmp_path / 'empty.db'}")
    assert "Too few mature leads" in runner.invoke(main, ["quality"]).output

"""The command that recomputes scores: exit code 0 if every bit is the same, 1 at the first that differs."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from factories import lead, model_file
from ledgers import DAY, NEW_YEAR, add_score, ledger_settings, new_ledger
from sqlalchemy import update

from leadscoring.cli.main import main
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.tables import score


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger with three scores."""
    for name, value in ledger_settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    made = new_ledger(tmp_path)
    for number in range(3):
        add_score(made, model_file(tmp_path), lead(f"lead-{number % 2}", visits=number), NEW_YEAR + number * DAY)
    return made


def run(*words: str) -> tuple[int, str]:
    """The exit code and output of a command."""
    ended = CliRunner().invoke(main, ["replay", *words])
    return ended.exit_code, " ".join(ended.output.split())


def test_scores_are_recomputed(ledger: Ledger) -> None:
    """All of them, those of a lead, or those of a day."""
    assert run() == (0, "0:00 recomputing 3 scores recomputed: every bit is the same")
    assert "2 scores recomputed" in run("--lead", "lead-0")[1]
    assert "1 scores recomputed" in run("--day", "2026-01-02")[1]


def test_the_first_bit_that_differs_ends_it_with_1(ledger: Ledger) -> None:
    """With the score in words; another lead is not concerned."""
    with ledger.writing() as connection:
        connection.execute(update(score).where(score.c.number == 2).values(margin=score.c.margin + 2**-30))
    code, said = run()
    assert code == 1
    assert "Error: score 2 of small 1.2.3: margin is kept as" in said
    assert run("--lead", "lead-0")[0] == 0
    assert run("--lead", "lead-1")[0] == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--lead", "nobody"), 1, "neither a score nor an outcome of the lead 'nobody'"),
        (("--share", "0"), 2, "--share"),
        (("--day", "yesterday"), 2, "--day"),
    ],
)
def test_wrong_usage_is_in_words(ledger: Ledger, words: tuple[str, ...], code: int, said: str) -> None:
    """With the exit codes of all commands."""
    found = run(*words)
    assert found[0] == code
    assert said in found[1]

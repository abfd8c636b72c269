"""The commands that record outcomes from a file and check them: every row is accounted for."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from factories import lead, model_file
from ledgers import KEYS, NEW_YEAR, add_score, ledger_settings, new_ledger
from sqlalchemy import select

from leadscoring.cli.main import main
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.outcome import Outcome
from leadscoring.ledger.outcomes import record
from leadscoring.ledger.tables import outcome

COLUMNS = ("--id", "Id", "--outcome", "Stage", "--at", "Closed")


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """An empty ledger, which the settings name."""
    for name, value in ledger_settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    return new_ledger(tmp_path)


def run(*words: str | Path) -> Result:
    """A command that has ended."""
    return CliRunner().invoke(main, [str(word) for word in words])


def kept(ledger: Ledger) -> list[tuple[str, str, float | None]]:
    """The outcomes of the ledger: kind, time and value."""
    with ledger.reading() as connection:
        rows = connection.execute(select(outcome).order_by(outcome.c.number)).all()
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    return [(row.kind, (zero + timedelta(microseconds=row.occurred_at)).isoformat(), row.value) for row in rows]


def test_every_row_is_recorded_or_repeated_or_rejected_with_its_line(ledger: Ledger, tmp_path: Path) -> None:
    """Words and dates as CRMs write them; what is rejected says why, and the exit code is 3."""
    add_score(ledger, model_file(tmp_path), lead("1"), NEW_YEAR)
    file = tmp_path / "deals.csv"
    file.write_text(
        "Id;Stage;Closed;Amount\n1;Closed Won;31.01.2026 10:30;1200,5\n2;Closed Lost - price;2026-02-01T00:00:00+02:00;\n"
        "3;Negotiation;1.2.2026;\n;Closed Won;1.2.2026;\n4;;1.2.2026;\n5;Tea;1.2.2026;\n6;Won;soon;\n7;Won;1.2.2999;\n"
        "1;Closed Won;31.01.2026 10:30;1200,5\n1;Won;31.01.2026 10:30;7\n"
    )
    done = run("outcomes", "add", file, *COLUMNS, "--value", "Amount")
    assert done.exit_code == 3, done.output
    assert "10 rows: 3 recorded, 1 repeated, 6 rejected" in done.output
    assert "2 of them are of leads that the ledger has no score of" in done.output
    for said in (
        "line 5: the id is missing", "line 6: the outcome is missing", "line 7: the outcome 'Tea' is neither won",
        "line 8: the time 'soon' is not a date", "line 9: the time '1.2.2999' is more than a day ahead",
        "line 11: an outcome of this lead with the same outcome and at was recorded before",
    ):  # fmt: skip
        assert said in " ".join(done.output.split()), done.output
    assert [row[0] for row in kept(ledger)] == ["won", "lost", "open"]
    assert kept(ledger)[1][1] == "2026-01-31T22:00:00+00:00"
    again = run("outcomes", "add", file, *COLUMNS, "--value", "Amount", "--fail-on-rejects")
    assert again.exit_code == 1
    assert "10 rows: 0 recorded, 4 repeated, 6 rejected" in again.output
    assert len(kept(ledger)) == 3


def test_words_of_ones_own_are_named_and_rejects_go_to_a_file(ledger: Ledger, tmp_path: Path) -> None:
    """Of Parquet too, whose rows have no lines."""
    file, out = tmp_path / "deals.parquet", tmp_path / "rejects.csv"
    at = datetime(2026, 2, 1, tzinfo=UTC)
    pl.DataFrame({"Id": [1, 2, 3], "Stage": ["Tea", "coffee", "x"], "Closed": [at, at, at]}).write_parquet(file)
    done = run("outcomes", "add", file, *COLUMNS, "--won", "tea,Milk", "--lost", "Coffee", "--rejects", out)
    assert done.exit_code == 3, done.output
    assert [row[0] for row in kept(ledger)] == ["won", "lost"]
    assert "without a zone" not in done.output
    assert (
        out.read_text()
        == "place,reason\nrow 3,\"the outcome 'x' is neither won, lost nor open: --won or --lost can name it\"\n"
    )
    with ledger.reading() as connection:
        assert connection.scalar(select(outcome.c.source).limit(1)) == "leadscoring outcomes add deals.parquet"
    assert record(ledger, KEYS, [Outcome("1", "won", 1769904000000000)], "crm")[0].status == "repeated"  # type: ignore[union-attr]  # a place


def test_dates_that_can_be_read_in_two_ways_are_refused(ledger: Ledger, tmp_path: Path) -> None:
    """Since what is recorded is never changed; an option says which."""
    file = tmp_path / "deals.csv"
    file.write_text("Id,Stage,Closed\n1,Won,3/4/2026\n")
    done = run("outcomes", "add", file, *COLUMNS)
    assert done.exit_code == 1
    assert "--dates day-first or --dates month-first" in " ".join(done.output.split())
    assert kept(ledger) == []
    done = run("outcomes", "add", file, *COLUMNS, "--dates", "day-first")
    assert (done.exit_code, kept(ledger)) == (0, [("won", "2026-04-03T00:00:00+00:00", None)])
    assert "note: times without a zone are read as UTC" in done.output


def test_events_make_corrections_possible(ledger: Ledger, tmp_path: Path) -> None:
    """The same event with other content is rejected, and not recorded."""
    file = tmp_path / "deals.csv"
    file.write_text("Id,Stage,Closed,Deal\n1,Won,2026-02-01,d1\n1,Won,2026-02-01,d2\n1,Lost,2026-02-01,d1\n")
    done = run("outcomes", "add", file, *COLUMNS, "--event", "Deal")
    assert done.exit_code == 3
    assert "line 4: the id 'd1' was recorded before with other values of outcome" in " ".join(done.output.split())
    assert len(kept(ledger)) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("outcomes", "add", "absent.csv", *COLUMNS), "absent.csv"),
        (("outcomes", "add", "deals.csv", *COLUMNS[:-1], "Never"), "--at names the column 'Never'"),
        (("outcomes", "add", "deals.csv", *COLUMNS[:-1], "Id"), "is not a date"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    """In words, and nothing is recorded."""
    monkeypatch.chdir(tmp_path)
    Path("deals.csv").write_text("Id,Stage,Closed\n1,Won,2026-02-01\n")
    done = run(*words)
    assert done.exit_code in (1, 3)
    assert said in " ".join(done.output.split())
    assert kept(ledger) == []


def test_without_a_ledger_the_commands_say_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All of those that need one."""
    monkeypatch.delenv("LEDGER", raising=False)
    (tmp_path / "x.csv").write_text("Id,Stage,Closed\n1,Won,2026-02-01\n")
    for words in (
        ("outcomes", "add", tmp_path / "x.csv", *COLUMNS),
        ("outcomes", "check"),
        ("replay",),
        ("lead", "show", "1"),
    ):
        done = run(*words)
        assert (done.exit_code, "LEDGER is empty" in done.output) == (1, True)


def test_the_check_shows_what_is_wrong_and_how_late_outcomes_come(ledger: Ledger, tmp_path: Path) -> None:
    """For people, and for programs."""
    day = 86_400_000_000
    for number in range(10):
        add_score(ledger, model_file(tmp_path), lead(f"{number}"), NEW_YEAR)
    sent = [Outcome(f"{number}", "won", NEW_YEAR + (number + 1) * day) for number in range(10)]
    sent += [Outcome("0", "lost", NEW_YEAR + 30 * day), Outcome("nobody", "lost", NEW_YEAR)]
    record(ledger, KEYS, sent, "crm")
    said = " ".join(run("outcomes", "check").output.split())
    assert "12 outcomes of 11 leads: 9 won, 2 lost, 0 open" in said
    assert "1 leads with an outcome were never scored here" in said
    assert "1 leads were won and lost" in said
    assert "50 of 100 within 7.0" in said
    facts = json.loads(run("outcomes", "check", "--json").output)
    assert (facts["contradictions"], facts["unmatched"], facts["delays"]["100"]) == (1, 1, 30.0)

"""The service reports what the keeper of its ledger has written."""

import time
from pathlib import Path

from leadscoring.api.ledger_report import LedgerReport, problems_of
from leadscoring.ledger.state import KeeperState, write_state
from leadscoring.telemetry.metrics import Metrics


def test_without_a_ledger_there_is_nothing_to_report() -> None:
    """And no problem."""
    report = LedgerReport(None)
    assert report.section() is None
    assert problems_of(None) == []


def test_a_database_that_is_down_is_a_problem(tmp_path: Path) -> None:
    """In the status and in the metrics."""
    path = tmp_path / "keeper.json"
    state = KeeperState(
        condition="down", reason="why", moved=7, lag_seconds=3.25, last_moved_at=1.5, reported_at=time.monotonic()
    )
    write_state(path, state)
    report = LedgerReport(path)
    section = report.section()
    assert section is not None
    assert (section.state, section.reason, section.moved, section.lag_seconds) == ("down", "why", 7, 3.25)
    assert section.last_moved == "1970-01-01T00:00:01.500Z"
    assert problems_of(section) == ["the ledger's database does not answer: scores wait on the tape"]
    metrics = Metrics((), "local")
    report.count(metrics)
    exposed = metrics.exposition().decode()
    for line in ("ledger_down 1.0", "ledger_lag_seconds 3.25", "ledger_moved_leads_total 7.0"):
        assert f"\n{line}\n" in exposed


def test_a_keeper_that_starts_or_works_is_no_problem(tmp_path: Path) -> None:
    """As after a start."""
    path = tmp_path / "keeper.json"
    assert problems_of(LedgerReport(path).section()) == []
    write_state(path, KeeperState(condition="healthy", reported_at=time.monotonic()))
    assert problems_of(LedgerReport(path).section()) == []

"""The state of the keeper is written whole, and read by workers."""

import time
from pathlib import Path

from msgspec.structs import replace

from leadscoring.ledger.state import SILENT_SECONDS, KeeperState, read_state, write_state


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Every field."""
    state = KeeperState(condition="down", reason="why", moved=3, lag_seconds=1.5, reported_at=time.monotonic())
    write_state(tmp_path / "state", state)
    assert read_state(tmp_path / "state") == state


def test_a_keeper_that_reports_no_more_is_silent(tmp_path: Path) -> None:
    """Its counts stay as they were."""
    state = KeeperState(condition="healthy", moved=3, reported_at=time.monotonic() - SILENT_SECONDS - 1)
    write_state(tmp_path / "state", state)
    found = read_state(tmp_path / "state")
    assert found.condition == "silent"
    assert replace(found, condition="healthy", reason="") == state


def test_before_its_first_report_it_starts(tmp_path: Path) -> None:
    """Nothing is known of it."""
    assert read_state(tmp_path / "state").condition == "starting"

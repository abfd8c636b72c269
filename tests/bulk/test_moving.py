"""While a command runs, it moves the tape itself, unless another process does."""

import threading
from pathlib import Path

import factories
import pytest
from ledgers import KEYS, new_ledger
from serving import eventually
from sqlalchemy import func, select
from tapes import Segment, keep_model

from leadscoring.bulk import moving as module
from leadscoring.bulk.moving import Moving
from leadscoring.ledger.keeping import Kept
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.state import KeeperState
from leadscoring.ledger.tables import score
from leadscoring.ledger.turn import turn


def test_what_is_on_the_tape_is_moved(tmp_path: Path) -> None:
    """And the segment removed."""
    ledger = new_ledger(tmp_path)
    segment = Segment(tmp_path / "tape", (keep_model(tmp_path / "tape", factories.model_file(tmp_path).read_bytes()),))
    segment.write(1_767_225_600_000_000, "ann", (1.0,) * 7)
    segment.close()
    with Moving(Kept(f"sqlite:///{tmp_path}/ledger.db", tmp_path / "tape", 1 << 20, keys=KEYS)) as moving:
        assert eventually(lambda: not segment.path.exists())
        assert not moving.is_down
    with ledger.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(score)) == 1
    ledger.close()


def test_the_keeper_of_a_service_is_left_to_it(tmp_path: Path) -> None:
    """A command that ends meanwhile does not wait for its turn."""
    new_ledger(tmp_path).close()
    with turn(tmp_path / "tape", threading.Event()) as mine:
        assert mine
        with Moving(Kept(f"sqlite:///{tmp_path}/ledger.db", tmp_path / "tape", 730, keys=KEYS)) as moving:
            assert not moving.is_down
            assert "moves nothing" in moving.why


def test_a_ledger_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    """With its reason, to whoever waits."""
    new_ledger(tmp_path).close()
    url = f"sqlite:///{tmp_path}/ledger.db"
    with Moving(Kept(url, tmp_path / "tape", 730, keys=KEYS)) as first:
        assert eventually(lambda: first._state.condition == "healthy")  # it has checked its keys
    with Moving(Kept(url, tmp_path / "tape", 730, keys=LeadKeys(b"other"))) as moving:
        assert eventually(lambda: moving.is_down)
        assert "another secret" in moving.why


def test_a_database_that_is_down_may_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SQLite that others keep busy for a moment ends no run; one that stays away is reported."""
    moving = Moving(Kept(f"sqlite:///{tmp_path}/ledger.db", tmp_path / "tape", 730, keys=KEYS))
    now = 1000.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    down, healthy = KeeperState(condition="down"), KeeperState(condition="healthy")
    for seconds, state, expected in ((0, down, False), (9, down, False), (2, down, True), (1, healthy, False)):
        now += seconds
        moving._report(state)
        assert moving.is_down is expected

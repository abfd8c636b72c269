"""The keeper's work: whatever else it does, scores are moved, and it ends when it is asked to."""

import threading
from pathlib import Path

from project import ROOT
from serving import eventually
from sqlalchemy import func, select
from tapes import Segment, keep_model

from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.keeping import Keeping, Kept
from leadscoring.ledger.state import KeeperState
from leadscoring.ledger.tables import score

CONTENT = (ROOT / "models" / "model.json").read_bytes()
NOON = 1_780_000_000_000_000
DEADLINE = 60.0


def test_live_quality_holds_neither_scores_nor_the_end_up(tmp_path: Path) -> None:
    """It may take minutes; what was scored is moved meanwhile, and the keeper ends within its patience."""
    folder, url = tmp_path / "tape", f"sqlite:///{tmp_path}/ledger.db"
    keep_model(folder, CONTENT)
    began, goes_on, stopping = threading.Event(), threading.Event(), threading.Event()

    def tend(_ledger: Ledger) -> None:
        began.set()
        goes_on.wait()

    keeping = Keeping(Kept(url, folder, 730), stopping, ignore, tend=tend)
    keeper = threading.Thread(target=keeping.run, daemon=True)
    keeper.start()
    try:
        assert began.wait(DEADLINE)
        segment = Segment(folder, (next((folder / "models").iterdir()).name,))
        segment.write(NOON, "a lead")
        segment.close()
        assert eventually(lambda: scores(url) == 1)
        assert keeping.tends
        stopping.set()
        keeper.join(DEADLINE)
        assert not keeper.is_alive()
        assert keeping.tends
    finally:
        goes_on.set()
    assert eventually(lambda: not keeping.tends)


def ignore(_state: KeeperState) -> None:
    """Nobody asks for the state."""


def scores(url: str) -> int:
    """The number of scores in a ledger."""
    ledger = open_ledger(url)
    try:
        with ledger.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(score)).scalar_one())
    finally:
        ledger.close()

"""Keepers are killed at random moments: nothing of the tape is lost, and nothing is moved twice."""

import os
import random
import time
from collections import Counter
from pathlib import Path

from keepers import keeper, move_all
from project import ROOT
from sqlalchemy import func, select
from tapes import Segment, keep_model, key_of

from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.segments import segments_in
from leadscoring.ledger.tables import lead, score, segment

KILLS = int(os.environ.get("KEEPER_KILLS", "12"))
"""More of them by ``make keeper-kills``."""

NOON = 1_780_000_000_000_000
LONGEST_LIFE = 0.8


class Writer:
    """Writes leads, some of them the same as before, to segments that end now and then."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self._digest = keep_model(folder, (ROOT / "models" / "model.json").read_bytes())
        self._folder = folder
        self._segment = Segment(folder, (self._digest,), "worker")
        self.written: Counter[bytes] = Counter()

    def write(self, leads: int) -> None:
        """Appends scores."""
        for _ in range(leads):
            name = f"lead {self._random.randrange(200)}"
            self.written[key_of(name)] += 1
            self._segment.write(NOON + self.written.total(), name, (float(self._random.randrange(2)),))
        if self._random.random() < 0.3:
            self.end()
            self._segment = Segment(self._folder, (self._digest,), "worker")

    def end(self) -> None:
        """Ends the segment."""
        self._segment.close()


def moved(ledger: Ledger) -> Counter[bytes]:
    """How often the ledger has each lead's scores."""
    with ledger.reading() as connection:
        sums = (
            select(lead.c.key, func.sum(score.c.times)).join(score, score.c.lead == lead.c.number).group_by(lead.c.key)
        )
        return Counter({key: int(times) for key, times in connection.execute(sums)})


def test_nothing_is_lost_or_doubled_when_keepers_are_killed(url: str, tmp_path: Path) -> None:
    """Each is killed at a random moment, between or inside of its transactions; the last one ends by itself."""
    seed = random.randrange(1 << 30)
    chance, writer = random.Random(seed), Writer(tmp_path / "tape", seed)
    for _ in range(KILLS):
        process = keeper(url, tmp_path / "tape")
        ends_at = time.monotonic() + chance.uniform(0, LONGEST_LIFE)
        for _ in range(10):
            writer.write(50)
        time.sleep(max(0.0, ends_at - time.monotonic()))  # what is random is the moment
        process.kill()
        process.join()
    writer.end()
    move_all(url, tmp_path / "tape")
    ledger = open_ledger(url)
    assert moved(ledger) == writer.written, f"seed {seed}"
    with ledger.reading() as connection:
        assert connection.execute(select(func.count()).select_from(segment)).scalar_one() == 0
        wrong = select(func.count()).select_from(score).where(score.c.last_at < score.c.first_at)
        assert connection.execute(wrong).scalar_one() == 0
    assert segments_in(tmp_path / "tape") == []
    ledger.close()


def test_two_keepers_at_once_move_everything_once(url: str, tmp_path: Path) -> None:
    """The second waits for the folder, and goes on when the first is killed."""
    writer = Writer(tmp_path / "tape", 1)
    keepers = [keeper(url, tmp_path / "tape") for _ in range(2)]
    for _ in range(20):
        writer.write(50)
    writer.end()
    keepers[0].kill()
    keepers[0].join()
    ends_at = time.monotonic() + 60
    while segments_in(tmp_path / "tape") and time.monotonic() < ends_at:
        time.sleep(0.05)
    keepers[1].kill()
    keepers[1].join()
    ledger = open_ledger(url)
    assert moved(ledger) == writer.written
    ledger.close()

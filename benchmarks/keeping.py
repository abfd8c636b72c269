"""What the keeper moves into the ledger, how much room that takes, and how long outcomes wait meanwhile."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import psutil
from numpy.typing import NDArray
from sqlalchemy import text

from benchmarks.models import model_file
from benchmarks.postgresql import Cluster
from benchmarks.row import Row
from benchmarks.service import until
from leadscoring._engine import Rows
from leadscoring.lead import Lead
from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.keeper import LEAST, MOST, Keeper, paced
from leadscoring.ledger.keeping import Keeping, Kept
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.outcome import Outcome, now
from leadscoring.ledger.outcomes import record
from leadscoring.ledger.schema import migrate
from leadscoring.ledger.tape import Tape
from leadscoring.ledger.tape_folder import TapeFolder
from leadscoring.model.file import open_model

KEYS = LeadKeys(bytes(32))
FEATURES = 50
BATCH = 1000
MOST_BYTES = 1 << 32

MOVED = 60_000
"""Leads that are moved to measure how many the keeper moves: half of them new, half scored again and changed."""

LEADS, NIGHTS, CHANGED = 5_000, 30, 0.05
"""Nightly rescoring: so many leads, every night, and the share of them whose row differs from the night before."""

RATE, OUTCOMES = 20_000, 1_000
PAUSE_SECONDS = 0.01

Place = Callable[[Path], str]
"""Returns the URL of an empty ledger."""


class Scored:
    """A tape in a folder, and leads that are scored onto it."""

    def __init__(self, folder: Path, file: Path) -> None:
        model = open_model(file)
        self.tape = Tape(TapeFolder(folder, MOST_BYTES), KEYS)
        self.tape.folder.keep_model(model.sha256, lambda: iter([file.read_bytes()]))
        self._digest = model.sha256
        self._random = np.random.default_rng(3)

    def rows(self, leads: int) -> NDArray[np.float32]:
        """Returns random rows."""
        return self._random.normal(size=(leads, FEATURES)).astype(np.float32)

    def changed(self, rows: NDArray[np.float32], share: float) -> None:
        """Changes one feature of a share of the rows."""
        chosen = self._random.random(len(rows)) < share
        rows[chosen, 0] += 1

    def score(self, rows: NDArray[np.float32], first: int = 0) -> None:
        """Appends a row for each lead, in batches."""
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            leads = [Lead(f"lead-{first + start + place}", ()) for place in range(len(part))]
            margins = [float(row[0]) / 7 for row in part]
            self.tape.append(self._digest, Rows(part.tolist()), margins, leads, "0123456789ab-12", 0, False, None)
            self.tape.tend()


def rows(folder: Path, cluster: Cluster) -> list[Row]:
    """Measures everything in SQLite and in PostgreSQL."""
    places: dict[str, Place] = {
        "SQLite": lambda here: f"sqlite:///{here}/ledger.db",
        "PostgreSQL": lambda _here: cluster.url(),
    }
    found = []
    for measure in (moving, kept_bytes, outcomes):
        for name, place in places.items():
            with TemporaryDirectory(dir=folder) as here, closing(open_ledger(place(Path(here)))) as ledger:
                migrate(ledger)
                found.append(measure(name, ledger, Path(here)))
    return found


def moving(name: str, ledger: Ledger, folder: Path) -> Row:
    """Measures the leads that a second of processor time moves: the keeper's, and that of its connection's server."""
    scored, half = Scored(folder / "tape", model_file()), MOVED // 2
    table = scored.rows(half)
    scored.score(table)
    scored.changed(table, 1.0)
    scored.score(table)
    scored.tape.close()
    keeper, most, moved = Keeper(ledger, folder / "tape"), MOST, 0
    keeper.move(LEAST)  # makes the tables of the connection, and its statements
    began, wall = busy(ledger), time.monotonic()
    while True:
        turn = time.process_time()
        leads = keeper.move(most).leads
        if not leads:
            break
        moved += leads
        most = paced(most, time.process_time() - turn)
    seconds, wall = busy(ledger) - began, time.monotonic() - wall
    told = f"{seconds / moved * 1e6:.1f} us of processor time a lead"
    return Row(
        f"leads/s that the keeper moves, {name}", told, f"{moved / wall:,.0f}/s by the clock", moved / seconds, RATE
    )


def busy(ledger: Ledger) -> float:
    """Returns the processor time of this process in seconds, with that of the server of its connections."""
    here = sum(psutil.Process().cpu_times()[:2])
    if ledger.is_sqlite:
        return here
    with ledger.reading() as connection:
        backend = psutil.Process(connection.scalar(text("SELECT pg_backend_pid()")))
    return here + sum(backend.cpu_times()[:2])


def kept_bytes(name: str, ledger: Ledger, folder: Path) -> Row:
    """Measures the bytes that the ledger takes for each time that a lead was scored, after nightly rescoring."""
    scored = Scored(folder / "tape", model_file())
    keeper, table, after = Keeper(ledger, folder / "tape"), scored.rows(LEADS), {}
    for night in range(1, NIGHTS + 1):
        scored.score(table)
        while keeper.move().leads:
            pass
        vacuum(ledger)  # PostgreSQL does it by itself within the day
        after[night] = size(ledger) / (night * LEADS)
        scored.changed(table, CHANGED)
    scored.tape.close()
    told = f"{after[2]:.0f} after 2 nights, {after[10]:.0f} after 10"
    what = f"bytes a scored lead, {NIGHTS} nights of which each changes {CHANGED:.0%}, {name}"
    return Row(what, f"{after[NIGHTS]:.1f} bytes", told, after[NIGHTS], 60, at_most=True)


def vacuum(ledger: Ledger) -> None:
    """Does what PostgreSQL does by itself, later."""
    if not ledger.is_sqlite:
        with ledger.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM"))


def size(ledger: Ledger) -> int:
    """Returns the bytes of leads and scores with their indexes; in SQLite those of the file."""
    if ledger.is_sqlite:
        ledger.checkpoint()
        return Path(str(ledger.engine.url.database)).stat().st_size
    sizes = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname ~ '^(lead|score_)'"
    with ledger.reading() as connection:
        return int(connection.scalar(text(sizes)) or 0)


class Waited(NamedTuple):
    """Seconds that each outcome took, and leads that were moved meanwhile in a second."""

    seconds: list[float]
    moved: float


def outcomes(name: str, ledger: Ledger, folder: Path) -> Row:
    """Measures how long outcomes take to be committed while the keeper moves what a busy service scores."""
    waited = committed(ledger, folder)
    ordered = sorted(waited.seconds)
    half, late = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    told = f"median {half * 1e3:.1f} ms, {waited.moved:,.0f} leads/s moved"
    what = f"ms until an outcome is committed at {RATE:,} scores/s, 99 of 100, {name}"
    return Row(what, f"{late * 1e3:.1f} ms", told, late * 1e3, 50, at_most=True)


def committed(ledger: Ledger, folder: Path) -> Waited:
    """Commits outcomes, one after the other, while one process scores leads and another moves them."""
    spawn = get_context("spawn")
    ending = spawn.Event()
    url, tape = ledger.engine.url.render_as_string(hide_password=False), folder / "tape"
    running = [
        spawn.Process(target=feed, args=(tape, model_file(), RATE, ending)),
        spawn.Process(target=keep, args=(url, tape, ending)),
    ]
    for process in running:
        process.start()
    try:
        until(lambda: times(ledger) > RATE)
        began, before, seconds = time.monotonic(), times(ledger), []
        for number in range(OUTCOMES):
            seconds.append(taken(lambda number=number: record(ledger, KEYS, [outcome(number)], "benchmark")))  # type: ignore[misc]
            time.sleep(PAUSE_SECONDS)  # outcomes come now and then
        return Waited(seconds, (times(ledger) - before) / (time.monotonic() - began))
    finally:
        ending.set()
        for process in running:
            process.join(60)


def feed(folder: Path, file: Path, rate: int, ending: Event) -> None:
    """Scores leads onto a tape, so many a second, half of them new; runs in a process of its own."""
    scored, due, first = Scored(folder, file), time.monotonic(), 0
    rows = scored.rows(BATCH)
    while not ending.is_set():
        scored.score(rows, first if first % (2 * BATCH) else first // 2)
        scored.changed(rows, 1.0)
        first, due = first + BATCH, due + BATCH / rate
        ending.wait(max(0.0, due - time.monotonic()))
    scored.tape.close()


def keep(url: str, folder: Path, ending: Event) -> None:
    """Keeps a folder, as the process of the keeper does."""
    stopping = threading.Event()
    threading.Thread(target=lambda: (ending.wait(), stopping.set()), daemon=True).start()
    Keeping(Kept(url, folder, 730), stopping, lambda _state: None).run()


def outcome(number: int) -> Outcome:
    """Returns an outcome of a lead of its own."""
    return Outcome(f"lead-{number}", "won", now())


def times(ledger: Ledger) -> int:
    """Returns how many scores were moved, by the counts that folding keeps."""
    with ledger.reading() as connection:
        return int(connection.scalar(text("SELECT coalesce(sum(times), 0) FROM score")))


def taken(work: Callable[[], object]) -> float:
    """Returns the seconds that work takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began

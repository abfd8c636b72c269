"""What keeping a scored lead for the ledger adds to a request: ``python -m benchmarks.tape``."""

import re
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.engine import best
from benchmarks.models import lead_body, model_file
from benchmarks.row import Row, table
from benchmarks.servers import load, post, service
from benchmarks.service import until
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.recorder import Recorder
from leadscoring.ledger.tape import Tape
from leadscoring.ledger.tape_folder import TapeFolder
from leadscoring.ledger.turn import LOCK
from leadscoring.model.file import open_model

BATCH = 1000
TURNS, LOAD_SECONDS = 8, 1

SCORED = 200
"""Leads that a worker has scored when its memory is measured."""

MOST_BYTES = 1 << 30


def rows() -> list[Row]:
    """Measures what the ledger adds to a lead and to a worker, and compares requests with the ledger on and off."""
    with tempfile.TemporaryDirectory() as folder:
        return [*added(Path(folder) / "calls"), *rate(Path(folder) / "rate"), memory(Path(folder) / "memory")]


def added(folder: Path) -> list[Row]:
    """Measures the microseconds a lead, of one lead and of a batch."""
    model = open_model(model_file())
    tape = Tape(TapeFolder(folder, MOST_BYTES), LeadKeys(bytes(32)))
    record = Recorder(tape, model.sha256, model.card.contract).record
    lead, row = model.decoder.one(lead_body())
    margin = model.trees.predict(row)
    leads, batch = model.decoder.many(b"[" + b",".join([lead_body()] * BATCH) + b"]", BATCH)
    margins = model.trees.predict(batch)
    alone = best(lambda: record(row, margin, [lead], "0123456789ab-12"), 1, 30, 500)
    each = best(lambda: record(batch, margins, leads, "0123456789ab-12"), BATCH, 30)
    tape.close()
    return [
        Row("what the ledger adds to one lead", f"{alone:.2f} us", "", alone, 1.5, at_most=True),
        Row(f"what the ledger adds to a lead in a batch of {BATCH:,}", f"{each:.2f} us", "", each, 1.0, at_most=True),
    ]


class Worker(NamedTuple):
    """The address of a service, and the process that scores in it."""

    url: str
    process: psutil.Process

    def rate(self, lead: bytes) -> tuple[float, float]:
        """Returns the requests per second, and those of a second of the worker's processor time, under load."""
        before = sum(self.process.cpu_times()[:2])
        rate = load(self.url + "/api/v1/score", lead, seconds=LOAD_SECONDS)
        return rate, rate * LOAD_SECONDS / (sum(self.process.cpu_times()[:2]) - before)


def worker(running: ExitStack, folder: Path | None = None) -> Worker:
    """Starts a service with one worker that scores; with a ledger in ``folder``, where there is one."""
    settings = {"WORKERS": "1"}
    if folder is not None:
        settings |= {"LEDGER": f"sqlite:///{folder}/ledger.db", "LEDGER_TAPE_PATH": f"{folder}/tape"}
        settings |= {"LEDGER_KEY_FILE": f"{folder}/ledger.key"}
    url, _, pid = running.enter_context(service(model_file(), **settings))
    if folder is None:
        return Worker(url, psutil.Process(pid))
    until(lambda: any(map(keeps, psutil.Process(pid).children())))
    below = [child for child in psutil.Process(pid).children() if "spawn_main" in " ".join(child.cmdline())]
    (found,) = [child for child in below if not keeps(child)]
    return Worker(url, found)


def keeps(process: psutil.Process) -> bool:
    """Whether a process is a keeper, by the lock that it holds."""
    return any(Path(file.path).name == LOCK for file in process.open_files())


def rate(folder: Path) -> list[Row]:
    """Compares requests with the ledger on and off, in turns; each score has 5 reasons."""
    lead = lead_body()
    with ExitStack() as running:
        on, off = worker(running, folder), worker(running)
        found: dict[Worker, list[tuple[float, float]]] = {on: [], off: []}
        for _ in range(TURNS):
            for one, rates in found.items():
                rates.append(one.rate(lead))
    rows = []
    for what, place in (
        ("requests/s by the clock, keeper beside them", 0),
        ("requests of a second of processor time", 1),
    ):
        ours, without = (max(one[place] for one in found[which]) for which in (on, off))
        told = f"{ours:,.0f}/s", f"without {without:,.0f}/s"
        rows.append(Row(f"{what}, 5 reasons, ledger on", *told, ours / without, 0.95))
    return rows


def anonymous(pid: int) -> float:
    """Returns the memory of a process that is no file's, in MB: the pages of its tape are the kernel's to take."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kb) for kb in re.findall(r"^Anonymous:\s+(\d+) kB", rollup, re.MULTILINE)) / 1024


def memory(folder: Path) -> Row:
    """Compares the memory of a worker that has scored a little, with the ledger on and off."""
    with ExitStack() as running:
        on, off = worker(running, folder), worker(running)
        for _ in range(SCORED):
            for one in (on, off):
                post(one.url + "/api/v1/score", lead_body())
        ours, without = (anonymous(one.process.pid) for one in (on, off))
    told = f"{ours:.1f} MB", f"without {without:.1f} MB"
    return Row("MB that a worker takes more, ledger on", *told, ours - without, 2, at_most=True)


if __name__ == "__main__":
    print(table(rows()))

"""A writer that is killed at any moment loses no lead that it acknowledged, doubles none and leaves none broken."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import pytest
from tape_writer import KEYS, MODELS

from leadscoring.ledger.segments import Record, is_being_written, read, segments_in

KILLS = int(os.environ.get("LEDGER_KILLS", "25"))
"""``make ledger-kills`` kills more."""

LONGEST = 120
"""Acknowledgements until a writer is killed, at most."""


class Writer:
    """A process that writes to one folder after the other."""

    def __init__(self) -> None:
        self.pid = 0
        program = Path(__file__).parents[1] / "support" / "tape_writer.py"
        self._process = subprocess.Popen(
            [sys.executable, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def begin(self, folder: Path) -> None:
        """Starts to write."""
        assert self._process.stdin
        self._process.stdin.write(f"{folder}\n")
        self._process.stdin.flush()
        word, pid = self.line().split()
        assert word == "pid"
        self.pid = int(pid)

    def line(self) -> str:
        """The next line that it writes."""
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        """Ends it, and a writer that still lives with it."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
        self._process.communicate(timeout=60)

    def kill(self) -> int | None:
        """Kills the writer; returns the last number that it acknowledged after what was read, if any."""
        os.kill(self.pid, signal.SIGKILL)
        self.pid, last = 0, None
        while (line := self.line()) != "ended":
            last = int(line)
        return last


@pytest.fixture(scope="module")
def writer() -> Iterator[Writer]:
    """One for all kills: Python starts slowly."""
    one = Writer()
    yield one
    one.end()


def recorded(folder: Path) -> list[Record]:
    """Every record in the order of writing; none is damaged."""
    found = []
    for path in segments_in(folder):
        offset = 0
        while True:
            records, offset, damaged = read(path, offset, 1000)
            assert not damaged
            if not records:
                break
            found += records
    return found


def check(records: list[Record], places: Iterable[int] | None = None) -> None:
    """Asserts that records are whole: those of the first leads, each once, or of leads at these places."""
    for place, record in zip(range(len(records)) if places is None else places, records, strict=True):
        assert record.margin == place / 7
        assert record.key == KEYS.key(str(place))
        assert record.model in MODELS
        assert len(record.row) == 80


def check_meanwhile(records: list[Record]) -> None:
    """Asserts the same while the writer writes: what it put at the end of a segment that was read may be missing."""
    places = [round(7 * record.margin) for record in records]
    assert places == sorted(set(places))
    check(records, places)


def test_what_was_acknowledged_is_on_the_tape(tmp_path: Path, writer: Writer) -> None:
    """Killed at random moments, while another process reads."""
    random = Random(16)
    for kill in range(KILLS):
        folder = tmp_path / str(kill)
        folder.mkdir()
        acknowledged = 0
        writer.begin(folder)
        for _ in range(random.randint(1, LONGEST)):
            acknowledged = int(writer.line())
        if kill % 4 == 0:
            check_meanwhile(recorded(folder))
        acknowledged = writer.kill() or acknowledged
        records = recorded(folder)
        check(records)
        assert len(records) >= acknowledged
        assert not any(map(is_being_written, segments_in(folder)))
        shutil.rmtree(folder)

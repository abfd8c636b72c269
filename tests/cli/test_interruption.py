"""A command that is interrupted ends promptly, in one line, and leaves nothing half-written."""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from past_leads import csv_of, leads

from leadscoring.cli.interruption import interruptible

DEADLINE = 60


@contextmanager
def process(words: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose standard error is read while it runs; it is ended with the block."""
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            yield running
        finally:
            running.kill()


def until(running: subprocess.Popen[bytes], words: bytes) -> bytes:
    """Reads standard error until it has some words; fails when none come."""
    assert running.stderr is not None
    said = b""
    while words not in said:
        assert select.select([running.stderr], [], [], DEADLINE)[0], said
        part = os.read(running.stderr.fileno(), 65536)
        assert part, said
        said += part
    return said


def interrupted(running: subprocess.Popen[bytes], number: int) -> str:
    """Sends a signal, and returns the last lines."""
    running.send_signal(number)
    out, errors = running.communicate(timeout=DEADLINE)
    assert out == b""
    return errors.decode()


COMMANDS = {
    "train": ["train", "leads.csv", "--target", "won", "--out", "model.json", "--report", "report"],
    "inspect": ["inspect", "leads.csv", "--target", "won"],
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("command", "stage"),
    [("train", b"reading"), ("train", b"growing"), ("inspect", b"reading"), ("train", b"certifying")],
)
def test_a_command_ends_with_one_line_and_leaves_nothing(
    tmp_path: Path, command: str, stage: bytes, number: int
) -> None:
    """At whatever stage it is; with the exit code that a shell gives to the signal."""
    csv_of(leads(3000), tmp_path / "leads.csv")
    words = [sys.executable, "-m", "leadscoring.cli.main", *COMMANDS[command]]
    with process(words, tmp_path) as running:
        until(running, stage)
        said = interrupted(running, number)
    if running.returncode != 0:  # it was not over already
        assert said.splitlines()[-1].startswith("Interrupted; ")
        assert running.returncode == 128 + number
    if "nothing was written" in said:
        assert [path.name for path in tmp_path.iterdir()] == ["leads.csv"]
    assert not list(tmp_path.rglob("*.part"))


WRITES = """
import signal, sys, threading
from pathlib import Path
from leadscoring.cli.working import working
from leadscoring.whole_file import whole_file
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which tests without a terminal ignore
with working() as work:
    with whole_file(Path("leads.csv")) as part, part.open("w") as file:
        file.write("half")
        file.flush()
        print("half written", file=sys.stderr, flush=True)
        {wait}
"""
FOREVER = "threading.Event().wait()"
COMPUTES = "import numpy as np; a = np.random.rand(2500, 2500); [np.linalg.svd(a) for _ in range(100)]"


@pytest.mark.parametrize(
    ("wait", "number"), [(FOREVER, signal.SIGINT), (COMPUTES, signal.SIGINT), (FOREVER, signal.SIGHUP)]
)
def test_a_half_written_file_is_removed(tmp_path: Path, wait: str, number: int) -> None:
    """Also while a library computes, where no handler of Python runs; and when the terminal is closed."""
    with process([sys.executable, "-c", WRITES.format(wait=wait)], tmp_path) as running:
        until(running, b"half written\n")
        assert len(list(tmp_path.iterdir())) == 1
        said = interrupted(running, number)
    assert said == "Interrupted; nothing was written.\n"
    assert running.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []


TOGETHER = """
import os, signal, sys
from pathlib import Path
from leadscoring.cli.working import working
with working() as work:
    with work.writing():
        os.kill(os.getpid(), signal.SIGINT)
        for name in ("model.json", "report.html"):
            Path(name).write_text("whole")
            work.wrote(Path(name))
    import threading; threading.Event().wait()
"""


def test_files_that_belong_together_are_written_and_named(tmp_path: Path) -> None:
    """An interruption waits for them: a report without its model is of no use."""
    with process([sys.executable, "-c", TOGETHER], tmp_path) as running:
        _, errors = running.communicate(timeout=DEADLINE)
    assert errors.decode() == "Interrupted; model.json and report.html were written.\n"
    assert running.returncode == 130
    assert {path.read_text() for path in tmp_path.iterdir()} == {"whole"}


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """As ``nohup`` and shells ask for what runs in the background."""
    program = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
from leadscoring.cli.working import working
with working() as work:
    os.kill(os.getpid(), signal.SIGINT)
    print("goes on", file=sys.stderr, flush=True)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stderr == "goes on\n"


def test_handlers_are_as_before_afterwards() -> None:
    """Also after a thread that has none."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background of a shell ignores it
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with interruptible(lambda: None):
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

    def elsewhere() -> None:
        with interruptible(lambda: None) as interruption:
            assert interruption.left == "nothing was written"

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()

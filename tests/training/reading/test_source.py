"""Leads come from a file or through a pipe; nothing keeps a training waiting for ever."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training.reading import source
from leadscoring.training.reading.table import read_table


def test_no_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    """A wrong path is named."""
    with pytest.raises(TrainingDataError, match="there is no file"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(TrainingDataError, match="is a folder"):
        read_table(tmp_path)


def test_a_device_is_refused() -> None:
    """It would never end."""
    with pytest.raises(TrainingDataError, match="not a regular file, but a device"):
        read_table("/dev/zero")


def test_what_comes_through_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    """However slowly, in however many parts, and whether its writer comes first or last."""
    os.mkfifo(tmp_path / "pipe")
    text = b"a,b\n" + b"1,2\n" * 100_000

    def write() -> None:
        with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
            pipe.write(text[:3])
            pipe.write(text[3:])

    writer = threading.Thread(target=write)
    writer.start()
    assert source.read_bytes(tmp_path / "pipe") == text
    writer.join()


def test_a_pipe_of_a_shell_is_read(tmp_path: Path) -> None:
    """As in train <(cat leads.csv)."""
    (tmp_path / "leads.csv").write_text("a,b\n1,2\n")
    program = "import sys; from leadscoring.training.reading.table import read_table; print(read_table(sys.argv[1]).frame.shape)"
    command = f"'{sys.executable}' -c '{program}' <(cat '{tmp_path}/leads.csv')"
    assert subprocess.check_output(["bash", "-c", command], text=True) == "(1, 2)\n"


def test_a_pipe_to_which_nobody_writes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while; one that was opened and closed without a word is empty."""
    monkeypatch.setattr(source, "LONGEST_WAIT", 0.2)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TrainingDataError, match=r"a pipe to which nobody wrote within 0\.2 seconds"):
        source.read_bytes(tmp_path / "pipe")
    monkeypatch.undo()
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(b""))
    writer.start()
    with pytest.raises(TrainingDataError, match="is empty"):
        source.read_bytes(tmp_path / "pipe")
    writer.join()


def test_who_waits_for_a_pipe_ends_when_asked_to(tmp_path: Path) -> None:
    """By the signal that a service manager or a user sends."""
    os.mkfifo(tmp_path / "pipe")
    program = (
        "import sys; from pathlib import Path; from leadscoring.training.reading import source; "
        "print('waits', flush=True); source.read_bytes(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "pipe")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == b"waits\n"
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(30) == -signal.SIGTERM

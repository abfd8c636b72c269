"""Which files are opened in parts."""

import os
import threading
from pathlib import Path

import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training.large.file import opened
from leadscoring.training.large.parts import still
from leadscoring.training.reading.source import data_hash

FRAME = pl.DataFrame({"a": range(500), "b": range(500)})


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_of_more_values_than_a_table_holds_is_opened_in_parts(tmp_path: Path, suffix: str) -> None:
    """With the hash of its bytes; a smaller one is not."""
    path = tmp_path / f"leads.{suffix}"
    getattr(FRAME, f"write_{suffix}")(path)
    with opened(path, still, most=1100) as parts:
        assert parts is None
    with opened(path, still, most=900) as parts:
        assert parts is not None
        assert parts.rows == 500
        assert parts.facts.data_hash == data_hash(path.read_bytes())
        assert parts.facts.name == path.name


def grown(path: Path) -> None:
    """Reads a file to which somebody appends a line meanwhile."""
    with opened(path, still, most=900) as parts:
        assert parts is not None
        with path.open("a") as file:
            file.write("1,2\n")


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """Half of an export, and the whole of it, would be mixed."""
    path = tmp_path / "leads.csv"
    FRAME.write_csv(path)
    with pytest.raises(TrainingDataError, match="changed while it was read"):
        grown(path)


def test_a_pipe_is_left_to_be_read_once(tmp_path: Path) -> None:
    """Nothing of it may be consumed by a look at it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"a,b\n1,2\n"), daemon=True)
    writer.start()
    with opened(pipe, still, most=0) as parts:
        assert parts is None
    assert pipe.read_bytes() == b"a,b\n1,2\n"
    writer.join(10)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_interruption_ends_the_reading_at_the_next_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """Progress is reported for each part, and nothing is left in the folder of temporary files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    path = tmp_path / f"leads.{suffix}"
    getattr(FRAME, f"write_{suffix}")(path)

    def interrupted(_share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), opened(path, interrupted, most=900):
        pass
    assert list((tmp_path / "scratch").iterdir()) == []

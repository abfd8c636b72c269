"""A look at a file reads all of it, or of a large one rows from all along it."""

import os
import threading
from pathlib import Path

import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training import glance as module
from leadscoring.training.glance import MOST_BYTES, MOST_ROWS, glance, some_of


def test_a_small_file_is_read_whole(tmp_path: Path) -> None:
    """As training reads it, with its line numbers."""
    path = tmp_path / "leads.csv"
    path.write_text("a;b\n1;2\n3;4\n")
    seen = glance(path)
    assert seen.note == ""
    assert seen.table.frame.rows() == [("1", "2"), ("3", "4")]
    assert seen.table.place(1) == "line 3"


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """To its end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("a,b\n1,2\n",))
    writer.start()
    assert glance(pipe).table.frame.height == 1
    writer.join()


def big(rows: int) -> str:
    """A text of so many rows, each with its number, and every third with a line break in a value."""
    return "row;text\n" + "".join(
        f'{place};"{"x" * 60}{chr(10) if place % 3 == 0 else ""}y"\n' for place in range(rows)
    )


def test_a_large_text_is_read_in_places_all_along_it(tmp_path: Path) -> None:
    """Whole rows of it, in their order, and the note says so."""
    path = tmp_path / "leads.csv"
    rows = MOST_BYTES // 60
    path.write_text(big(rows))
    seen = glance(path)
    numbers = seen.table.frame["row"].cast(pl.Int64)
    assert "a sample: " in seen.note
    assert "train reads all of them" in seen.note
    assert 0.2 * rows < len(numbers) < 0.8 * rows
    assert numbers.is_sorted()
    assert numbers.is_unique().all()
    assert numbers[0] == 0
    assert numbers[-1] > 0.93 * rows
    assert set(seen.table.frame["text"].str.len_chars()) == {61, 62}


def test_a_sample_begins_and_ends_between_rows() -> None:
    """Whatever is quoted."""
    text = big(400_000)
    assert set(some_of(text).split("\n")) <= set(text.split("\n"))


def test_a_large_file_that_is_broken_has_the_error_of_training(tmp_path: Path) -> None:
    """With the line of the file, not of the sample."""
    path = tmp_path / "leads.csv"
    rows = MOST_BYTES // 60 // 2
    part = ("1;" + "2" * 60 + "\n") * rows
    path.write_text(f"a;b\n{part}1;2;3;4\n{part}")
    with pytest.raises(TrainingDataError, match=f"line {rows + 2} has 4 values where the header names 2 columns"):
        glance(path)


def test_a_large_parquet_file_is_read_in_places(tmp_path: Path) -> None:
    """Its rows are counted without reading them."""
    path = tmp_path / "leads.parquet"
    rows = MOST_ROWS * 2
    pl.DataFrame({"row": range(rows)}).write_parquet(path)
    seen = glance(path)
    assert seen.table.frame.height == module.SAMPLE_ROWS
    assert f"of {rows:,} rows" in seen.note
    assert seen.table.frame["row"].to_list()[-1] > 0.93 * rows
    (tmp_path / "broken.parquet").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingDataError, match="not a readable Parquet file"):
        glance(tmp_path / "broken.parquet")

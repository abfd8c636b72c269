"""Delimited text that is read block by block is read as a whole file is."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.errors import TrainingDataError
from leadscoring.training.large.delimited import blocks_of
from leadscoring.training.large.parts import still
from leadscoring.training.reading.table import Table, read_table

ROWS = 3000


def in_blocks(path: Path, block: int = 20_000, most: int = 1000) -> Table | None:
    """A file that is read block by block, as a table; ``None`` if it has to be read as a whole."""
    with ExitStack() as stack:
        blocks = blocks_of(path, most, still, stack, block)
        if blocks is None:
            return None
        table = blocks.facts
        return Table(
            blocks.whole(blocks.columns), table.notes, table.labels, table.twice, None, table.data_hash, table.name
        )


def rows_of(seed: int) -> list[str]:
    """Rows of an export: plain ones, and some with commas, line breaks and quotation marks in a cell."""
    random = np.random.default_rng(seed)
    odd = ['"Smith, John"', '"two\nlines, and more"', '"says ""yes"""', 'size 5" wide', "", '="007"', "Zoë"]
    names = [odd[random.integers(len(odd))] if random.random() < 0.05 else f"name {row}" for row in range(ROWS)]
    return [f"{row},{name},{random.integers(99)},{row % 7}" for row, name in enumerate(names)]


def same(one: Table, two: Table) -> bool:
    """Whether two tables hold the same, under the same names, of the same file."""
    return one.frame.equals(two.frame) and (one.labels, one.twice, one.data_hash, one.name) == (
        two.labels,
        two.twice,
        two.data_hash,
        two.name,
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), block=st.integers(3000, 90_000), end=st.sampled_from(["\n", "\r\n"]))
def test_a_file_in_blocks_is_the_file_as_a_whole(
    tmp_path_factory: pytest.TempPathFactory, seed: int, block: int, end: str
) -> None:
    """Wherever blocks end: also with cells of several lines, quotation marks, a title above, and a footer below."""
    path = tmp_path_factory.mktemp("blocks") / "leads.csv"
    lines = ["Report of today", "id,name,visits,grade", *rows_of(seed), "Made by a program"]
    path.write_bytes(end.join(lines).replace("\n", end if end == "\n" else "\n").encode())
    table = in_blocks(path, block)
    assert table is not None
    assert same(table, read_table(path))


def test_columns_without_a_name_or_given_twice_are_judged_by_all_rows(tmp_path: Path) -> None:
    """A column is empty, or a copy, only if it is in every block."""
    path = tmp_path / "leads.csv"
    rows = [
        f"{row},,{'x' * (row == ROWS - 1)},{row % 5},{row % 5},{row % 5 + (row == ROWS - 2)}" for row in range(ROWS)
    ]
    path.write_text("\n".join(["id,,,a,a,a", *rows]))
    table = in_blocks(path)
    assert table is not None
    assert same(table, read_table(path))
    assert table.frame.columns == ["id", "column 3", "a", "a (3)"]


def test_a_row_that_does_not_fit_is_named_by_its_line(tmp_path: Path) -> None:
    """The line is that of the file, not that of a block."""
    path = tmp_path / "leads.csv"
    rows = rows_of(1)
    path.write_text("\n".join(["id,name,visits,grade", *["1,a,2,3"] * 2500, "1,2,3,4,5,6", *rows]))
    with pytest.raises(TrainingDataError, match="line 2502 has 6 values"):
        in_blocks(path)


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(["id,name,visits,grade", *rows_of(2)]).encode("utf-16"),
        "\r".join(["id,name,visits,grade", *["1,a,2,3"] * ROWS]).encode(),
        "\n".join(f'"{row},a,2,3"' for row in ["id", *range(ROWS)]).encode(),
        b"id,name\n1,2\n",
    ],
)
def test_a_file_of_another_layout_or_a_small_one_is_read_as_a_whole(tmp_path: Path, content: bytes) -> None:
    """Encodings of two bytes, lines that end with a carriage return, lines in quotation marks."""
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    assert in_blocks(path) is None


def test_nothing_is_left_of_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have no name while they are in use, so that no interruption leaves them behind."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    path = tmp_path / "leads.csv"
    path.write_text("\n".join(["id,name,visits,grade", *rows_of(3)]))
    with ExitStack() as stack:
        blocks = blocks_of(path, 1000, still, stack, 20_000)
        assert blocks is not None
        assert blocks.rows == ROWS
        assert list((tmp_path / "scratch").iterdir()) == []


def test_a_text_in_windows_1252_is_read_line_by_line(tmp_path: Path) -> None:
    """A letter that is not UTF-8 in one block does not change the others."""
    path = tmp_path / "leads.csv"
    lines = [*["1,Zoë,2,3"] * 2000, "1,x,2,3"]
    path.write_bytes(b"id,name,visits,grade\n" + "\n".join(lines).encode() + "\n1,Z\xeb,2,3\n".encode("latin-1"))
    table = in_blocks(path)
    assert table is not None
    assert table.frame["name"].to_list() == read_table(path).frame["name"].to_list()
    assert pl.Series(["Zoë"]).is_in(table.frame["name"].implode()).all()

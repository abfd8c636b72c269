"""Files are read in batches of bounded size; a damaged place is named."""

import json
from pathlib import Path

import polars as pl
import pytest
from bulk_files import content

from leadscoring.bulk import batches
from leadscoring.bulk.batch import Position
from leadscoring.bulk.batches import look_into
from leadscoring.bulk.parquet_footer import group_rows
from leadscoring.bulk.sources import source_of
from leadscoring.errors import ScoringFileError


def test_batches_of_parquet_have_as_many_rows_from_any_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its row groups are, so that a resumed run writes the same row groups."""
    monkeypatch.setattr(batches, "ROWS", 30)
    pl.DataFrame({"a": range(100), "b": range(100)}).write_parquet(tmp_path / "l.parquet", row_group_size=13)
    file = look_into(source_of(str(tmp_path / "l.parquet")))
    found = list(batches.batches(file, ["a"], (), file.start))
    assert [batch.frame.height for batch in found] == [30, 30, 30, 10]
    assert [batch.lines[0] for batch in found] == [1, 31, 61, 91]
    later = list(batches.batches(file, ["a"], (), found[1].end))
    assert [batch.frame.equals(other.frame) for batch, other in zip(later, found[2:], strict=True)] == [True, True]
    assert found[0].contents([2]) == ['{"a":2}']


def test_a_damaged_row_group_is_named(tmp_path: Path) -> None:
    """The error has its number and its rows."""
    path = tmp_path / "leads.parquet"
    frame = pl.DataFrame({"a": [str(number) * 9 for number in range(4000)]})
    frame.write_parquet(path, row_group_size=1000, compression="zstd", statistics=False)
    size = path.stat().st_size
    broken = bytearray(path.read_bytes())
    middle = size * 5 // 8
    broken[middle - 300 : middle] = b"\xff" * 300
    path.write_bytes(broken)
    assert group_rows(str(path)) == [1000] * 4
    file = look_into(source_of(str(path)))
    with pytest.raises(ScoringFileError, match=r"row group 3 \(rows 2001 to 3000\) cannot be read"):
        list(batches.batches(file, ["a"], (), Position()))


def test_a_row_without_an_end_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded when a file has no line ends; the error has the line."""
    monkeypatch.setattr(batches, "BLOCK", 1000)
    monkeypatch.setattr(batches, "LONGEST", 4000)
    monkeypatch.setattr(batches, "HEAD", 500)
    (tmp_path / "leads.csv").write_text(content(["sound"] * 30) + "x" * 9000)
    file = look_into(source_of(str(tmp_path / "leads.csv")))
    with pytest.raises(ScoringFileError, match="no row ends within 0 MB from line"):
        list(batches.batches(file, ["crm id"], (), file.start))
    file.close()


def test_what_is_no_parquet_file_is_an_error(tmp_path: Path) -> None:
    """The magic bytes alone do not make one."""
    (tmp_path / "leads.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(ScoringFileError, match="not a readable Parquet file"):
        look_into(source_of(str(tmp_path / "leads.parquet")))


def test_the_name_of_a_file_is_no_pattern(tmp_path: Path) -> None:
    """A browser's second copy of an export is read itself, not the file that its name would match."""
    for name, values in (("leads [2].parquet", [1, 2]), ("leads 2.parquet", [3])):
        pl.DataFrame({"a": values}).write_parquet(tmp_path / name)
    file = look_into(source_of(str(tmp_path / "leads [2].parquet")))
    assert [batch.frame["a"].to_list() for batch in batches.batches(file, ["a"], (), file.start)] == [[1, 2]]


def test_every_row_has_one_line_of_content(tmp_path: Path) -> None:
    """Whatever Unicode takes for the end of a line, such as the separators that web forms leave in notes."""
    notes = [f"a{end}b" for end in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"]
    pl.DataFrame({"a": notes}).write_parquet(tmp_path / "leads.parquet")
    file = look_into(source_of(str(tmp_path / "leads.parquet")))
    found = list(batches.batches(file, ["a"], (), file.start))
    assert [json.loads(line)["a"] for line in found[0].contents(range(len(notes)))] == notes

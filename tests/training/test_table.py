import hashlib
from pathlib import Path

import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training.table import data_hash, read_source, read_table


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_the_usual_dialects_are_read(tmp_path: Path, delimiter: str, encoding: str) -> None:
    """Delimiter and encoding are found by looking, quoted delimiters notwithstanding."""
    lines = [["name", "söme text"], ["a", '"x, y; z"'], ["b", '"ü|\t"']]
    path = tmp_path / "leads.csv"
    path.write_bytes("\n".join(delimiter.join(line) for line in lines).encode(encoding))
    frame = read_table(path)
    assert frame.columns == ["name", "söme text"]
    assert frame["söme text"].to_list() == ["x, y; z", "ü|\t"]


def test_a_column_of_a_csv_stays_text(tmp_path: Path) -> None:
    """Leading zeros survive the reading."""
    path = tmp_path / "leads.csv"
    path.write_text("zip,n\n01234,1\n99999,2\n")
    assert read_table(path)["zip"].to_list() == ["01234", "99999"]


def test_parquet_is_known_by_its_content(tmp_path: Path) -> None:
    """A Parquet file is read with its types, whatever its name."""
    path = tmp_path / "leads.data"
    frame = pl.DataFrame({"n": [1, 2], "t": ["a", "b"]})
    frame.write_parquet(path)
    assert read_table(path).equals(frame)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \n ", "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,b,a\n1,2,3\n", "column 'a' more than once"),
        (b"PK\x03\x04\x00\x00binary", "neither Parquet nor text"),
        (b"PAR1 damaged", "not a readable Parquet file"),
        (b"a,b\n1,2\n3,4,5,6\n", "not readable as text separated by ','"),
    ],
)
def test_an_unusable_file_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    """Each kind of unusable file gets a message of its own."""
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    with pytest.raises(TrainingDataError, match=words):
        read_table(path)


def test_no_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    """A wrong path is named."""
    with pytest.raises(TrainingDataError, match="there is no file"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(TrainingDataError, match="is a folder"):
        read_table(tmp_path)


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    """The data hash is what sha256sum prints, and differs with the content."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b"a\n1\n")
    assert read_source(path).data_hash == "sha256:" + hashlib.sha256(b"a\n1\n").hexdigest()
    assert data_hash(b"") != data_hash(b" ")

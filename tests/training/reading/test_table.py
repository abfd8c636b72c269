import csv
import hashlib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadscoring.contract.features import Feature
from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.source import data_hash
from leadscoring.training.reading.table import read_source, read_table


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_the_usual_dialects_are_read(tmp_path: Path, delimiter: str, encoding: str) -> None:
    """Delimiter and encoding are found by looking, quoted delimiters notwithstanding."""
    lines = [["name", "söme text"], ["a", '"x, y; z"'], ["b", '"ü|\t"']]
    path = tmp_path / "leads.csv"
    path.write_bytes("\n".join(delimiter.join(line) for line in lines).encode(encoding))
    frame = read_table(path).frame
    assert frame.columns == ["name", "söme text"]
    assert frame["söme text"].to_list() == ["x, y; z", "ü|\t"]


def test_a_column_of_a_csv_stays_text(tmp_path: Path) -> None:
    """Leading zeros survive the reading."""
    path = tmp_path / "leads.csv"
    path.write_text("zip,n\n01234,1\n99999,2\n")
    assert read_table(path).frame["zip"].to_list() == ["01234", "99999"]


def test_parquet_is_known_by_its_content(tmp_path: Path) -> None:
    """A Parquet file is read with its types, whatever its name."""
    path = tmp_path / "leads.data"
    frame = pl.DataFrame({"n": [1, 2], "t": ["a", "b"]})
    frame.write_parquet(path)
    assert read_table(path).frame.equals(frame)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \n ", "is empty"),
        (b"a,b\n", "no rows"),
        (b"PK\x03\x04\x00\x00binary", "neither Parquet nor text"),
        (b"PAR1 damaged", "not a readable Parquet file"),
        (b"a,b\n1,2\n3,4,5,6\n", "line 3 has 4 values where the header names 2 columns"),
        (b",".join(b"c%d" % column for column in range(100_000)) + b"\n1\n", "has 100000 columns, but at most 65536"),
    ],
)
def test_an_unusable_file_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    """Each kind of unusable file gets a message of its own."""
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    with pytest.raises(TrainingDataError, match=words):
        read_table(path)


def test_a_long_cell_of_a_lead_is_read(tmp_path: Path) -> None:
    """Notes may be long, in the header too; the delimiter is found by the other lines."""
    path = tmp_path / "leads.csv"
    path.write_text("a;b\n1;2\n3;" + "x,|" * csv.field_size_limit() + "\n")
    assert read_table(path).frame.shape == (2, 2)
    path.write_bytes(b"a," + b"x" * (csv.field_size_limit() + 1) + b"\n1,2\n")
    assert read_table(path).frame.shape == (1, 2)


def test_a_wide_header_that_names_columns_often_is_read(tmp_path: Path) -> None:
    """In one pass over it, and a few notes say so."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b",".join([b"a", b"b"] * 5_000) + b"\n1\n2\n")
    table = read_table(path)
    assert table.frame.height == 2
    assert table.twice == {"a"}
    assert len(table.notes) < 30
    assert "more such notes" in table.notes[-1]


def test_another_header_in_a_wide_table_is_found(tmp_path: Path) -> None:
    """Though not every column is looked at."""
    names = [f"c{place}" for place in range(300)]
    path = tmp_path / "leads.csv"
    values = ",".join(map(str, range(300)))
    path.write_text(f"{','.join(names)}\n{values}\n{','.join(reversed(names))}\n{values}\n")
    with pytest.raises(TrainingDataError, match="line 3 is another header"):
        read_table(path)


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    """The data hash is what sha256sum prints, and differs with the content."""
    path = tmp_path / "leads.csv"
    path.write_bytes(b"a\n1\n")
    assert read_source(path).data_hash == "sha256:" + hashlib.sha256(b"a\n1\n").hexdigest()
    assert data_hash(b"") != data_hash(b" ")


def test_formulas_that_shield_a_text_from_excel_are_the_text(tmp_path: Path) -> None:
    """Zendesk and others write ="00123" so that the zeros stay."""
    path = tmp_path / "leads.csv"
    path.write_text('id,zip\n1,"=""00123"""\n2,="99999"\n')
    table = read_table(path)
    assert table.frame["zip"].to_list() == ["00123", "99999"]
    assert any("'zip' were read as the text in them" in note for note in table.notes)


def test_a_row_that_is_quoted_as_a_whole_may_have_stray_marks_inside(tmp_path: Path) -> None:
    """They are kept as they are."""
    path = tmp_path / "leads.csv"
    path.write_text('a,b\n"x"a,"x"\n1,2')
    assert read_table(path).frame.rows() == [('x"a', "x"), ("1", "2")]


ALPHABET = st.sampled_from([*'ab1,;\t|"\n\r =\\\0', "\ufeff", "é", "a,b\n", "1,2\n", "sep=;\n", '"x"', "\n\n"])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(
        st.lists(ALPHABET, max_size=40).map("".join).map(str.encode),
        st.lists(ALPHABET, max_size=40).map("".join).map(lambda text: text.encode("utf-16")),
        st.binary(max_size=60),
    )
)
def test_any_bytes_are_a_table_or_refused(tmp_path: Path, content: bytes) -> None:
    """Never a traceback or the words of a parser; what is read has a line for each row and names a lead can have."""
    path = tmp_path / "leads.csv"
    path.write_bytes(content)
    table, message = None, ""
    try:
        table = read_table(path)
    except TrainingDataError as refusal:
        message = str(refusal)
    assert "not readable as text" not in message
    if table is None:
        return
    assert table.lines is not None
    assert len(table.lines) == table.frame.height
    for name in table.frame.columns:
        Feature(name, "number")

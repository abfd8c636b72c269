import csv
import io
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.lines import cells, rows_of, sniff, written
from leadscoring.training.reading.table import Table, read_table

CELL = st.text(st.sampled_from('ab1 ,;"\n|.é'), max_size=6)


def table(tmp_path: Path, text: str | bytes) -> Table:
    """The table of a file with some text in it."""
    path = tmp_path / "leads.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path)


def values(found: Table) -> list[tuple[str | None, ...]]:
    """The rows of a table."""
    return found.frame.rows()


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=8), delimiter=st.sampled_from(",;|"))
def test_what_is_well_written_is_read_as_it_was_written(rows: list[list[str]], delimiter: str) -> None:
    """Quoted separators, quotation marks and line breaks come through, and each row knows its line."""
    assume(not any("\n" in cell and delimiter in cell for row in rows for cell in row))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["name", "b", "c"], *([f"x{row[0]}", *row[1:]] for row in rows)])
    found = rows_of(f"sep={delimiter}\n" + out.getvalue(), "leads.csv")
    assert [cells(text, delimiter) for text in found.texts] == [[f"x{row[0]}", *row[1:]] for row in rows]
    breaks = [sum(cell.count("\n") for cell in row) for row in rows]
    assert found.lines == [3 + place + sum(breaks[:place]) for place in range(len(rows))]


@settings(max_examples=200, deadline=None)
@given(row=st.lists(CELL.map(str.strip).filter(bool), min_size=2, max_size=5))
def test_a_mended_row_is_well_formed(row: list[str]) -> None:
    """What is written for a row reads as that row."""
    assert next(csv.reader(io.StringIO(written(row, ",")), strict=True)) == row


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        ("sep=;\na;b\n1;2\n", [("1", "2")], "names the separator"),
        ("Report\nof 2025,,\n\na,b,c\n1,2,3\n", [("1", "2", "3")], "2 lines above the header (line 4)"),
        ("a,b,c\n1,2,3\n\nConfidential\n", [("1", "2", "3")], "1 line below the data left out: 'Confidential'"),
        ("a,b,,\n1,2,,\n", [("1", "2")], "2 columns without name and value"),
        ("a,b\n1,2,\n3,4,\n", [("1", "2"), ("3", "4")], "empty values beyond the columns"),
        ('a,b\n1,5" pipe\n2,"Acme "best" Ltd"\n', [("1", '5" pipe'), ("2", 'Acme "best" Ltd')], "2 lines with stray"),
        ('a,b,c\n1,"oops,3\n2,"Be ta",6\n', [("1", '"oops', "3"), ("2", "Be ta", "6")], "the first is line 2"),
        ('a, "b"\n1, "x, y"\n', [("1", "x, y")], ""),
        ('"a,b"\n"1,""x"""\n', [("1", "x")], "entirely within quotation marks"),
        ("a,b,c\n1,2,3\n4,5\n", [("1", "2", "3"), ("4", "5", None)], "1 row with fewer values"),
        ("a,b\n1,2\na,b\n3,4\n", [("1", "2"), ("3", "4")], "the header comes again in line 3"),
        ("a,b\n1,2\n,\n\n3,4\n", [("1", "2"), ("3", "4")], ""),
        ('a,b\n1,"two\nlines"\n', [("1", "two\nlines")], ""),
    ],
)
def test_files_as_people_have_them(
    tmp_path: Path, text: str, expected: list[tuple[str | None, ...]], words: str
) -> None:
    """What is not quite a CSV is read all the same, and what was done is said."""
    found = table(tmp_path, text)
    assert values(found) == expected
    assert any(words in note for note in found.notes)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ('1,a,b,c\n2,"x, y","b,c\n3,a,b",c\n4,a,b,c\n', 3),
        ('1,a,b,c\n"2,a,b\n3,a,b",c\n4,a,b,c\n', 3),
    ],
)
def test_rows_that_a_stray_quotation_mark_may_have_joined_are_named(tmp_path: Path, body: str, line: int) -> None:
    """The note says how many there are, where the first one is, and what to do."""
    notes = table(tmp_path, "id,b,c,d\n" + body).notes
    assert any("1 row of several lines may be several leads" in note and f"is line {line})" in note for note in notes)


def test_a_value_of_several_lines_is_no_joined_row(tmp_path: Path) -> None:
    """No note reports it."""
    notes = table(tmp_path, 'id,b,c,d\n1,"Dear John,\nthanks, and bye",5,6\n2,x,7,8\n').notes
    assert not any("several leads" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,c\n1,Ac\nme,3\n", "lines 2 and 3 look like one lead that a line break cut in two"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 values where the header names 2 columns: put a value that holds ','"),
        ("a,b,c\n1,2,3\nc,a,b\n3,1,2\n", "line 3 is another header, with the columns in another order"),
        ("1,2\n3,4\n", "numbers where the header must have column names: add a header line"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_line_and_cure(tmp_path: Path, text: str, words: str) -> None:
    """One sentence says where, and what to do."""
    with pytest.raises(TrainingDataError, match=words):
        table(tmp_path, text)


def test_decimal_commas_do_not_make_a_comma_the_separator() -> None:
    """The separator is what cuts all lines alike, the header too."""
    assert sniff(["a;b;c", "1,5;2,5;x", "2,5;3;y", "1;2;z"]) == ";"
    assert sniff(["a\tb", "1,2\t3"]) == "\t"


def test_a_cell_of_a_megabyte_and_many_columns(tmp_path: Path) -> None:
    """No limit of a parser shows."""
    found = table(tmp_path, f'a,b\n1,"{"x," * 500_000}"\n2,y\n')
    assert len(values(found)[0][1] or "") == 1_000_000
    wide = table(tmp_path, ",".join(f"c{k}" for k in range(20_000)) + "\n" + ",".join(["1"] * 20_000) + "\n")
    assert wide.frame.width == 20_000

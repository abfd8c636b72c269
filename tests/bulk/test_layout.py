"""The layout of a file is found as training finds it: its columns are the same."""

import tempfile
from pathlib import Path

import pytest

from leadscoring.bulk.layout import encoding_of, layout_of
from leadscoring.errors import ScoringFileError, TrainingDataError
from leadscoring.training.reading.table import read_table

ROWS = "\n".join(f"{number};x{number};1,5" for number in range(30))

FILES = {
    "plain": "a,b,c\n" + ROWS.replace(",", ".").replace(";", ","),
    "semicolons": "a;b;c\n" + ROWS,
    "named separator": "sep=;\na;b;c\n" + ROWS,
    "titles": "Report of March\n\na;b;c\n" + ROWS,
    "mark": "\ufeffa;b;c\n" + ROWS,
    "twice": "a;b;b\n" + ROWS,
    "odd names": 'a;" ""b"" ";c\\d\n' + ROWS,
    "carriage returns": ("a;b;c\n" + ROWS).replace("\n", "\r"),
    "both": ("a;b;c\n" + ROWS).replace("\n", "\r\n"),
    "header over lines": 'a;"b\nb";c\n' + ROWS,
}


@pytest.mark.parametrize("name", FILES)
def test_names_are_those_of_training(name: str) -> None:
    """Names and the first line of data agree."""
    content = FILES[name].encode()
    layout = layout_of(content, True, "leads.csv")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        path.write_bytes(content)
        table = read_table(path)
    assert layout.names == tuple(table.frame.columns)
    assert table.lines is not None
    assert layout.line == table.lines[0]
    assert content[layout.offset :].startswith(b"0;" if name != "plain" else b"0,")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"PK\x03\x04..", "Excel"),
        (b"<html><table>", "HTML"),
        (b'[{"a":1}]', "JSON"),
    ],
)
def test_what_is_no_table_is_an_error(content: bytes, words: str) -> None:
    """With advice, as in training."""
    with pytest.raises((ScoringFileError, TrainingDataError), match=words):
        layout_of(content, True, "leads.csv")


def test_a_header_in_another_encoding_is_noted() -> None:
    """Only the header: of the lines below, those that are not UTF-8 are named when they are read."""
    below = "\n1;x;ü\n2;y;z\n"
    plain = layout_of(("a;b;c" + below).encode() + b"3;\xfc;z\n", True, "leads.csv")
    assert not [note for note in plain.notes if "UTF-8" in note]
    other = layout_of("a;b;Größe".encode("cp1252") + below.encode(), True, "leads.csv")
    assert other.names == ("a", "b", "Größe")
    assert [note for note in other.notes if "UTF-8" in note] == [
        "the header is not UTF-8: read as Windows-1252; save it as UTF-8 if letters look wrong"
    ]


def test_encodings_are_told_by_the_first_bytes() -> None:
    """UTF-16 without a mark has every other byte zero; anything else full of zeros is no text."""
    assert encoding_of("a,b\n1,2\n".encode("utf-16"), "x") == "utf-16-le"
    assert encoding_of("a,b\n1,2\n".encode("utf-16-be"), "x") == "utf-16-be"
    assert encoding_of(b"a,b\n1\0,2\n" + b"1,2\n" * 9, "x") == "utf-8"
    with pytest.raises(ScoringFileError, match="full of NUL"):
        encoding_of(b"\0" * 100, "x")

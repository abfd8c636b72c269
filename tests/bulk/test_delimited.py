"""Both ways of parsing a block return the same rows, wherever the file is cut."""

import tempfile
from pathlib import Path

import polars as pl
import pytest
from bulk_files import HEADER, KINDS, NAMES, content, row
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.bulk import batches
from leadscoring.bulk.batch import Batch, Position
from leadscoring.bulk.batches import look_into
from leadscoring.bulk.delimited import Parser
from leadscoring.bulk.layout import layout_of
from leadscoring.bulk.sources import source_of

WANTED = ("crm id", *NAMES)
NUMBERS = ("revenue", "visits", "growth", "decision_maker", "open_rate")


def parser_of(text: str) -> Parser:
    """A parser of a file with this content."""
    return Parser(layout_of(text.encode(), True, "leads.csv"), WANTED, NUMBERS)


PLAIN = (
    "sound",
    "unknown",
    "unseen",
    "spaced",
    "umlaut",
    "text",
    "outside",
    "infinite",
    "lacking",
    "nameless",
    "empty",
)


@pytest.mark.parametrize("blank", [" ", "\t", "\xa0", " \xa0", "\xa0\t"])
@pytest.mark.parametrize("beside", ["sound", "quoted"])
def test_a_line_without_any_value_is_no_row_whatever_stands_beside_it(blank: str, beside: str) -> None:
    """No-break spaces are what copies from web pages have in empty cells."""
    text = content([beside, "umlaut"]) + blank * 2 + ("," + blank) * (HEADER.count(","))
    batch = parser_of(text).parse(text.partition("\n")[2].encode(), Position(len(HEADER) + 1, 2), True).batch
    assert batch is not None
    assert (batch.frame.height, batch.empty, len(batch.refused)) == (2, 1, 0)


@given(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=12))
def test_plain_rows_are_the_same_at_once_and_line_by_line(kinds: list[str]) -> None:
    """Frames agree after both are numbers, and so do lines, counts and contents."""
    text = content(kinds)
    parser = parser_of(text)
    block, at = text.partition("\n")[2].encode(), Position(len(HEADER) + 1, 2)
    quick = parser.parse(block, at, True).batch
    slow = parser._line_by_line(block, at, True).batch
    assert quick is not None
    assert slow is not None
    places = range(quick.frame.height)
    assert quick.lines.tolist() == slow.lines.tolist()
    assert (quick.empty, quick.end, quick.contents(places)) == (slow.empty, slow.end, slow.contents(places))
    assert quick.texts(places).equals(slow.frame)
    for name in WANTED:
        if quick.frame[name].dtype == pl.Float64:
            assert quick.frame[name].to_list() == slow.frame[name].str.strip_chars().cast(pl.Float64).to_list()
        else:
            assert quick.frame[name].to_list() == slow.frame[name].to_list()


@settings(max_examples=40)
@given(st.lists(st.sampled_from(KINDS), min_size=2, max_size=30), st.integers(80, 600), st.sampled_from(["\n", "\r\n"]))
def test_rows_do_not_depend_on_where_the_file_is_cut(kinds: list[str], block: int, end: str) -> None:
    """Blocks of any size give the same rows, line numbers and refusals, from every place between them."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "leads.csv"
        path.write_bytes(content(kinds).replace("\n", end).encode())
        whole = list(read(path, Position()))
        patch.setattr(batches, "BLOCK", block)
        parts = list(read(path, Position()))
        assert found(parts) == found(whole)
        for number, part in enumerate(parts[:-1]):
            assert found(list(read(path, part.end))) == found(parts[number + 1 :])


def read(path: Path, start: Position) -> list[Batch]:
    """All batches of a file from a place on."""
    file = look_into(source_of(str(path)))
    try:
        return list(batches.batches(file, WANTED, (), start if start.offset else file.start))
    finally:
        file.close()


def found(parts: list[Batch]) -> list[object]:
    """What is in batches."""
    rows = [row for part in parts for row in zip(part.lines.tolist(), part.frame.rows(), strict=True)]
    refused = [tuple(one) for part in parts for one in part.refused]
    return [rows, refused, sum(part.empty for part in parts), sum(part.headers for part in parts)]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("long", "9 values where the header names 8 columns"),
        ("single", "a single value where the header names 8 columns"),
        ("nul", "1 NUL byte"),
    ],
)
def test_a_line_that_is_no_row_is_refused_with_its_number(kind: str, words: str) -> None:
    """The rows around it are read."""
    text = content(["sound", kind, "sound"])
    batch = parser_of(text).parse(text.partition("\n")[2].encode(), Position(0, 2), True).batch
    assert batch is not None
    assert batch.frame.height == 2
    assert [one.line for one in batch.refused] == [3]
    assert words in batch.refused[0].message
    assert batch.refused[0].content == row(kind, 1).text.replace("\0", "\\0")


def test_a_row_that_a_line_break_cut_in_two_is_refused_whole() -> None:
    """Neither half is scored with the values of the other missing."""
    whole = row("sound", 1).text
    cut = whole.replace(",event", "\n,event")
    text = content(["sound"]) + cut + "\n" + row("sound", 2).text + "\n"
    batch = parser_of(text).parse(text.partition("\n")[2].encode(), Position(0, 2), True).batch
    assert batch is not None
    assert batch.frame["crm id"].to_list() == ["lead 0", "lead 2"]
    assert [one.line for one in batch.refused] == [3, 4] or len(batch.short) > 0


def test_other_encodings_and_formulas_are_read_as_in_training() -> None:
    """A line that is not UTF-8 is Windows-1252; ``="001"`` is the text in it."""
    text = content(["sound"])
    block = text.partition("\n")[2].encode() + b'="001",1,2,3,1,"M\xfcnchen",south,0\n'
    batch = parser_of(text).parse(block, Position(0, 2), True).batch
    assert batch is not None
    assert batch.frame["source"].to_list() == ["event", "München"]
    assert batch.frame["crm id"].to_list()[1] == "001"

"""A quotation mark that is not closed never gives a lead the cells of another: what it could join is refused."""

import csv
import io
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.bulk import batches
from leadscoring.bulk.batch import Batch
from leadscoring.bulk.batches import look_into
from leadscoring.bulk.quotation import Quotation
from leadscoring.bulk.sources import source_of

NAMES = ("lead_id", "visits", "source", "note", "region")
NOTE = st.text(st.sampled_from('ab ,\n"'), max_size=8).filter(lambda note: note.count(",") < 3)

SOURCE = st.sampled_from(["s", "s", "s, s"])


@st.composite
def rows(draw: st.DrawFn) -> list[list[str]]:
    """Leads whose cells name the lead, but for notes of several lines."""
    count = draw(st.integers(1, 12))
    return [[f"L{one}", f"{one}", draw(SOURCE) + f"{one}", draw(NOTE), f"r{one}"] for one in range(count)]


def text_of(leads: list[list[str]], quoting: int) -> str:
    """Leads as CSV."""
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator="\n").writerows([NAMES, *leads])  # type: ignore[arg-type]  # one of csv
    return out.getvalue()


def read(text: str) -> list[Batch]:
    """The batches of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        path.write_text(text, newline="")
        file = look_into(source_of(str(path)))
        try:
            return list(batches.batches(file, NAMES, ("visits",), file.start, ("lead_id", "visits", "source")))
        finally:
            file.close()


def leads_in(parts: list[Batch]) -> list[tuple[str | None, ...]]:
    """The rows of batches as texts."""
    return [row for part in parts for row in part.texts(range(part.frame.height)).rows()]


STYLES = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])


@settings(max_examples=60, deadline=None)
@given(leads=rows(), quoting=STYLES)
def test_notes_of_several_lines_are_read_as_they_were_written(leads: list[list[str]], quoting: int) -> None:
    """Every lead is there, once, with its own cells, whatever its note holds."""
    parts = read(text_of(leads, quoting))
    assert [[cell or "" for cell in row] for row in leads_in(parts)] == leads
    assert not any(part.refused for part in parts)


@settings(max_examples=100, deadline=None)
@given(leads=rows(), quoting=STYLES, data=st.data())
def test_no_lead_gets_the_cells_of_another_wherever_quotation_marks_are_stray(
    leads: list[list[str]], quoting: int, data: st.DataObject
) -> None:
    """Rows that are read have cells of one lead; all other lines are refused with their number and content."""
    text = text_of(leads, quoting)
    head = text.index("\n") + 1
    for place in sorted(data.draw(st.lists(st.integers(head, len(text)), max_size=4)), reverse=True):
        text = text[:place] + '"' + text[place:]
    parts = read(text)
    lines = text.split("\n")
    covered: dict[int, str] = {}
    for part in parts:
        contents = part.contents(range(part.frame.height))
        for number, content in zip(part.lines.tolist(), contents, strict=True):
            covered |= {number + after: line for after, line in enumerate(content.split("\n"))}
        for one in part.refused:
            assert one.line not in covered
            covered[one.line] = one.content
        assert part.rows == part.frame.height + len(part.refused)
    assert all(lines[number - 1] == content for number, content in covered.items())
    blank = [
        number for number, line in enumerate(lines[1:], start=2) if not line.strip('," ') and number not in covered
    ]
    assert sorted([*covered, *blank]) == list(range(2, len(lines) + 1))
    for row in leads_in(parts):
        shown = " ".join(cell or "" for cell in row).replace('"', "")
        assert len(set(re.findall("[0-9]+", shown))) == 1, text


@settings(max_examples=60, deadline=None)
@given(leads=rows(), quoting=STYLES, data=st.data(), block=st.integers(20, 200))
def test_what_is_refused_does_not_depend_on_where_the_file_is_cut(
    leads: list[list[str]], quoting: int, data: st.DataObject, block: int
) -> None:
    """Blocks of any size give the same rows and refusals."""
    text = text_of(leads, quoting)
    head = text.index("\n") + 1
    for place in sorted(data.draw(st.lists(st.integers(head, len(text)), max_size=3)), reverse=True):
        text = text[:place] + '"' + text[place:]

    def found() -> list[object]:
        parts = read(text)
        refused = [tuple(one) for part in parts for one in part.refused]
        return [leads_in(parts), refused, sum(part.empty for part in parts)]

    whole = found()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BLOCK", block)
        assert found() == whole


def refused(body: str) -> tuple[list[str | None], dict[int, str]]:
    """The ids that are read, and the lines that are rejected with their faults."""
    parts = read(",".join(NAMES) + "\n" + body)
    return [row[0] for row in leads_in(parts)], {one.line: one.message for part in parts for one in part.refused}


def test_an_id_with_a_line_break_is_refused() -> None:
    """All lines of it, each with its number."""
    ids, words = refused('L1,1,a,b,c\n"L2\nL3",2,a,b,c\nL4,1,a,b,c\n')
    assert ids == ["L1", "L4"]
    assert list(words) == [3, 4]
    assert "a quotation mark opens here and is only closed in line 4" in words[3]
    assert "the value of 'lead_id' would have a line break" in words[3]
    assert "part of a value of line 3" in words[4]


def test_a_mark_that_is_never_closed_swallows_nothing() -> None:
    """Only its own line is refused, if the next one is a lead."""
    ids, words = refused('L1,1,a,b,c\n"L2,1,a,b,c\nL3,1,a,b,c\nL4,1,a,"b, d",c\n')
    assert ids == ["L1", "L3", "L4"]
    assert list(words) == [3]
    assert "not closed before the next leads" in words[3]
    ids, words = refused('L1,1,a,b,c\nL2,1,a,"b,c\nsome more\nand, so on\n')
    assert ids == ["L1"]
    assert list(words) == [3, 4, 5]
    assert "closed neither in this line nor in those below" in words[3]


def test_marks_that_would_join_leads_are_refused() -> None:
    """Even where the result would be as long as the header: the lines between are leads by themselves."""
    ids, words = refused('L1,1,a,"b,c\nL2,1,a,b,c\nL3,1,a,b",c\nL4,1,a,b,c\n')
    assert ids == ["L4"]
    assert list(words) == [2, 3, 4]
    assert "line 3 looks like a lead by itself" in words[2]
    ids, words = refused('L1,1,"x, y","b,c\nL2,2,s,b","r, r"\nL3,1,a,b,c\n')
    assert ids == ["L3"]
    assert list(words) == [2, 3]


def test_a_line_that_hides_its_separators_is_refused() -> None:
    """It is no line that only lacks its last values."""
    ids, words = refused('"L1,"Acme, Inc",a,b\nL2,1,a,b,c\nL3,1,"a,b",c\nL4,1,a\nL5,1,a,b,c\nL6,1,a\n')
    assert ids == ["L2", "L5", "L6"]
    assert list(words) == [2, 4, 5]
    assert "3 values where the header names 5 columns, with a stray quotation mark" in words[2]
    assert "may be part of a value of line 4" in words[5]


def test_lines_that_follow_decide() -> None:
    """A row whose quotation mark may be closed further on is left until more lines are there."""
    quotation = Quotation(NAMES, ",", ("visits",), ("lead_id",))
    assert quotation.read(['L1,1,a,"b', "b"], 0, 2, False) is None
    found = quotation.read(['L1,1,a,"b', 'b",c'], 0, 2, False)
    assert found is not None
    assert found.row == ["L1", "1", "a", "b\nb", "c"]

"""Lines as wide as the terminal: broken between words, with hanging indents, and in colour only where it is seen."""

import io
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from terminal import in_terminal

from leadscoring.cli.page import Line, coloured, columns, command_lines, show, wrapped

WORDS = st.lists(
    st.text(st.characters(codec="ascii", exclude_characters=" \n\r\t", categories=["L", "P"]), min_size=1, max_size=30),
    min_size=1,
    max_size=40,
)


@given(words=WORDS, indent=st.integers(0, 8), width=st.integers(40, 100))
def test_lines_break_between_words_and_nowhere_else(words: list[str], indent: int, width: int) -> None:
    """Every word is there once, in its order, and a line is too wide only for the sake of one word."""
    lines = wrapped(" " * indent + " ".join(words), width)
    assert " ".join(lines).split() == words
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines)
    assert all(line.startswith(" " * (indent + 2)) for line in lines[1:])


def test_what_follows_a_label_hangs_below_its_beginning() -> None:
    """As the words of a list of definitions."""
    lines = wrapped("  --read COLUMN=HOW  how to read a column: flag, integer, number", 40)
    assert lines == [
        "  --read COLUMN=HOW  how to read a",
        "                     column: flag,",
        "                     integer, number",
    ]


def test_a_word_that_is_too_wide_stays_whole() -> None:
    """A path is to be copied."""
    path = "/a/very/long/path" * 6
    assert wrapped(f"wrote {path} today", 80) == ["wrote", f"  {path}", "  today"]


def test_a_line_that_fits_stays_as_it_is() -> None:
    """With its spaces."""
    assert wrapped("a   b  c", 80) == ["a   b  c"]


def test_what_is_piped_has_80_columns_and_no_colour() -> None:
    """Whatever the terminal of the one who pipes it."""
    out = io.StringIO()
    show([Line("The figures of this model, " * 9, "heading"), "warning: few leads"], out)
    lines = out.getvalue().splitlines()
    assert "\x1b" not in out.getvalue()
    assert 70 < max(map(len, lines)) <= 80


PROGRAM = """
from leadscoring.cli.page import Line, show
show([Line("Verdict: weak", "weak"), "warning: few leads, so that the figures are uncertain, as their intervals show"])
"""


@pytest.mark.parametrize("width", [60, 80, 132])
def test_a_page_is_as_wide_as_its_terminal(width: int) -> None:
    """Up to 100 columns, beyond which nobody likes to read."""
    shown = in_terminal(PROGRAM.replace("few leads", "few leads " * 20), width=width, environ={"NO_COLOR": "1"})
    assert min(width, 100) - 20 < max(map(len, shown.lines)) <= min(width, 100)


@pytest.mark.parametrize(
    ("environ", "colour"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"CI": "true"}, False)]
)
def test_colour_is_shown_where_it_is_wanted(environ: dict[str, str], colour: bool) -> None:
    """In a terminal, and never alone: the words are the same without it."""
    shown = in_terminal(PROGRAM, environ=environ)
    assert ("\x1b[" in shown.raw) == colour
    assert shown.lines[0] == "Verdict: weak"


def test_a_style_does_not_colour_the_indent() -> None:
    """So that underlined or inverted words begin where they should."""
    assert coloured("  next", "command").startswith("  \x1b[36mnext")


def test_cells_are_laid_out_in_columns() -> None:
    """As wide as the widest cell, without spaces at the end."""
    assert columns([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]
    assert columns([]) == []


ARGUMENTS = st.lists(st.text(st.characters(codec="ascii", categories=["L", "P", "Zs", "S"])), min_size=1, max_size=20)


@given(words=ARGUMENTS, width=st.integers(40, 100))
def test_a_command_means_the_same_to_the_shell_when_it_is_broken(words: list[str], width: int) -> None:
    """Whatever is in its words: it can be copied as it is printed."""
    lines = command_lines("  " + shlex.join(words), width)
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == words


def test_a_command_breaks_before_an_option() -> None:
    """Whose value stays beside it."""
    command = "  leadscoring train 'my deals.csv' --target 'Deal Stage' --positive won --out model.json"
    assert command_lines(command, 60) == [
        "  leadscoring train 'my deals.csv' --target 'Deal Stage' \\",
        "    --positive won --out model.json",
    ]

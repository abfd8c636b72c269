"""What the command line prints: lines as wide as the terminal, with hanging indents, and colour where it is seen."""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from typing import IO, Any, NamedTuple

import click

from leadscoring.standard_streams import silence

USUAL, NARROWEST, WIDEST = 80, 20, 100
"""Columns of a page: without a terminal, and the least and the most in a terminal."""

DEEPEST = 34
"""The deepest column to which a second line is indented."""

LABEL = re.compile(r"(\s*)(\S.*?\S? {2,})(?=\S)")
"""The indent of a line, and what stands before a gap of two or more spaces: the label of what follows."""

STYLES: Mapping[str, Mapping[str, Any]] = {
    "heading": {"bold": True},
    "good": {"fg": "green", "bold": True},
    "usable": {"fg": "green", "bold": True},
    "weak": {"fg": "yellow", "bold": True},
    "unusable": {"fg": "red", "bold": True},
    "warning": {"fg": "yellow"},
    "error": {"fg": "red", "bold": True},
    "command": {"fg": "cyan"},
    "quiet": {"dim": True},
}
"""How each kind of words looks in colour; without colour, the words alone say the same."""

WORDS = re.compile(r"^(\s*)(warning|Error|Warning)(:)")
"""The beginning of a line that has a colour by itself."""


class Line(NamedTuple):
    """A line to print, in a style of ``STYLES`` or none; further lines begin at column ``hang`` if it is given."""

    text: str
    style: str = ""
    hang: int | None = None


def is_lively(stream: IO[str]) -> bool:
    """Whether a stream is a terminal on which lines can be drawn again."""
    return stream.isatty() and os.environ.get("TERM") not in {None, "", "dumb"} and not os.environ.get("CI")


def has_colour(stream: IO[str]) -> bool:
    """Whether a stream shows colour: a terminal, unless ``NO_COLOR`` is set (no-color.org)."""
    return is_lively(stream) and not os.environ.get("NO_COLOR")


def width_of(stream: IO[str]) -> int:
    """The columns of a stream: those of the terminal within bounds, 80 elsewhere."""
    if not stream.isatty():
        return USUAL
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = shutil.get_terminal_size((USUAL, 24)).columns
    return max(NARROWEST, min(columns or USUAL, WIDEST))


def wrapped(text: str, width: int, hang: int | None = None) -> list[str]:
    """Breaks a line at spaces so that no part is wider than ``width``; a word that is wider stays whole.

    Further lines begin below what follows the label (``ROC-AUC   0.9``), else two columns deeper than the first, or at
    column ``hang``.
    """
    indent = len(text) - len(text.lstrip())
    if len(text) <= width:
        return [text]
    found = LABEL.match(text)
    deep = found.end() if found is not None and found.end() <= DEEPEST else indent + 2
    start = " " * min(deep if hang is None else hang, width * 3 // 5)
    head = text[: found.end()] if found is not None and found.end() < width else " " * indent
    lines: list[str] = []
    line, empty = head, True
    for word in text[len(head) :].split(" "):
        if not empty and len(line) + 1 + len(word) > width:
            lines.append(line.rstrip())
            line, empty = start, True
        if empty and not word:
            continue
        line, empty = line + word if empty else f"{line} {word}", False
    return [*lines, line.rstrip()]


PART = re.compile(r"(?:--?[\w-]+ )?(?:'[^']*'|\"[^\"]*\"|\\\\.|[^\s'\"])+")
"""A word of a command for the shell, with the option before it; spaces within quotation marks are part of it."""


def command_lines(text: str, width: int) -> list[str]:
    """Breaks a command for the shell between its words, with a backslash at the end, so that it can be copied."""
    indent = " " * (len(text) - len(text.lstrip()))
    if len(text) <= width:
        return [text]
    lines, line = [], ""
    for found in PART.finditer(text):
        part = found[0]
        if line and len(line) + 1 + len(part) + 2 > width:
            lines.append(f"{line} \\")
            line = f"{indent}  {part}"
        else:
            line = f"{line} {part}" if line else indent + part
    return [*lines, line]


def broken(line: Line, width: int) -> list[str]:
    """Breaks a line as its style wants it; a text of several lines at its own ends too."""
    if line.style == "command":
        return command_lines(line.text, width)
    return [part for text in line.text.split("\n") for part in wrapped(text, width, line.hang)]


def coloured(line: str, style: str) -> str:
    """A line in a style, or with the word in colour by which it begins."""
    if style:
        bare = line.lstrip()
        return line[: len(line) - len(bare)] + click.style(bare, **STYLES[style])
    return WORDS.sub(lambda found: found[1] + click.style(found[2] + found[3], **STYLES[found[2].lower()]), line)


def show(lines: Iterable[str | Line], stream: IO[str] | None = None) -> None:
    """Prints lines to a stream, by default to standard output."""
    out = sys.stdout if stream is None else stream
    width, colour = width_of(out), has_colour(out)
    for one in lines:
        line = one if isinstance(one, Line) else Line(one)
        for part in broken(line, width):
            put(coloured(part, line.style) if colour else part, out, colour)


def put(text: str, stream: IO[str], colour: bool | None = None) -> None:
    """Prints one line. Raises ``OSError``, with the name, if standard output fails; a failing standard error is silent.

    What is printed there is not worth the work that it is about.
    """
    try:
        click.echo(text, file=stream, color=colour)
    except OSError as failure:
        silence(stream)
        if stream is not sys.stderr:
            failure.filename = "standard output"
            raise


def columns(rows: Iterable[tuple[str, ...]], gap: int = 2) -> list[str]:
    """Lays out rows of cells in columns as wide as their widest cell; the last column is not filled."""
    table = list(rows)
    if not table:
        return []
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    space = " " * gap
    return [space.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]

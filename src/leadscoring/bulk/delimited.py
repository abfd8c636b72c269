"""Parses blocks of delimited text: at once where every line is a plain row, else line by line as in training.

Both ways return the same. A line that cannot be a row (too many values, NUL bytes, a single value) is refused by
itself.
"""

import io
import re
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring._engine import plain_rows
from leadscoring.bulk.batch import Batch, Indices, Position, Refused
from leadscoring.bulk.layout import Layout
from leadscoring.bulk.quotation import NEIGHBOURS, Quotation
from leadscoring.training.reading.lines import cells, well_formed, widths, written
from leadscoring.training.reading.text import by_line

NO_BREAK = "\xa0".encode()

NOTHING, NUMBERS, TEXTS = 0, 1, 2
"""What the engine makes of a column."""


class Cut(NamedTuple):
    """A block parsed: the batch, and how many bytes of the block it covers; none if more of the file is needed."""

    batch: Batch | None
    used: int


class Line(NamedTuple):
    """A row of text with correct quoting: its number in the file, and what stands there."""

    number: int
    text: str
    raw: str


class Parser:
    """Parses the blocks of one file.

    ``wanted`` are the columns to return, ``numbers`` those of them whose cells are plain numbers or empty as a rule;
    a block in which one holds anything else returns it as text. ``single`` are columns without line breaks.
    """

    def __init__(
        self, layout: Layout, wanted: Sequence[str], numbers: Sequence[str], single: Sequence[str] = ()
    ) -> None:
        self.layout = layout
        self.wanted = [name for name in layout.names if name in set(wanted)]
        self._numbers = frozenset(numbers)
        self._texts: set[str] = set()
        self._places = [layout.names.index(name) for name in self.wanted]
        self.quotation = Quotation(layout.names, layout.delimiter, numbers, single)

    def parse(self, block: bytes, at: Position, is_final: bool) -> Cut:
        """Parses the rows of a block that starts at a row; the last ones may be left for the next block."""
        sound = block.replace(b"\r\n", b"\n") if b"\r" in block else block
        found = self._at_once(sound)
        if found is None:
            return self._line_by_line(block, at, is_final)
        frame, empty = found
        count = frame.height
        lines, rows = np.arange(at.line, at.line + count), Plain(sound, self)
        end = Position(at.offset + len(block), at.line + count)
        if empty:
            keep = np.delete(np.arange(count), empty)
            frame, lines, rows.places = frame[keep], lines[keep], keep
        return Cut(Batch(frame, lines, (), {}, rows.texts, rows.contents, len(empty), 0, end), len(block))

    def _at_once(self, block: bytes) -> tuple[pl.DataFrame, list[int]] | None:
        """The rows of a block in which each line is a row without quotation marks, and which of them have no value.

        Returns ``None`` for any other block.
        """
        layout = self.layout
        if len(layout.names) < 2 or layout.is_wrapped or layout.is_mac or not is_plain(block):
            return None
        if NO_BREAK in block and self._blank.search(block):  # a line without any value that the engine does not know
            return None
        while True:
            found = plain_rows(block, layout.delimiter, self._kinds())
            if found is None:
                return None
            _, columns, empty = found
            odd = [name for name, column in zip(self.wanted, columns, strict=True) if column is None]
            if not odd:
                frame = pl.DataFrame(
                    {name: pl.Series(column) for name, column in zip(self.wanted, columns, strict=True)}
                )
                return None if self._has_header(frame) else (frame, empty)
            self._texts.update(odd)

    @cached_property
    def _blank(self) -> re.Pattern[bytes]:
        """A line in which no-break spaces are all that stands."""
        space = rb"[ \t" + re.escape(self.layout.delimiter.encode()) + rb"]"
        return re.compile(rb"^" + space + rb"*+\xc2\xa0(?:" + space + rb"|\xc2\xa0)*+$", re.MULTILINE)

    def _kinds(self) -> list[int]:
        """How the engine reads each column of the file."""
        kinds = [NOTHING] * len(self.layout.names)
        for name, place in zip(self.wanted, self._places, strict=True):
            kinds[place] = NUMBERS if name in self._numbers and name not in self._texts else TEXTS
        return kinds

    def table(self, block: bytes) -> pl.DataFrame:
        """Parses rows that are as long as the header; all columns are text."""
        return pl.read_csv(
            io.BytesIO(block),
            separator=self.layout.delimiter,
            has_header=False,
            schema=dict.fromkeys(self.layout.names, pl.String),
            columns=self._places,
            raise_if_empty=False,
        ).select(self.wanted)

    def _has_header(self, frame: pl.DataFrame) -> bool:
        """Whether a row may be the header again."""
        first = frame.columns[0] if frame.columns else ""
        if not first or frame[first].dtype != pl.String:
            return False
        label = self.layout.header[self.layout.names.index(first)]
        return bool((frame[first].str.strip_chars() == label).any())

    def _line_by_line(self, block: bytes, at: Position, is_final: bool) -> Cut:
        """Parses a block with quotation marks, odd lengths, other encodings or NUL bytes."""
        text, raw = self._decoded(block)
        lines = text.removesuffix("\x1a").split("\n") if is_final else text.split("\n")
        if not is_final or lines[-1] == "":
            lines.pop()
        lines = ["".join(cells(line, "\0")) for line in lines] if self.layout.is_wrapped else lines
        rows, refused, used = self._rows(lines, at.line, is_final)
        if not used and not is_final:
            return Cut(None, 0)
        length = len(block) if used == len(lines) else offset(raw, self.layout.end, used)
        sorting = Sorting(self, rows, refused)
        sorting.sort()
        end = Position(at.offset + length, at.line + used)
        foreign = tuple(at.line + place for place in foreign_lines(raw, self.layout.end) if place < used)
        return Cut(sorting.batch(end)._replace(foreign=foreign), length)

    def _decoded(self, block: bytes) -> tuple[str, bytes]:
        """The text of a block with line feeds, line by line in whatever encoding, and the bytes with its line ends."""
        try:
            text = block.decode()
        except UnicodeDecodeError:
            text = by_line(block)[0]
        if self.layout.is_mac:
            return text.replace("\r", "\n"), block
        return text.replace("\r\n", "\n").replace("\r", " ").replace("\ufeff", ""), block

    def _rows(self, lines: list[str], first: int, is_final: bool) -> tuple[list[Line], list[Refused], int]:
        """The rows of some lines, what is refused, and how many lines these are."""
        layout, rows, refused = self.layout, list[Line](), list[Refused]()
        plain, at = self._plain(lines), 0
        while at < len(lines):
            line = lines[at]
            if "\0" in line:
                refused.append(Refused(first + at, line.replace("\0", "\\0"), nul_words(line)))
                at += 1
                continue
            if plain[at]:
                rows.append(Line(first + at, line, line))
                at += 1
                continue
            found = self.quotation.read(lines, at, first, is_final)
            if found is None:
                break
            if found.row is not None:
                text = "\n".join(lines[at : found.end])
                rows.append(Line(first + at, written(found.row, layout.delimiter), text))
            else:
                refused += self._beside(rows, first + at)
                refused += found.refused
                rows += [Line(first + place, "", "") for place in range(at, found.end) if not lines[place].strip()]
            at = found.end
        return rows, refused, at if is_final else self._before_short(rows, first, at)

    def _plain(self, lines: list[str]) -> npt.NDArray[np.bool_]:
        """Which lines are well-formed, and hide no separators between quotation marks."""
        plain, delimiter = well_formed(lines, self.layout.delimiter), self.layout.delimiter
        short = np.flatnonzero(plain & (widths(lines, delimiter) < len(self.layout.names)))
        plain[[place for place in short.tolist() if self.quotation.hides(lines[place])]] = False
        return plain

    def _beside(self, rows: list[Line], number: int) -> list[Refused]:
        """Removes the last rows if they have too few values: they are refused with the line behind them."""
        parts: list[Line] = []
        while (
            rows and rows[-1].number == number - len(parts) - 1 and len(parts) < NEIGHBOURS and self._is_part(rows[-1])
        ):
            parts.insert(0, rows.pop())
        rows += [row for row in parts if not row.raw.strip()]
        words = self.quotation.beside_words(number)
        return [Refused(row.number, row.raw, words) for row in parts if row.raw.strip()]

    def _before_short(self, rows: list[Line], first: int, at: int) -> int:
        """The number of lines before the last ones with too few values: the line behind them decides on these."""
        end, most = at, at - NEIGHBOURS
        while rows and rows[-1].number == first + end - 1 and end > most and self._is_part(rows[-1]):
            rows.pop()
            end -= 1
        return end

    def _is_part(self, row: Line) -> bool:
        """Whether a row may be a part of a value that was cut: a line of its own with too few values, or none."""
        return row.text == row.raw and self.quotation.is_part(row.text)


class Sorting:
    """Sorts the lines of a block: rows as long as the header, shorter ones, and those that are none."""

    def __init__(self, parser: Parser, rows: list[Line], refused: list[Refused]) -> None:
        self._parser = parser
        self._layout = parser.layout
        self._refused = refused
        self._rows = rows
        self._short: dict[int, int] = {}
        self._empty = 0
        self._headers = 0

    def sort(self) -> None:
        """Decides what each line is."""
        delimiter, wanted = self._layout.delimiter, len(self._layout.names)
        self._rows = [self._unwrapped(line) for line in self._rows]
        count = widths([line.text for line in self._rows], delimiter).tolist() if self._rows else []
        torn = self._torn(count)
        kept: list[Line] = []
        for place, (line, width) in enumerate(zip(self._rows, count, strict=True)):
            row = cells(line.text, delimiter) if width != wanted else []
            if place in torn:
                self._refuse(line, torn[place])
            elif not line.text.strip(f'{delimiter}" \t\xa0'):
                self._empty += 1
            elif width == wanted and self._is_header(line):
                self._headers += 1
            elif width == wanted:
                kept.append(line)
            elif width > wanted and not any(cell.strip() for cell in row[wanted:]):
                kept.append(line._replace(text=written(row[:wanted], delimiter)))
            elif 1 < width < wanted:
                self._short[len(kept)] = width
                kept.append(line._replace(text=line.text + delimiter * (wanted - width)))
            else:
                self._refuse(line, width_words(width, wanted, delimiter))
        self._rows = kept

    def _unwrapped(self, line: Line) -> Line:
        """A row without the quotation marks around the whole of it, as some spreadsheets write it."""
        if not line.text.startswith('"'):
            return line
        row = cells(line.text, self._layout.delimiter)
        inner = cells(row[0], self._layout.delimiter)
        if len(row) == 1 and len(inner) == len(self._layout.names) > 1:
            return line._replace(text=written(inner, self._layout.delimiter))
        return line

    def _torn(self, count: list[int]) -> dict[int, str]:
        """The places of lines that look like two halves of one row, with what to say of them."""
        wanted = len(self._layout.names)
        found: dict[int, str] = {}
        for (place, first), (_, second) in pairwise(enumerate(count)):
            if first < wanted and second < wanted and first > 1 and first + second - 1 == wanted:
                one, other = self._rows[place].number, self._rows[place + 1].number
                words = (
                    f"lines {one} and {other} look like one lead that a line break cut in two: put the value that "
                    "holds the line break in quotation marks"
                )
                found |= {place: words, place + 1: words}
        return found

    def _is_header(self, line: Line) -> bool:
        label = self._layout.header[0]
        return label in line.text and [cell.strip() for cell in cells(line.text, self._layout.delimiter)] == list(
            self._layout.header
        )

    def _refuse(self, line: Line, message: str) -> None:
        self._refused.append(Refused(line.number, line.raw, message))

    def batch(self, end: Position) -> Batch:
        """The batch of the rows that are left."""
        frame = self._table(range(len(self._rows)))
        lines = np.array([line.number for line in self._rows], dtype=np.int64)
        return Batch(
            frame,
            lines,
            sorted(self._refused),
            self._short,
            self._table,
            self._contents,
            self._empty,
            self._headers,
            end,
        )

    def _table(self, rows: Sequence[int]) -> pl.DataFrame:
        content = "\n".join(self._rows[row].text for row in rows)
        frame = without_formulas(self._parser.table(content.encode()))
        if frame.height != len(rows):  # a row without any value in the only column
            frame = pl.DataFrame({self._parser.wanted[0]: [self._rows[row].text for row in rows]})
        return frame

    def _contents(self, rows: Sequence[int]) -> list[str]:
        return [self._rows[row].raw for row in rows]


class Plain:
    """The lines of a block in which each is a row, cut only when someone asks for them."""

    def __init__(self, block: bytes, parser: Parser) -> None:
        self._block = block
        self._parser = parser
        self.places: Indices | None = None

    @cached_property
    def _lines(self) -> list[bytes]:
        return self._block.split(b"\n")

    def _line(self, row: int) -> bytes:
        return self._lines[row if self.places is None else int(self.places[row])]

    def texts(self, rows: Sequence[int]) -> pl.DataFrame:
        """Rows with all columns as text."""
        return self._parser.table(b"\n".join(self._line(row) for row in rows))

    def contents(self, rows: Sequence[int]) -> list[str]:
        """What stands in the file for rows."""
        return [self._line(row).decode() for row in rows]


def foreign_lines(block: bytes, end: bytes) -> list[int]:
    """The places of lines that are not UTF-8."""
    try:
        block.decode()
    except UnicodeDecodeError:
        return [place for place, line in enumerate(block.split(end)) if not is_unicode(line)]
    return []


def is_unicode(line: bytes) -> bool:
    """Whether bytes are UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_plain(block: bytes) -> bool:
    """Whether a block is UTF-8 without quotation marks, NUL bytes, carriage returns and byte order marks."""
    if b'"' in block or b"\0" in block or b"\r" in block:
        return False
    if block.isascii():
        return b"\x1a" not in block[-1:]
    try:
        return "\ufeff" not in block.decode()
    except UnicodeDecodeError:
        return False


def without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Unwraps ``="00123"``, which exports use to keep Excel from converting text to a number."""
    return frame.with_columns(pl.col(pl.String).str.replace(r'^="(.*)"$', "${1}"))


def offset(block: bytes, end: bytes, count: int) -> int:
    """The offset of the byte after so many line ends."""
    at = 0
    for _ in range(count):
        at = block.find(end, at) + 1
    return at


def nul_words(line: str) -> str:
    """What is wrong with a line that has NUL bytes."""
    count = line.count("\0")
    return f"the line has {count} NUL byte{'s' * (count > 1)}, so the file is damaged here"


def width_words(width: int, wanted: int, delimiter: str) -> str:
    """What is wrong with a line of another length than the header."""
    if width < wanted:
        return f"a single value where the header names {wanted} columns"
    return f"{width} values where the header names {wanted} columns: put a value that holds {delimiter!r} in quotes"

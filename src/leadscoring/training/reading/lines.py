"""Splits a delimited file into rows: delimiter, quoting, lines above the header and below the data.

Most files, and most lines of the others, are well-formed: those are checked in bulk. Only lines that a regular
expression rejects are parsed character by character and rewritten with correct quoting.
"""

import re
from itertools import compress
from statistics import median, mode

import msgspec
import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError

DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SNIFFED = 200
"""Number of lines examined to detect the delimiter."""

MOST_TITLES = 30
"""Maximum number of lines above the header."""

MOST_FOOTERS = 10
LONGEST_CELL = 1000
"""Maximum number of lines in one quoted cell; beyond it, the closing quotation mark is missing."""

TITLE_SHARE = 0.34
"""A line above the header has at most this share of the usual number of cells filled."""

SEPARATOR_LINE = re.compile(r'^"?sep=(.)"?$', re.IGNORECASE)
OPENING = re.compile(r' *"')
QUOTED = r'"(?:[^"]|"")*"'


class Rows(msgspec.Struct):
    """The rows below the header, each as correctly quoted text with its line number in the file.

    ``header`` are the cells of the header as they stand; ``notes`` describe what was changed.
    """

    header: list[str]
    texts: list[str]
    lines: list[int]
    delimiter: str
    notes: list[str]


def rows_of(text: str, path: object) -> Rows:
    """The header and the rows of a delimited text.

    Raises ``TrainingDataError`` if the file is empty.
    """
    lines, layout = laid_out(text.split("\n"))
    delimiter, notes = layout.delimiter, layout.notes
    texts, numbers = filled_rows(lines, delimiter, layout.first, notes)
    if not texts:
        raise TrainingDataError(f"{path} is empty")
    top = header_place(texts, delimiter)
    if top:
        notes.append(
            f"{top} line{'s' * (top > 1)} above the header (line {numbers[top]}) left out: {shown(texts[:top])}"
        )
    header = cells(texts[top], delimiter)
    rows = Rows(header, texts[top + 1 :], numbers[top + 1 :], delimiter, notes)
    without_footers(rows)
    return rows


class Layout(msgspec.Struct):
    """How a file is laid out: its delimiter, the number of its first line of cells, and whether lines are in quotes."""

    delimiter: str
    first: int
    wrapped: bool
    notes: list[str]


def laid_out(lines: list[str]) -> tuple[list[str], Layout]:
    """The lines of cells, of all lines or of the first ones, and their layout."""
    notes, first, delimiter = [], 1, ""
    if named := SEPARATOR_LINE.match(lines[0].strip()):
        delimiter, lines, first = named[1], lines[1:], 2
        notes.append("a first line 'sep=' names the separator")
    if in_quotes := wrapped(lines[:SNIFFED]):
        lines = ["".join(cells(line, "\0")) for line in lines]
        notes.append("each line is entirely within quotation marks: they were removed")
    delimiter = delimiter or sniff(lines[:SNIFFED])
    notes.append(f"separated by {NAMES.get(delimiter, repr(delimiter))}")
    return lines, Layout(delimiter, first, in_quotes, notes)


def filled_rows(lines: list[str], delimiter: str, first: int, notes: list[str]) -> tuple[list[str], list[int]]:
    """The rows that are not empty, with correct quoting, and the line number of each."""
    texts, numbers = in_order(lines, delimiter, first, notes)
    filled = not_blank(texts, delimiter)
    if all(filled):
        return texts, numbers
    return list(compress(texts, filled)), list(compress(numbers, filled))


def wrapped(lines: list[str]) -> bool:
    """Whether each line is a single quoted cell that contains delimiters, as some spreadsheets export them."""
    filled = [line for line in lines if line.strip()]
    return all(
        line.startswith('"') and all(len(cells(line, delimiter)) == 1 for delimiter in DELIMITERS) for line in filled
    ) and any(delimiter in line for line in filled[:1] for delimiter in DELIMITERS)


def shown(texts: list[str]) -> str:
    """The first lines, shortened."""
    return ", ".join(repr(text[:60]) for text in texts[:3]) + (", ..." if len(texts) > 3 else "")


def cells(line: str, delimiter: str) -> list[str]:
    """Parses the cells of one row."""
    row, rest = scan(line, delimiter, None)
    return row if rest is None else [*row, rest]


def scan(line: str, delimiter: str, unfinished: str | None) -> tuple[list[str], str | None]:
    """Parses the cells of a line; also returns the beginning of a cell that continues on the next line, or ``None``.

    A quotation mark closes a cell only before a delimiter or the end of the line, and opens one only at its
    beginning; any other is literal.
    """
    row: list[str] = []
    at = 0
    while True:
        if unfinished is None:
            opening = OPENING.match(line, at)
            if opening is None:
                end = line.find(delimiter, at)
                if end < 0:
                    return [*row, line[at:]], None
                row.append(line[at:end])
                at = end + len(delimiter)
                continue
            unfinished, at = "", opening.end()
        mark = line.find('"', at)
        if mark < 0:
            return row, unfinished + line[at:]
        unfinished += line[at:mark]
        rest = line[mark + 1 :].lstrip(" ")[:1] if line[mark + 1 : mark + 2] == " " else line[mark + 1 : mark + 2]
        if line[mark + 1 : mark + 2] == '"':
            unfinished, at = unfinished + '"', mark + 2
        elif rest in ("", delimiter):
            row.append(unfinished)
            unfinished = None
            at = line.find(delimiter, mark + 1)
            if at < 0:
                return row, None
            at += len(delimiter)
        else:
            unfinished, at = unfinished + '"', mark + 1


def written(row: list[str], delimiter: str) -> str:
    """Joins cells to a row with correct quoting."""
    return delimiter.join(
        '"' + cell.replace('"', '""') + '"' if '"' in cell or delimiter in cell or "\n" in cell else cell
        for cell in row
    )


def sniff(lines: list[str]) -> str:
    """Detects the delimiter that splits the most lines into the same number of cells, and into the most cells."""

    def merit(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in sample(lines, delimiter)]
        if not widths:
            return 0.0, 0
        usual = mode(widths)
        return (sum(width == usual for width in widths) / len(widths) if usual > 1 else 0.0), usual

    return max(DELIMITERS, key=merit)


def sample(lines: list[str], delimiter: str) -> list[list[str]]:
    """The rows of some lines; a last row that is incomplete is left out."""
    rows: list[list[str]] = []
    held: list[str] = []
    unfinished: str | None = None
    for line in lines:
        if unfinished is None and not line.strip():
            continue
        row, unfinished = scan(line, delimiter, None if unfinished is None else unfinished + "\n")
        held += row
        if unfinished is None:
            rows.append(held)
            held = []
    return rows or [line.split(delimiter) for line in lines if line.strip()]


def in_order(lines: list[str], delimiter: str, first: int, notes: list[str]) -> tuple[list[str], list[int]]:
    """The rows with correct quoting, and the line number of each; cells may span several lines."""
    plain = well_formed(lines, delimiter)
    if plain.all():
        return lines, list(range(first, first + len(lines)))
    usual = mode(map(len, sample(lines[:SNIFFED], delimiter)))
    texts: list[str] = []
    numbers: list[int] = []
    mended: list[int] = []
    joined: list[int] = []
    at = 0
    while at < len(lines):
        numbers.append(first + at)
        if plain[at]:
            texts.append(lines[at])
            at += 1
            continue
        row, end, whole = one_row(lines, at, delimiter, usual)
        texts.append(written(row, delimiter))
        if not whole:
            mended.append(first + at)
        if end > at + 1 and may_be_several(lines[at:end], row, usual, delimiter):
            joined.append(first + at)
        at = end
    if joined:
        notes.append(
            f"{len(joined)} row{'s' * (len(joined) > 1)} of several lines may be several leads that a stray quotation "
            f'mark joined (the first is line {joined[0]}): double a quotation mark that is part of a value ("")'
        )
    if mended:
        notes.append(
            f"{len(mended)} line{'s' * (len(mended) > 1)} with stray quotation marks, which were kept as they are "
            f"(the first is line {mended[0]})"
        )
    return texts, numbers


def well_formed(lines: list[str], delimiter: str) -> np.ndarray:
    """Whether each line is a correctly quoted row; shape (lines,)."""
    series = pl.Series(lines, dtype=pl.String)
    marks = series.str.contains('"', literal=True)
    if not marks.any():
        return np.ones(len(lines), dtype=bool)
    other = f'[^"{re.escape(delimiter)}]*'
    cell = f"(?:{QUOTED}|{other})"
    fine = series.str.contains(f"^{cell}(?:{re.escape(delimiter)}{cell})*$")
    return (fine | ~marks).to_numpy()


def one_row(lines: list[str], at: int, delimiter: str, usual: int) -> tuple[list[str], int, bool]:
    """Parses the row that starts at a line: its cells, the next line, and whether its quoting is correct.

    A line with a single, unclosed quotation mark is a row of its own if it has the usual number of cells without it,
    and the next line has too.
    """
    part, unfinished = scan(lines[at], delimiter, None)
    if unfinished is None:
        return part, at + 1, False
    alone = lines[at].split(delimiter)
    if len(alone) == usual and lines[at].count('"') == 1:
        following = next((line for line in lines[at + 1 : at + LONGEST_CELL] if line.strip()), None)
        if following is None or len(cells(following, delimiter)) == usual:
            return alone, at + 1, False
    row, end = part, at + 1
    while end < min(len(lines), at + LONGEST_CELL):
        part, unfinished = scan(lines[end], delimiter, unfinished + "\n")
        row, end = row + part, end + 1
        if unfinished is None:
            return row, end, True
    return alone, at + 1, False


def may_be_several(lines: list[str], row: list[str], usual: int, delimiter: str) -> bool:
    """Whether lines that quotation marks make one row are rather several: they are no row, or rows by themselves."""
    full = [any(len(one) == usual for one in readings(line, delimiter)) for line in lines]
    return len(row) != usual or any(full[1:-1]) or (full[0] and full[-1])


def readings(line: str, delimiter: str) -> list[list[str]]:
    """The cells of a line by itself: whether its quotation marks count, none does, or only those that are closed."""
    row, rest = scan(line, delimiter, None)
    alone = [line.split(delimiter)]
    return [*alone, row] if rest is None else [*alone, [*row, rest], [*row, *rest.split(delimiter)]]


def not_blank(texts: list[str], delimiter: str) -> list[bool]:
    """Whether each row has a cell that is not empty."""
    return pl.Series(texts, dtype=pl.String).str.contains(f'[^\\s"{re.escape(delimiter)}]').to_list()


def header_place(texts: list[str], delimiter: str) -> int:
    """The number of lines above the header: those with few cells filled."""
    rows = [cells(text, delimiter) for text in texts[:SNIFFED]]
    usual = median(map(len, rows))
    for place, row in enumerate(rows[: MOST_TITLES + 1]):
        filled = sum(1 for cell in row if cell.strip())
        if filled > max(1, TITLE_SHARE * usual) or usual < 2:
            return place
    return 0


def widths(texts: list[str], delimiter: str) -> np.ndarray:
    """The number of cells of each row, shape (rows,)."""
    series = pl.Series(texts, dtype=pl.String)
    if series.str.contains('"', literal=True).any():
        series = series.str.replace_all(QUOTED, "")
    return series.str.count_matches(delimiter, literal=True).to_numpy().astype(np.int64) + 1


def without_footers(rows: Rows) -> None:
    """Removes the last lines with a single cell, such as a report's remark on its author."""
    if len(rows.header) < 2:
        return
    count = 0
    while count < min(MOST_FOOTERS, len(rows.texts)) and widths(rows.texts[-1 - count :][:1], rows.delimiter)[0] == 1:
        count += 1
    if count == len(rows.texts):
        count = 0
    if count:
        last = rows.texts[-count:]
        del rows.texts[-count:], rows.lines[-count:]
        rows.notes.append(f"{count} line{'s' * (count > 1)} below the data left out: {shown(last)}")

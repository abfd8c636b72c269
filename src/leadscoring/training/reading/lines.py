"""From the text of a delimited file to its rows: separator, quotation marks, lines above the header and below the data.

Most files are well-formed, and most lines of the others: those are judged all at once, and only what a
regular expression refuses is read character by character and written again as it should be.
"""

import re
from statistics import median, mode

import msgspec
import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError

DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SNIFFED = 200
"""Lines that are looked at to find the separator."""

MOST_TITLES = 30
"""Lines above the header, at most."""

MOST_FOOTERS = 10
LONGEST_CELL = 1000
"""Lines that one quoted cell may have; one with more was never closed."""

TITLE_SHARE = 0.34
"""A line above the header has no more than this share of the usual number of cells filled."""

SEPARATOR_LINE = re.compile(r'^"?sep=(.)"?$', re.IGNORECASE)
OPENING = re.compile(r' *"')
QUOTED = r'"(?:[^"]|"")*"'


class Rows(msgspec.Struct):
    """The rows below the header, each as text whose quotation marks are in order, with its line in the file.

    ``header`` are the cells of the header as they stand; ``notes`` say what was done.
    """

    header: list[str]
    texts: list[str]
    lines: list[int]
    delimiter: str
    notes: list[str]


def rows_of(text: str, path: object) -> Rows:
    """The header and the rows of a delimited text.

    Raises ``TrainingDataError`` that names the line and the cure where a row cannot be understood.
    """
    lines, first, notes = text.split("\n"), 1, []
    delimiter = ""
    if named := SEPARATOR_LINE.match(lines[0].strip()):
        delimiter, lines, first = named[1], lines[1:], 2
        notes.append("a first line 'sep=' names the separator")
    if wrapped(lines[:SNIFFED]):
        lines = ["".join(cells(line, "\0")) for line in lines]
        notes.append("each line is entirely within quotation marks: they were removed")
    delimiter = delimiter or sniff(lines[:SNIFFED])
    notes.append(f"separated by {NAMES.get(delimiter, repr(delimiter))}")
    texts, numbers = in_order(lines, delimiter, first, notes)
    filled = not_blank(texts, delimiter)
    if not any(filled):
        raise TrainingDataError(f"{path} is empty")
    texts = [one for one, keep in zip(texts, filled, strict=True) if keep]
    numbers = [one for one, keep in zip(numbers, filled, strict=True) if keep]
    top = header_place(texts, delimiter)
    if top:
        notes.append(
            f"{top} line{'s' * (top > 1)} above the header (line {numbers[top]}) left out: {shown(texts[:top])}"
        )
    header = cells(texts[top], delimiter)
    rows = Rows(header, texts[top + 1 :], numbers[top + 1 :], delimiter, notes)
    without_footers(rows)
    return rows


def wrapped(lines: list[str]) -> bool:
    """Whether each line is a single quoted cell in which there are separators, as some spreadsheets write them."""
    filled = [line for line in lines if line.strip()]
    return all(
        line.startswith('"') and all(len(cells(line, delimiter)) == 1 for delimiter in DELIMITERS) for line in filled
    ) and any(delimiter in line for line in filled[:1] for delimiter in DELIMITERS)


def shown(texts: list[str]) -> str:
    """Some lines, cut short."""
    return ", ".join(repr(text[:60]) for text in texts[:3]) + (", ..." if len(texts) > 3 else "")


def cells(line: str, delimiter: str) -> list[str]:
    """The cells of one row."""
    found, rest = scan(line, delimiter, None)
    return found if rest is None else [*found, rest]


def scan(line: str, delimiter: str, unfinished: str | None) -> tuple[list[str], str | None]:
    """The cells of a line, and what is there so far of a cell that goes on in the next line.

    A quotation mark closes a cell only before a separator or the end of the line, and opens one only at
    its beginning; any other stands for itself.
    """
    found: list[str] = []
    at = 0
    while True:
        if unfinished is None:
            opening = OPENING.match(line, at)
            if opening is None:
                end = line.find(delimiter, at)
                if end < 0:
                    return [*found, line[at:]], None
                found.append(line[at:end])
                at = end + len(delimiter)
                continue
            unfinished, at = "", opening.end()
        mark = line.find('"', at)
        if mark < 0:
            return found, unfinished + line[at:]
        unfinished += line[at:mark]
        rest = line[mark + 1 :].lstrip(" ")[:1] if line[mark + 1 : mark + 2] == " " else line[mark + 1 : mark + 2]
        if line[mark + 1 : mark + 2] == '"':
            unfinished, at = unfinished + '"', mark + 2
        elif rest in ("", delimiter):
            found.append(unfinished)
            unfinished = None
            at = line.find(delimiter, mark + 1)
            if at < 0:
                return found, None
            at += len(delimiter)
        else:
            unfinished, at = unfinished + '"', mark + 1


def written(row: list[str], delimiter: str) -> str:
    """Cells as one row whose quotation marks are in order."""
    return delimiter.join(
        '"' + cell.replace('"', '""') + '"' if '"' in cell or delimiter in cell or "\n" in cell else cell
        for cell in row
    )


def sniff(lines: list[str]) -> str:
    """The separator that cuts the most lines into one and the same number of cells, and into the most."""

    def merit(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in sample(lines, delimiter)]
        if not widths:
            return 0.0, 0
        usual = mode(widths)
        return (sum(width == usual for width in widths) / len(widths) if usual > 1 else 0.0), usual

    return max(DELIMITERS, key=merit)


def sample(lines: list[str], delimiter: str) -> list[list[str]]:
    """The rows of some lines; a last one that is not at its end is left out."""
    rows: list[list[str]] = []
    held: list[str] = []
    unfinished: str | None = None
    for line in lines:
        if unfinished is None and not line.strip():
            continue
        found, unfinished = scan(line, delimiter, None if unfinished is None else unfinished + "\n")
        held += found
        if unfinished is None:
            rows.append(held)
            held = []
    return rows or [line.split(delimiter) for line in lines if line.strip()]


def in_order(lines: list[str], delimiter: str, first: int, notes: list[str]) -> tuple[list[str], list[int]]:
    """Rows whose quotation marks are in order, and the line of each; cells of several lines are one."""
    plain = well_formed(lines, delimiter)
    if plain.all():
        return lines, list(range(first, first + len(lines)))
    usual = mode(map(len, sample(lines[:SNIFFED], delimiter)))
    texts: list[str] = []
    numbers: list[int] = []
    mended: list[int] = []
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
        at = end
    if mended:
        notes.append(
            f"{len(mended)} line{'s' * (len(mended) > 1)} with stray quotation marks, which were kept as they are "
            f"(the first is line {mended[0]})"
        )
    return texts, numbers


def well_formed(lines: list[str], delimiter: str) -> np.ndarray:
    """Whether each line is a row whose quotation marks are in order."""
    series = pl.Series(lines, dtype=pl.String)
    marks = series.str.contains('"', literal=True)
    if not marks.any():
        return np.ones(len(lines), dtype=bool)
    other = f'[^"{re.escape(delimiter)}]*'
    cell = f"(?:{QUOTED}|{other})"
    fine = series.str.contains(f"^{cell}(?:{re.escape(delimiter)}{cell})*$")
    return (fine | ~marks).to_numpy()


def one_row(lines: list[str], at: int, delimiter: str, usual: int) -> tuple[list[str], int, bool]:
    """The cells of the row that begins at a line, the line after it, and whether its quotation marks are in order.

    A line whose only mark is never closed is a row if it has all its cells without it, and the next line has too.
    """
    found, unfinished = scan(lines[at], delimiter, None)
    if unfinished is None:
        return found, at + 1, False
    alone = lines[at].split(delimiter)
    if len(alone) == usual and lines[at].count('"') == 1:
        following = next((line for line in lines[at + 1 : at + LONGEST_CELL] if line.strip()), None)
        if following is None or len(cells(following, delimiter)) == usual:
            return alone, at + 1, False
    row, end = found, at + 1
    while end < min(len(lines), at + LONGEST_CELL):
        found, unfinished = scan(lines[end], delimiter, unfinished + "\n")
        row, end = row + found, end + 1
        if unfinished is None:
            return row, end, True
    return alone, at + 1, False


def not_blank(texts: list[str], delimiter: str) -> list[bool]:
    """Whether each row has something in one of its cells."""
    return pl.Series(texts, dtype=pl.String).str.contains(f'[^\\s"{re.escape(delimiter)}]').to_list()


def header_place(texts: list[str], delimiter: str) -> int:
    """How many lines stand above the header: those with hardly a cell filled where the others have many."""
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
    """Leave out the last lines of a report that have a single cell, such as a remark on who made it."""
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

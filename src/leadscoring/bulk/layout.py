"""How a text file of leads is laid out: encoding, line ends, separator and header, detected as in training."""

import codecs
from statistics import mode

import msgspec

from leadscoring.errors import ScoringFileError
from leadscoring.training.reading.header import header_of, some_of
from leadscoring.training.reading.lines import (
    NAMES,
    SEPARATOR_LINE,
    SNIFFED,
    cells,
    header_place,
    in_order,
    not_blank,
    sample,
    shown,
    sniff,
    wrapped,
)
from leadscoring.training.reading.text import MARKS, MOST_NULS, SAMPLE, by_line, decode

HEAD = 1 << 20
"""Bytes at the start of a file from which its layout is detected."""


class Layout(msgspec.Struct, frozen=True):
    """The layout of a text file.

    ``names`` are those of its columns and ``header`` the cells they were made of; ``usual`` is the usual number of
    cells of a line. ``offset`` is the first byte below the header and ``line`` the number of its line, from 1.
    ``is_mac`` says that carriage returns alone end the lines, ``is_wrapped`` that each line stands in quotation marks
    as a whole.
    """

    names: tuple[str, ...]
    header: tuple[str, ...]
    labels: dict[str, str]
    delimiter: str
    usual: int
    offset: int
    line: int
    is_mac: bool = False
    is_wrapped: bool = False
    notes: tuple[str, ...] = ()

    @property
    def end(self) -> bytes:
        """The byte that ends a line."""
        return b"\r" if self.is_mac else b"\n"


def encoding_of(start: bytes, name: str) -> str:
    """The encoding of a text file by its first bytes: ``utf-8``, or UTF-16 or UTF-32 as Python calls it.

    Raises ``ScoringFileError`` if it is full of NUL bytes without the pattern of UTF-16.
    """
    for mark, encoding, _ in MARKS:
        if start.startswith(mark):
            return encoding
    start = start[:SAMPLE]
    if start.count(0) <= MOST_NULS * len(start):
        return "utf-8"
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if start[first::2].count(0) > 0.7 * len(start[first::2]) and not start[1 - first :: 2].count(0):
            return encoding
    raise ScoringFileError(f"{name} is neither Parquet nor text: it is full of NUL bytes")


def layout_of(head: bytes, is_whole: bool, name: str) -> Layout:
    """Detects the layout from the first bytes of a file; ``is_whole`` says that they are all of it.

    Raises ``TrainingDataError`` for a file that is no table of text, ``ScoringFileError`` for one whose header cannot
    be found.
    """
    start = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    is_mac = head.count(b"\r") - head.count(b"\r\n") > head.count(b"\n")
    end = b"\r" if is_mac else b"\n"
    if not is_whole and end in head:
        head = head[: head.rfind(end) + 1]
    if not head[start:].strip():
        raise ScoringFileError(f"{name} is empty")
    sound = head.replace(b"\0", b"")  # a line with NUL bytes is refused by itself
    text, notes = decode(sound, name)
    notes = [note for note in notes if note not in by_line(sound)[1]]  # batches name such lines, wherever they are
    found = header_in(text, name, notes)
    header, delimiter, line, lines, is_wrapped = found
    named = header_of(header, f"the header of {name}")
    usual = mode(map(len, sample(lines[:SNIFFED], delimiter)))
    offset = offset_of(head, end, line - 1)
    notes += foreign_words(head[start:offset])
    return Layout(
        names=tuple(named.names),
        header=tuple(cell.strip() for cell in header),
        labels=named.labels,
        delimiter=delimiter,
        usual=usual,
        offset=offset,
        line=line,
        is_mac=is_mac,
        is_wrapped=is_wrapped,
        notes=(*notes, *some_of(named.notes)),
    )


def header_in(text: str, name: str, notes: list[str]) -> tuple[list[str], str, int, list[str], bool]:
    """The cells of the header, the separator, the number of the line below the header, and the lines."""
    lines, first, delimiter = text.split("\n"), 1, ""
    if named := SEPARATOR_LINE.match(lines[0].strip()):
        delimiter, lines, first = named[1], lines[1:], 2
    is_wrapped = wrapped(lines[:SNIFFED])
    if is_wrapped:
        lines = ["".join(cells(line, "\0")) for line in lines]
        notes.append("each line is entirely within quotation marks: they were removed")
    delimiter = delimiter or sniff(lines[:SNIFFED])
    notes.append(f"separated by {NAMES.get(delimiter, repr(delimiter))}")
    texts, numbers = in_order(lines, delimiter, first, [])
    filled = [place for place, keep in enumerate(not_blank(texts, delimiter)) if keep]
    if not filled:
        raise ScoringFileError(f"{name} is empty")
    top = header_place([texts[place] for place in filled[:SNIFFED]], delimiter)
    if top:
        above = shown([texts[place] for place in filled[:top]])
        notes.append(f"{top} line{'s' * (top > 1)} above the header left out: {above}")
    place = filled[top]
    below = numbers[place + 1] if place + 1 < len(numbers) else first + len(lines)
    return cells(texts[place], delimiter), delimiter, below, lines, is_wrapped


def foreign_words(header: bytes) -> list[str]:
    """The note on a header that is not UTF-8, if it is none."""
    try:
        header.decode()
    except UnicodeDecodeError:
        return [f"the header is {by_line(header)[1][0]}"]
    return []


def offset_of(head: bytes, end: bytes, count: int) -> int:
    """The offset of the byte after so many line ends, or of the end."""
    at = 0
    for _ in range(count):
        at = head.find(end, at) + 1
        if not at:
            return len(head)
    return at

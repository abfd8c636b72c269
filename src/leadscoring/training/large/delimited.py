"""Delimited text that does not fit in memory: read once, block by block, into temporary Parquet files.

A temporary file has no name, so that nothing is left of it, however training ends. Each block is read as a whole file
is; it ends between two well-formed lines, so that no cell of several lines is cut.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training.large.parts import Blocks, Tick
from leadscoring.training.reading.header import Header, clean, header_of, some_of
from leadscoring.training.reading.lines import (
    Rows,
    cells,
    filled_rows,
    header_place,
    laid_out,
    shown,
    well_formed,
    widths,
    without_footers,
)
from leadscoring.training.reading.table import Table, framed, without_copies, without_empty
from leadscoring.training.reading.text import MARKS, decode, plain

HEAD = 1 << 20
"""Number of bytes by which a file is laid out."""

BLOCK = 1 << 25
"""Number of bytes that are read at once: some 100,000 leads of 50 columns."""

ENDS = 2000
"""Number of last lines of a block among which there must be two that are well-formed."""

NOTES = 20


class Torn(Exception):
    """A file that cannot be cut into blocks between two lines: it is read as a whole."""


class Reader:
    """Reads a file block by block."""

    def __init__(self, path: Path, block: int = BLOCK) -> None:
        self.path, self.block = path, block
        self.notes: dict[str, None] = {}
        self.digest = hashlib.sha256()

    def laid_out(self, head: bytes) -> bool:
        """Finds the delimiter and the header in the first bytes; whether the file can be read in blocks."""
        head = head[: head.rfind(b"\n") + 1]
        if not head or b"\0" in head or any(head.startswith(mark) for mark, name, _ in MARKS if name != "utf-8"):
            return False
        text, _ = decode(head, self.path)
        lines, self.layout = laid_out(text.removesuffix("\n").split("\n"))
        self.notes |= dict.fromkeys(self.layout.notes)
        texts, numbers = filled_rows(lines, self.layout.delimiter, self.layout.first, [])
        if self.layout.wrapped or len(texts) < 2:
            return False
        top = header_place(texts, self.layout.delimiter)
        if top >= len(texts) - 1:
            return False
        if top:
            words = f"{top} line{'s' * (top > 1)} above the header (line {numbers[top]}) left out: {shown(texts[:top])}"
            self.notes[words] = None
        self.labels = cells(texts[top], self.layout.delimiter)
        self.header = header_of(self.labels, f"the header of {self.path}")
        self.below = numbers[top + 1]
        self.density = len(texts) * len(self.labels) / len(head)
        return True

    def frames(self, file: BinaryIO, tick: Tick) -> Iterator[pl.DataFrame]:
        """The rows of the file as text columns, block by block."""
        size, done, first = max(1, self.path.stat().st_size), 0, 1
        rest, held = b"", list[str]()
        while True:
            data = file.read(self.block)
            self.digest.update(data)
            cut = (rest + data).rfind(b"\n") + 1 if data else len(rest)
            content, rest = (rest + data)[:cut], (rest + data)[cut:]
            lines = held + (self.lines_of(content) if content else [])
            place = len(lines) if not data else self.place_to_cut(lines)
            lines, held = lines[:place], lines[place:]
            if lines:
                yield self.framed(lines, first, last=not data)
            first, done = first + len(lines), done + len(data)
            tick(min(1.0, done / size))
            if not data:
                return

    def lines_of(self, content: bytes) -> list[str]:
        """The lines of some bytes, which end with a line."""
        text, notes = plain(content, self.path)
        self.note(notes)
        return text.removesuffix("\n").split("\n")

    def place_to_cut(self, lines: list[str]) -> int:
        """The number of lines before a cut, between two well-formed lines. Raises ``Torn`` if there are none."""
        tail = lines[-ENDS:]
        fine = well_formed(tail, self.layout.delimiter) & (widths(tail, self.layout.delimiter) == len(self.labels))
        pairs = np.flatnonzero(fine[:-1] & fine[1:])
        if not len(pairs):
            raise Torn
        return len(lines) - len(tail) + int(pairs[-1]) + 1

    def framed(self, lines: list[str], first: int, *, last: bool) -> pl.DataFrame:
        """Some lines as text columns; ``first`` is the number of the first."""
        if skipped := max(0, min(len(lines), self.below - first)):
            lines, first = lines[skipped:], first + skipped
        notes: list[str] = []
        texts, numbers = filled_rows(lines, self.layout.delimiter, first, notes)
        rows = Rows(self.labels, texts, numbers, self.layout.delimiter, notes)
        if last:
            without_footers(rows)
        frame, _ = framed(rows, self.header, self.path)
        self.note(rows.notes)
        return frame

    def note(self, notes: list[str]) -> None:
        """Keeps notes, each of them once."""
        self.notes |= dict.fromkeys(notes)


def blocks_of(path: Path, most: int, tick: Tick, stack: ExitStack, block: int = BLOCK) -> Blocks | None:
    """The rows of a delimited file of more than ``most`` values, in temporary files that ``stack`` closes.

    ``None`` for a smaller file, and for one that has to be read as a whole.
    """
    if path.stat().st_size < most:  # a value takes a byte at least, with its delimiter
        return None
    with path.open("rb") as file:
        reader = Reader(path, block)
        if not reader.laid_out(file.read(HEAD)) or reader.density * path.stat().st_size <= most:
            return None
        file.seek(0)
        found, kept = [], Kept(reader.header)
        try:
            for frame in reader.frames(file, tick):
                kept.look(frame)
                found.append((stored(frame, stack), frame.height))
        except Torn:
            return None
    notes = list(reader.notes)
    facts = kept.facts(notes)
    more = [f"and {len(notes) - NOTES} more such notes"] * (len(notes) > NOTES)
    table = Table(
        facts.clear(),
        (*notes[:NOTES], *more, *some_of(reader.header.notes)),
        reader.header.labels,
        reader.header.twice,
        data_hash="sha256:" + reader.digest.hexdigest(),
        name=path.name,
    )
    return Blocks(path, table, [(file, rows) for file, rows in found if rows])


def stored(frame: pl.DataFrame, stack: ExitStack) -> BinaryIO:
    """A temporary Parquet file of some rows. Raises ``TrainingDataError`` if there is no space for it."""
    file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - closed by the stack
    try:
        frame.write_parquet(file, compression="lz4")
        file.flush()
    except (OSError, pl.exceptions.PolarsError) as failure:
        raise TrainingDataError(
            f"there is no space for temporary files in {tempfile.gettempdir()} ({failure}); TMPDIR names another folder"
        ) from failure
    return file


class Kept:
    """Which columns of a file are kept: not those without a name and values, nor copies of another column."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.empty = {name for name in header.names if header.labels.get(name) == ""}
        firsts = ((name, clean(label)) for name, label in header.labels.items())
        self.same = {name: first for name, first in firsts if first in header.twice and name != first}

    def look(self, frame: pl.DataFrame) -> None:
        """Looks at some more rows."""
        self.empty = {name for name in self.empty if (frame[name].fill_null("").str.strip_chars() == "").all()}
        self.same = {name: first for name, first in self.same.items() if frame[name].equals(frame[first])}

    def facts(self, notes: list[str]) -> pl.DataFrame:
        """The columns that are kept; changes the header and adds notes as for a table that is in memory."""
        row = {name: "" if name in self.empty else self.same.get(name, name) for name in self.header.names}
        frame = pl.DataFrame({name: [value] for name, value in row.items()}, schema=dict.fromkeys(row, pl.String))
        return without_copies(without_empty(frame, self.header, notes), self.header)

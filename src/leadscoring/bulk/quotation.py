"""Decides on lines whose quotation marks are not those of a plain row: which are one row, and which may be several.

A quotation mark that was never closed joins leads: one would get the cells of others. So lines are only joined where
nothing but a cell of several lines can be meant, as RFC 4180 writes it. All others are refused, each by itself.
"""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from leadscoring.bulk.batch import Refused
from leadscoring.training.reading.lines import LONGEST_CELL, cells, readings, scan
from leadscoring.training.reading.missing import SPELLINGS

NEIGHBOURS = 20
"""Lines with too few values beside a line that is refused: they may be parts of its value, and are refused with it."""

UNKNOWN = frozenset(text.casefold() for text in SPELLINGS)

CLOSING = re.compile(r'(?:[^"]|"")*+"')
"""The rest of a cell of several lines, to the quotation mark that closes it."""

OPENS = "a quotation mark opens here and"
CURE = 'double a quotation mark that is part of a value ("")'


class Found(NamedTuple):
    """What lines are: the cells of one row, or refused; and the first line behind them."""

    row: list[str] | None
    end: int
    refused: Sequence[Refused] = ()


class Quotation:
    """Reads the lines of a file with these columns.

    ``numbers`` are columns of numbers, by which a line is known to be a lead, and ``single`` those that hold no line
    breaks.
    """

    def __init__(self, names: Sequence[str], delimiter: str, numbers: Sequence[str], single: Sequence[str]) -> None:
        self._delimiter, self._wanted = delimiter, len(names)
        self._numbers = [place for place, name in enumerate(names) if name in set(numbers)]
        self._single = [(place, name) for place, name in enumerate(names) if name in set(single)]

    @cached_property
    def _strict(self) -> re.Pattern[str]:
        """A row as RFC 4180 has it; spaces may stand around quotation marks."""
        cell = rf' *"(?:[^"]|"")*+" *|[^"\n{re.escape(self._delimiter)}]*'
        return re.compile(f"(?:{cell})(?:{re.escape(self._delimiter)}(?:{cell}))*")

    @cached_property
    def _opening(self) -> re.Pattern[str]:
        """The start of a value in quotation marks behind another value."""
        return re.compile(f'{re.escape(self._delimiter)} *"')

    def read(self, lines: Sequence[str], at: int, first: int, is_final: bool) -> Found | None:
        """Reads the row that starts at a line which is not well-formed by itself.

        ``first`` is the number of the first of ``lines``. Returns ``None`` if the lines behind these decide on it.
        """
        row, unfinished = scan(lines[at], self._delimiter, None)
        if unfinished is None and self._fits(row):
            return Found(row, at + 1)
        if unfinished is None:
            return self._refused(lines, at, at + 1, first, self._odd_words(row), is_final)
        end = self._closing(lines, at + 1)
        if end is None and not is_final and at + LONGEST_CELL > len(lines):
            return None
        if end is None:
            words = f"{OPENS} is closed neither in this line nor in those below"
            return self._refused(lines, at, self._resumed(lines, at), first, words, is_final)
        text = "\n".join(lines[at:end])
        row = scan(text, self._delimiter, None)[0]
        why = self._doubt(lines, at, end, text, row, first)
        if why is None:
            return Found(row, end)
        if self._is_lead(lines[end - 1]):
            words = f"{OPENS} is not closed before the next leads"
            return self._refused(lines, at, self._resumed(lines, at), first, words, is_final)
        last = first + end - 1
        words = f"{OPENS} is only closed in line {last}; lines {first + at} to {last} are not one lead: {why}"
        return self._refused(lines, at, end, first, words, is_final)

    def is_part(self, line: str) -> bool:
        """Whether a line may be a part of a value: it has no value, or fewer cells than the header has names."""
        return not line.strip() or len(scan(line, self._delimiter, None)[0]) < self._wanted

    def hides(self, line: str) -> bool:
        """Whether a line with too few cells would have enough without its quotation marks, or with those around it."""
        if '"' not in line or len(line.split(self._delimiter)) < self._wanted:
            return False
        row = cells(line, self._delimiter)
        return len(row) > 1 or len(cells(row[0], self._delimiter)) != self._wanted

    def _odd_words(self, row: Sequence[str]) -> str:
        values = "a single value" if len(row) == 1 else f"{len(row)} values"
        return f"{values} where the header names {self._wanted} columns, with a stray quotation mark"

    def _fits(self, row: Sequence[str]) -> bool:
        """Whether a row is as long as the header; more empty cells do not count."""
        return len(row) >= self._wanted and not any(cell.strip() for cell in row[self._wanted :])

    def _closing(self, lines: Sequence[str], at: int) -> int | None:
        """The line behind that in which an open quotation mark is closed; ``None`` if it is in none of the next."""
        for end in range(at, min(len(lines), at + LONGEST_CELL - 1)):
            if '"' in lines[end] and self._ends(lines[end]):
                return end + 1
        return None

    def _ends(self, line: str) -> bool:
        """Whether the quotation mark that is open at the start of a line is closed at its end."""
        return scan(line, self._delimiter, "")[1] is None

    def _resumed(self, lines: Sequence[str], at: int) -> int:
        """The next line that is a lead by itself."""
        end = min(len(lines), at + LONGEST_CELL)
        return next((place for place in range(at + 1, end) if self._is_lead(lines[place])), end)

    def _is_lead(self, line: str) -> bool:
        """Whether a line is well-formed, as long as the header, and has numbers where they belong."""
        return self._strict.fullmatch(line) is not None and self._looks_like(scan(line, self._delimiter, None)[0])

    def _looks_like(self, row: Sequence[str]) -> bool:
        return self._fits(row) and all(is_numeric(row[place].strip(' "')) for place in self._numbers)

    def _doubt(self, lines: Sequence[str], at: int, end: int, text: str, row: Sequence[str], first: int) -> str | None:
        """Why joined lines may be more than one row; ``None`` if they are one."""
        if "\0" in text:
            return "there are NUL bytes in it, so the file is damaged here"
        if self._strict.fullmatch(text) is None:
            return "one of the quotation marks between is neither doubled nor at the end of a value"
        if not self._fits(row):
            return f"it would have {len(row)} values where the header names {self._wanted} columns"
        broken = next((name for place, name in self._single if "\n" in row[place]), None)
        if broken is not None:
            return f"the value of {broken!r} would have a line break"
        place = self._lead_in(lines[at:end])
        return None if place is None else f"line {first + at + place} looks like a lead by itself"

    def _lead_in(self, lines: Sequence[str]) -> int | None:
        """The place of a line behind the first one that may be a lead by itself, or begin one."""
        leads = [any(map(self._looks_like, readings(line, self._delimiter))) for line in lines]
        leads[1:] = [lead or self._begins(line) for lead, line in zip(leads[1:], lines[1:], strict=True)]
        if any(leads[1:-1]):
            return leads.index(True, 1)
        is_last = leads[-1] and (leads[0] or self._is_lead(lines[-1]) or self._begins(lines[-1]))
        return len(lines) - 1 if is_last else None

    def _begins(self, line: str) -> bool:
        """Whether a line may be the start of a lead: what precedes its first value in quotation marks fits its columns.

        Only those up to the mark that closes the value of the lines before count.
        """
        closing = CLOSING.match(line)
        opening = self._opening.search(line, 0, closing.end() if closing else len(line))
        row = line[: opening.start()].split(self._delimiter) if opening else [""]
        numbers = [row[place].strip() for place in self._numbers if place < len(row)]
        is_filled = any(numbers) or not self._numbers
        return bool(row[0].strip()) and len(row) < self._wanted and is_filled and all(map(is_numeric, numbers))

    def _refused(self, lines: Sequence[str], at: int, end: int, first: int, words: str, is_final: bool) -> Found | None:
        """Refuses lines, and those with too few values behind them; ``None`` if more of them may follow."""
        most = end + NEIGHBOURS
        while end < min(most, len(lines)) and self.is_part(lines[end]) and self._strict.fullmatch(lines[end]):
            end += 1
        if end == len(lines) < most and not is_final:
            return None
        found = [Refused(first + at, shown(lines[at]), f"{words}; {CURE}")]
        found += [
            Refused(first + place, shown(lines[place]), self.beside_words(first + at))
            for place in range(at + 1, end)
            if lines[place].strip()
        ]
        return Found(None, end, found)

    @staticmethod
    def beside_words(line: int) -> str:
        """What is wrong with a line that may be part of a value which a broken quotation cut."""
        return f"this line may be part of a value of line {line}, in which a quotation mark is stray"


def is_numeric(cell: str) -> bool:
    """Whether a cell may stand in a column of numbers: a number, a flag, or unknown."""
    try:
        float(cell)
    except ValueError:
        return cell.casefold() in UNKNOWN or cell.casefold() in {"true", "false"}
    return True


def shown(line: str) -> str:
    """A line as rejects have it."""
    return line.replace("\0", "\\0")

"""Outcomes in a file, read as training reads its file: the same names of columns, formats of dates and words."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.lead import LEAD_ID_LENGTH
from leadscoring.ledger.outcome import AHEAD, EVENT_LENGTH, Kind, Outcome, is_text
from leadscoring.model.reading import DayOrder
from leadscoring.training.outcome import column_of, fold, is_negative, is_open, is_positive
from leadscoring.training.reading.moments import moments
from leadscoring.training.reading.series import Vector, as_text, numbers
from leadscoring.training.reading.table import Table, read_table


class Columns(NamedTuple):
    """The columns of a file by their options: those of ids, outcomes and times, of the caller's events and values."""

    lead_id: str
    outcome: str
    at: str
    event: str | None = None
    value: str | None = None


class Meaning(NamedTuple):
    """Words that mean won or lost beside those that training knows, and whether the day or the month comes first."""

    won: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    first: DayOrder | None = None

    def kind(self, word: str) -> Kind | None:
        """What an outcome of a file means; ``None`` if that is not clear."""
        if fold(word) in map(fold, self.won):
            return "won"
        if fold(word) in map(fold, self.lost):
            return "lost"
        if is_open(word):
            return "open"
        if is_positive(word):
            return "won"
        return "lost" if is_negative(word) else None


class Rejected(NamedTuple):
    """A row that holds no outcome, and why."""

    place: str
    why: str


class OutcomeFile:
    """The rows of a file, each an outcome or rejected. Raises ``TrainingDataError`` if the file cannot be read so."""

    def __init__(self, path: Path, columns: Columns, meaning: Meaning) -> None:
        self._table = table = read_table(path)
        self.notes = [*table.notes]
        self._meaning = meaning
        self._ids = texts(table, columns.lead_id, "--id")
        self._words = texts(table, columns.outcome, "--outcome")
        self._events = None if columns.event is None else texts(table, columns.event, "--event")
        self._values: Vector | None = None
        if columns.value is not None:
            self._values = numbers(column_of(table.frame, table.resolve(columns.value, "--value"), "--value"))
        name = table.resolve(columns.at, "--at")
        self._written = column_of(table.frame, name, "--at")
        self._moments = self._times(name, meaning.first)
        self._kinds = {word: meaning.kind(word) for word in set(self._words) if word is not None}

    def __len__(self) -> int:
        return len(self._ids)

    def _times(self, name: str, first: DayOrder | None) -> Vector:
        """The times in microseconds since 1970, NaN where there is none."""
        column = self._written
        if column.dtype.is_temporal() and column.dtype != pl.Time:
            aware = isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None
            self._note_zone(aware)
            typed = column.cast(pl.Datetime("us", column.dtype.time_zone if aware else None))  # type: ignore[attr-defined]  # as checked
            return typed.to_physical().cast(pl.Float64).fill_null(np.nan).to_numpy()
        if column.dtype != pl.String:
            raise TrainingDataError(f"--at names the column {name!r}, which holds {column.dtype}, not dates")
        parsed = moments(column.str.strip_chars(), first)
        if parsed.open:
            raise TrainingDataError(
                f"--at names the column {name!r}, in which no date shows whether the day or the month comes first; "
                "add --dates day-first or --dates month-first: outcomes are never changed once they are recorded"
            )
        self._note_zone(bool(column.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})\s*$").any()))
        return parsed.values

    def _note_zone(self, is_there: bool) -> None:
        if not is_there:
            self.notes.append("times without a zone are read as UTC")

    def rows(self, start: int, end: int, received_at: int) -> Iterator[Outcome | Rejected]:
        """The rows from ``start`` until before ``end``, as of the moment ``received_at``."""
        for row in range(start, min(end, len(self))):
            found = self._row(row, received_at)
            yield found if isinstance(found, Outcome) else Rejected(self._table.place(row), found)

    def place(self, row: int) -> str:
        """The position of a row in messages."""
        return self._table.place(row)

    def _row(self, row: int, received_at: int) -> Outcome | str:
        """An outcome, or why a row is none."""
        lead_id, word, at = self._ids[row], self._words[row], self._moments[row]
        event = None if self._events is None else self._events[row]
        value: float | None = None if self._values is None else float(self._values[row])
        if not is_text(lead_id, LEAD_ID_LENGTH):
            return "the id is missing" if not lead_id else f"the id has more than {LEAD_ID_LENGTH} characters"
        if word is None:
            return "the outcome is missing"
        kind = self._kinds[word]
        if kind is None:
            return f"the outcome {word[:80]!r} is neither won, lost nor open: --won or --lost can name it"
        if at != at:  # noqa: PLR0124 - NaN
            return f"the time {shown(self._written[row])} is not a date, such as 2026-01-31 or 2026-01-31T10:00:00Z"
        if at > received_at + AHEAD:
            return f"the time {shown(self._written[row])} is more than a day ahead"
        if event is not None and not is_text(event, EVENT_LENGTH):
            return f"the event has more than {EVENT_LENGTH} characters"
        return Outcome(lead_id, kind, int(at), event, None if value is None or value != value else value)  # noqa: PLR0124 - NaN


def texts(table: Table, name: str, option: str) -> list[str | None]:
    """The values of a column as texts without spaces around them; ``None`` for blank ones."""
    column = column_of(table.frame, table.resolve(name, option), option)
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Int8)
    return [text or None for text in as_text(column).str.strip_chars().to_list()]


def shown(value: Any) -> str:
    """A time as it is written in the file."""
    return "is missing and so" if value is None else repr(str(value)[:80])


def named(options: Sequence[str]) -> tuple[str, ...]:
    """The words that an option names, separated by commas or repeated."""
    return tuple(part.strip() for option in options for part in option.split(",") if part.strip())

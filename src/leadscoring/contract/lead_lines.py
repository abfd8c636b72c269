"""Reads leads with one per line: JSON Lines, or CSV with a header. Each becomes the JSON of one lead.

So every lead passes through the same decoder, with the same errors in every format.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.kind import a_json_number
from leadscoring.contract.naming import Guesser, Known
from leadscoring.contract.rejection import AS_OF, FAULTS_SHOWN, FEATURES_ALLOWED, feature_fault, pointer, shown, told
from leadscoring.errors import Fault, MalformedJson, RequestError, ValidationError

LEAD_ID = "lead_id"

SEPARATORS = {";": "semicolons", "\t": "tabs"}
"""Separators that spreadsheets write in place of commas in some locales."""


LONGEST_LINE = 262_144
"""Maximum bytes of one lead: it is read without yielding, which blocks the event loop."""

csv.field_size_limit(LONGEST_LINE)  # a cell may be as long as a line

MOST_LINES = 1000
"""Maximum lines of one CSV row, through quoted line breaks; for the same reason."""

PAUSE = 256
"""Empty lines that are skipped without yielding."""


class Line(NamedTuple):
    """One lead as JSON, or the error of its line, with its line number in the body."""

    number: int
    lead: bytes
    fault: RequestError | None = None
    columns: Sequence[str] = ()

    def located(self, error: RequestError) -> RequestError:
        """Returns the error with the line, and the column of a CSV, in front of its messages."""
        if isinstance(error, MalformedJson):
            why = str(error).replace("the body", "it").replace(" at line 1 column ", " at column ")
            return MalformedJson(f"line {self.number}: {why}")
        if not isinstance(error, ValidationError):
            return error
        faults = [
            Fault(fault.path, f"{self._place(fault.path)}: {fault.message}", fault.value, fault.allowed)
            for fault in error.faults
        ]
        return ValidationError(faults, error.lead_id, len(faults) + error.more)

    def _place(self, path: str) -> str:
        name = path.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
        column = f", column {self.columns.index(name) + 1}" if name in self.columns else ""
        return f"line {self.number}{column}"


def json_lines(body: bytes) -> Iterator[Line | None]:
    """Yields the leads of a body with one JSON object per line; skips empty lines.

    Among many empty lines it yields ``None`` periodically, so that the reader can pause.
    """
    for number, text in enumerate(io.BytesIO(body), 1):
        if len(text) > LONGEST_LINE:
            yield Line(number, b"", MalformedJson(f"line {number} has more than {LONGEST_LINE} bytes"))
        elif stripped := text.strip():
            yield Line(number, stripped)
        elif not number % PAUSE:
            yield None


class LeadTable:
    """Iterates over the leads of a CSV whose header names ``lead_id`` and features of the contract, in any order.

    A column ``as_of`` has the moment of each lead, unless a feature has this name. An empty cell omits its value, and
    so does a blank one there. Raises ``ValidationError`` if the header has unknown or duplicate names, or lacks a
    required one. Yields ``None`` as ``json_lines`` does.
    """

    def __init__(self, body: bytes, contract: Contract) -> None:
        # invalid UTF-8 becomes text that no lead may hold, and is rejected at its position
        text = io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", "surrogateescape", newline="")
        self._lines = Bounded(text)
        self._rows = csv.reader(self._lines, strict=True)
        try:
            self.columns: list[str] = [name.strip() for name in next(self._rows, [])]
        except csv.Error as failure:
            raise ValidationError(
                [Fault("", f"line 1 is not CSV: {failure}", None, "names of columns")], None
            ) from None
        faults, count = header_faults(self.columns, contract)
        if faults:
            raise ValidationError(faults[:FAULTS_SHOWN], None, count)
        features = {feature.name: feature for feature in contract.features}
        self._own = [
            (place, f'"{name}":', str.strip if name == AS_OF else str)
            for place, name in enumerate(self.columns)
            if name == LEAD_ID or (name == AS_OF and name not in features)
        ]
        self._columns = [
            (place, f"{json.dumps(name, ensure_ascii=False)}:", number_in(features[name]), features[name].form.json_of)
            for place, name in enumerate(self.columns)
            if name != LEAD_ID and name in features
        ]

    def __iter__(self) -> Iterator[Line | None]:
        while True:
            begins = self._lines.begin()
            try:
                cells = next(self._rows, None)
            except csv.Error as failure:
                yield self._unreadable(begins, f"is not CSV: {failure}")
                continue
            if cells is None:
                return
            if not cells:
                if not begins % PAUSE:
                    yield None
                continue
            if len(cells) != len(self.columns):
                found = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
                yield self._unreadable(begins, f"has {found}, but the header {len(self.columns)} columns")
                continue
            yield Line(begins, self._lead(cells), columns=self.columns)

    def _unreadable(self, number: int, why: str) -> Line:
        allowed = f"{len(self.columns)} cells, separated by commas"
        return Line(number, b"", ValidationError([Fault("", f"line {number} {why}", None, allowed)], None))

    def _lead(self, cells: list[str]) -> bytes:
        """Returns the JSON of one row; cells that are invalid for their kind become text, which the decoder rejects."""
        features = [
            name + (cell if is_number(cell) else json_of(cell))
            for place, name, is_number, json_of in self._columns
            if (cell := cells[place])
        ]
        own = "".join(f"{name}{json.dumps(cell)}," for place, name, read in self._own if (cell := read(cells[place])))
        return f'{{{own}"features":{{{",".join(features)}}}}}'.encode()


class Bounded:
    """Iterates over the lines of a text; raises ``csv.Error`` for rows of too many lines or characters.

    Iteration can continue after the error. ``number`` is the number of the latest line, from 1.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.number = 0
        self._first = 1
        self._room = LONGEST_LINE

    def begin(self) -> int:
        """Starts a row; returns the number of its first line."""
        self._first, self._room = self.number + 1, LONGEST_LINE
        return self._first

    def __iter__(self) -> "Bounded":
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self._room -= len(line)
        if self.number - self._first >= MOST_LINES:
            raise csv.Error(f"it goes on for more than {MOST_LINES} lines")
        if self._room >= 0 and (len(line) < LONGEST_LINE or line.endswith("\n")):
            return line
        while line and not line.endswith("\n"):
            line = self._text.readline(LONGEST_LINE)
        raise csv.Error(f"it has more than {LONGEST_LINE} characters")


def number_in(feature: Feature) -> Callable[[str], object]:
    """Returns the predicate for cells that are JSON numbers; always false for text features."""
    return never if feature.is_text else a_json_number


def never(_cell: str) -> None:
    """Returns ``None`` for any cell."""


def header_faults(columns: list[str], contract: Contract) -> tuple[list[Fault], int]:
    """Returns the faults of a CSV header, and their total number, since only the first unknown names are reported."""
    if not any(columns):
        said = "the first line is empty; it must name lead_id and features, separated by commas"
        return [Fault("", said, None, "names of columns")], 1
    known = [LEAD_ID, *([AS_OF] if contract.is_timed else []), *contract.names]
    if len(columns) == 1:
        for separator, name in SEPARATORS.items():
            if separator in columns[0]:
                said = f"the columns must be separated by commas, not {name}"
                return [Fault("", said, shown(columns[0]), "commas")], 1
    expected, counted = {*known, AS_OF}, Counter(columns)
    unknown = [name for name in counted if name not in expected]
    guesser = Guesser(Known(known))
    faults = [unknown_column(name, guesser.guess(name)) for name in unknown[:FAULTS_SHOWN]]
    faults += [
        Fault(f"/{pointer(name)}", f"the header names the column {told(name)} more than once", None, "each column once")
        for name, times in counted.items()
        if times > 1 and name in expected
    ]
    if LEAD_ID not in columns:
        faults.append(Fault(f"/{LEAD_ID}", f"the header must name the column {LEAD_ID}", None, LEAD_ID))
    missing = (feature_fault(feature, {}, contract) for feature in contract.features if feature.name not in columns)
    faults += [fault for fault in missing if fault]
    return faults, len(faults) + max(0, len(unknown) - FAULTS_SHOWN)


def unknown_column(name: str, guess: str | None) -> Fault:
    """Returns the fault of an unknown column, with a suggestion."""
    hint = f"; did you mean {guess!r}?" if guess else ""
    return Fault(f"/{pointer(name)}", f"the column {told(name)} is not known{hint}", None, guess or FEATURES_ALLOWED)

"""Reads leads that the caller has already encoded: rows of numbers in the order of the contract's columns.

Numbers are unchanged, flags are 0 or 1, categories are codes; missing values are ``None``, an empty cell or NaN.
Ranges are not checked, since that is up to the caller, but values that no lead can be encoded to are rejected: they
indicate a wrong order of columns. Messages count rows from 1 and never include values.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from leadscoring._engine import Rows, Split, join_rows
from leadscoring.contract.features import Contract
from leadscoring.errors import BatchTooLarge, InvalidRows
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.stretches import Stretches, at_once

Values = list[list[float | None]]

BLANK = b" \t\r\n"

STRETCH = 16384
"""Bytes of rows that are read without yielding, which takes at most a millisecond."""

SPLIT_STRETCH = 524288
"""Bytes that are split into rows without yielding."""

ROW_BYTES, VALUE_BYTES = 65536, 64
"""The maximum size of a row in bytes is the larger of the first, and the second for each column."""

KEY_BYTES = 256
"""Maximum bytes of a key, including leading whitespace."""

KEYS_TOGETHER = 64
"""Keys that are read without yielding."""

a_key = re.compile(rb'[ \t\r\n]*("(?:[^"\\]|\\.)*")[ \t\r\n]*:').match

ANY = 1 << 30
"""No limit on rows: that on the body is sufficient."""

MISSING_CELLS = (b"", b"nan")
ORDER = "in the order of the contract (GET /api/v1/model/features)"


class RowReader:
    """Reads encoded rows by one contract. Every method raises ``InvalidRows`` for rows that do not fit it.

    The ``_reading`` methods yield periodically, and raise ``BatchTooLarge`` for more rows than ``most``.
    """

    def __init__(self, contract: Contract) -> None:
        columns = contract.columns
        self.names = columns.names
        self.longest = max(ROW_BYTES, VALUE_BYTES * len(columns.names))
        self._codes = [(place, column.most) for place, column in enumerate(columns.every) if column.most is not None]
        self._means_missing = contract.means_missing if contract.missing_value is not None else None
        self._plain = [not contract.features[feature].form.is_aspected for feature in columns.feature]

    def csv(self, body: bytes) -> Rows:
        """Reads comma-separated text without a header, one row per line.

        Ignores blank lines at the end. For a model with one column, an empty line before another row is a row with a
        missing value; ``nan`` is always a missing value.
        """
        return at_once(self.csv_reading(body, ANY))

    def csv_reading(self, body: bytes, most: int, stretch: int = STRETCH) -> Stretches[Rows]:
        """As ``csv``, but yields after about every ``stretch`` bytes."""
        text = yield from without_blanks(body)
        if (count := text.count(b"\n") + 1) > most:  # before millions of them are cut
            raise BatchTooLarge(count, most)
        if b"_" in body:  # Python would read 1_000 as a number
            raise InvalidRows("cells must be numbers such as -1.5e3, or empty; there is an underscore in the rows")
        if not text:
            raise InvalidRows("there are no rows; send one a line, without a header")
        if len(text) > stretch:
            yield
        parts: list[Rows] = []
        for first, lines in neighbours(text.split(b"\n"), stretch):
            if len(text) > stretch:
                yield
            parts.append(self.matrix([self._cells(number, line) for number, line in enumerate(lines, first)], first))
        return join_rows(parts) if len(parts) > 1 else parts[0]

    def _cells(self, number: int, line: bytes) -> list[float | None]:
        if (commas := line.count(b",")) > 2 * len(self.names):  # before millions of cells are cut
            raise self._wrong_length(number, commas + 1)
        if len(line) > self.longest:
            raise self._too_long(number)
        cells = line.removesuffix(b"\r").split(b",")
        try:
            return [None if (text := cell.strip()).lower() in MISSING_CELLS else float(text) for cell in cells]
        except ValueError:
            place = next(place for place, cell in enumerate(cells) if not is_number(cell))
        if place >= len(self.names):
            raise self._wrong_length(number, len(cells))
        raise InvalidRows(
            f"row {number}, column {self.names[place]!r}: a cell must be a number or empty; send rows without a header"
        )

    def json(self, body: bytes | str) -> Rows:
        """Reads a JSON array of arrays of numbers and nulls."""
        return at_once(self.json_reading(body.encode() if isinstance(body, str) else body, ANY))

    def json_reading(self, body: bytes, most: int, stretch: int = STRETCH) -> Stretches[Rows]:
        """As ``json``, but yields after about every ``stretch`` bytes."""
        if len(body) <= stretch:
            rows = self.matrix(decoded_rows(body))
            if len(rows) > most:
                raise BatchTooLarge(len(rows), most)
            return rows
        split = Split(body, most)
        while not split.step(SPLIT_STRETCH):
            yield
        if not split.sound:
            raise InvalidRows("rows must be arrays of numbers and nulls: the body is not one JSON array of them")
        if split.count > most:
            raise BatchTooLarge(split.count, most)
        parts: list[Rows] = []
        for first, _, begin, end, _, usual in split.groups(stretch, self.longest, ANY):
            yield
            if not usual:
                raise self._too_long(first + 1)
            parts.append(self.matrix(decoded_rows(b"[%b]" % body[begin:end], first, begin - 1), first + 1))
        return join_rows(parts) if parts else self.matrix([])

    def frame(self, columns: Sequence[str], values: Values) -> Rows:
        """Reads rows with named columns in any order; ``columns`` must have each name of the contract once."""
        if len(set(columns)) != len(columns) or set(columns) != set(self.names):
            given, known = set(columns), set(self.names)
            missing = [name for name in self.names if name not in given]
            unknown = [name for name in columns if name not in known]
            raise InvalidRows(
                f"columns must name each of the model's {len(self.names)} once; "
                f"missing are {missing[:5]}, {len(unknown)} are unknown, {len(columns)} were sent"
            )
        for number, row in enumerate(values, 1):
            if len(row) != len(columns):
                raise self._wrong_length(number, len(row))
        order = [columns.index(name) for name in self.names]
        return self.matrix([[row[place] for place in order] for row in values])

    def matrix(self, values: Values, first: int = 1) -> Rows:
        """Reads rows of numbers and ``None``; ``first`` is the number of the first row in messages."""
        if not values:
            raise InvalidRows("there are no rows; send at least one")
        known: Values = []
        for number, row in enumerate(values, first):
            if len(row) != len(self.names):
                raise self._wrong_length(number, len(row))
            known.append(self._known(row))
            for place, most in self._codes:
                value = known[-1][place]
                if value is not None and not (0 <= value <= most and value == int(value)):
                    raise InvalidRows(
                        f"row {number}, column {self.names[place]!r} must be a code from 0 to {most}, or missing: "
                        f"are the {len(self.names)} columns {ORDER}?"
                    )
        try:
            return Rows(known)
        except (ValueError, OverflowError):
            raise self._not_finite(known, first) from None

    def _known(self, row: list[float | None]) -> list[float | None]:
        """Replaces the number that means missing, which it does not in columns that are aspects."""
        means_missing = self._means_missing
        if means_missing is None:
            return row
        cells = zip(row, self._plain, strict=True)
        return [None if plain and cell is not None and means_missing(cell) else cell for cell, plain in cells]

    def _wrong_length(self, number: int, length: int) -> InvalidRows:
        return InvalidRows(f"row {number} has {length} values; the model takes {len(self.names)} columns, {ORDER}")

    def _too_long(self, number: int) -> InvalidRows:
        return InvalidRows(f"row {number} has more than {self.longest} bytes")

    def _not_finite(self, values: Values, first: int) -> InvalidRows:
        number, place = next(
            (number, place)
            for number, row in enumerate(values, first)
            for place, value in enumerate(row)
            if value is not None and not abs(value) <= FLOAT32_MAX
        )
        return InvalidRows(f"row {number}, column {self.names[place]!r} must be a number within float32, or missing")


def without_blanks(body: bytes) -> Stretches[bytes]:
    """Removes trailing whitespace from the body; yields periodically."""
    end = len(body)
    while end:
        begin = max(0, end - SPLIT_STRETCH)
        if kept := len(body[begin:end].rstrip(BLANK)):
            return body[: begin + kept]
        end = begin
        yield
    return b""


def neighbours(lines: list[bytes], size: int) -> Iterator[tuple[int, list[bytes]]]:
    """Groups lines into chunks of about ``size`` bytes; yields the number of the first line, from 1, and the lines."""
    first, held, group = 1, 0, list[bytes]()
    for number, line in enumerate(lines, 1):
        if group and held + len(line) > size:
            yield first, group
            first, held, group = number, 0, []
        group.append(line)
        held += len(line) + 1
    yield first, group


def pairs(text: bytes, most: int) -> Stretches[dict[str, tuple[int, int]] | None]:
    """Returns the start and end of each key's value in the text of a JSON object; for duplicate keys, of the last.

    Returns ``None`` if the text is not an object, or has more than ``most`` keys. Does not validate the values. Yields
    periodically if the text is long.
    """
    split = Split(text, most, keyed=True)
    while not split.step(SPLIT_STRETCH):
        yield
    if not split.sound or split.count > most:
        return None
    found: dict[str, tuple[int, int]] = {}
    for place in range(split.count):
        if place % KEYS_TOGETHER == KEYS_TOGETHER - 1:
            yield
        begin, end, _ = split.element(place)
        key = a_key(text, begin, min(end, begin + KEY_BYTES))
        name = text_in(key[1]) if key else None
        if key is None or name is None:
            return None
        found[name] = key.end(), end
    return found


def text_in(quoted: bytes) -> str | None:
    """Decodes a JSON string; returns ``None`` if it is not one."""
    try:
        return msgspec.json.decode(quoted, type=str)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def decoded_rows(body: bytes, first: int = 0, begin: int = 0) -> Values:
    """Decodes rows from JSON; errors refer to a larger text in which they start at row ``first`` and byte ``begin``."""
    try:
        return msgspec.json.decode(body, type=Values)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as failure:
        said = re.sub(r"`\$\[(\d+)\]", lambda found: f"`$[{int(found[1]) + first}]", str(failure))
        said = re.sub(r"\(byte (\d+)\)", lambda found: f"(byte {int(found[1]) + begin})", said)
        raise InvalidRows(f"rows must be arrays of numbers and nulls: {said}") from None


def is_number(cell: bytes) -> bool:
    """Whether a cell is missing or a number, including infinities."""
    text = cell.strip()
    if text.lower() in MISSING_CELLS:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def decoded(contract: Contract) -> Callable[[Sequence[float | None]], tuple[Any, ...]]:
    """Returns a function that decodes a row to the values of a lead; categories become their texts, if known."""
    back = [
        (feature.form.back(feature), contract.columns.places(place)) for place, feature in enumerate(contract.features)
    ]
    return lambda row: tuple(value(row[places]) for value, places in back)

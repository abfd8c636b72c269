"""Leads that a caller has encoded already: rows of numbers in the order of the contract's columns.

A number is itself, a flag 0 or 1, a category its code; missing is ``None``, an empty cell or NaN. Ranges are not
checked again, since the caller has, but what no lead can be encoded to is refused: it tells of columns out of order.
Rows are counted from 1 in messages, which name no values.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from leadscoring._engine import Rows
from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import InvalidRows
from leadscoring.float32 import FLOAT32_MAX

Values = list[list[float | None]]

MOST_CODE = 2**24 - 2
"""The largest code of a category that XGBoost knows."""

BLANK = b" \t\r\n"

MISSING_CELLS = (b"", b"nan")
ORDER = "in the order of the contract (GET /api/v1/model/features)"


class RowReader:
    """Reads encoded rows by one contract. Every method raises ``InvalidRows`` for what does not fit it."""

    def __init__(self, contract: Contract) -> None:
        self.names = contract.names
        self._codes = [
            (place, most) for place, feature in enumerate(contract.features) if (most := top_code(feature)) is not None
        ]
        self._means_missing = contract.means_missing if contract.missing_value is not None else None

    def csv(self, body: bytes) -> Rows:
        """The rows in comma-separated text without a header, a line each.

        Blank lines at the end are no rows. Of a model with one column an empty line before another row is a row whose
        value is missing; ``nan`` says so anywhere.
        """
        lines = body.rstrip(BLANK).split(b"\n")
        if b"_" in body:  # Python would read 1_000 as a number
            raise InvalidRows("cells must be numbers such as -1.5e3, or empty; there is an underscore in the rows")
        if lines == [b""]:
            raise InvalidRows("there are no rows; send one a line, without a header")
        return self.matrix([self._cells(number, line) for number, line in enumerate(lines, 1)])

    def _cells(self, number: int, line: bytes) -> list[float | None]:
        if (commas := line.count(b",")) > 2 * len(self.names):  # before millions of cells are cut
            raise self._wrong_length(number, commas + 1)
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
        """The rows in a JSON array of arrays of numbers and nulls."""
        try:
            return self.matrix(msgspec.json.decode(body, type=Values))
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as failure:
            raise InvalidRows(f"rows must be arrays of numbers and nulls: {failure}") from None

    def frame(self, columns: Sequence[str], values: Values) -> Rows:
        """Rows whose columns are named, in any order, each of the contract's once."""
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

    def matrix(self, values: Values) -> Rows:
        """Rows of numbers and ``None``."""
        if not values:
            raise InvalidRows("there are no rows; send at least one")
        expected = len(self.names)
        if self._means_missing is not None:
            means_missing = self._means_missing
            values = [[None if cell is not None and means_missing(cell) else cell for cell in row] for row in values]
        for number, row in enumerate(values, 1):
            if len(row) != expected:
                raise self._wrong_length(number, len(row))
            for place, most in self._codes:
                value = row[place]
                if value is not None and not (0 <= value <= most and value == int(value)):
                    raise InvalidRows(
                        f"row {number}, column {self.names[place]!r} must be a code from 0 to {most}, or missing: "
                        f"are the {expected} columns {ORDER}?"
                    )
        try:
            return Rows(values)
        except (ValueError, OverflowError):
            raise self._not_finite(values) from None

    def _wrong_length(self, number: int, length: int) -> InvalidRows:
        return InvalidRows(f"row {number} has {length} values; the model takes {len(self.names)} columns, {ORDER}")

    def _not_finite(self, values: Values) -> InvalidRows:
        number, place = next(
            (number, place)
            for number, row in enumerate(values, 1)
            for place, value in enumerate(row)
            if value is not None and not abs(value) <= FLOAT32_MAX
        )
        return InvalidRows(f"row {number}, column {self.names[place]!r} must be a number within float32, or missing")


def top_code(feature: Feature) -> int | None:
    """The largest number that a category or a flag is encoded to; ``None`` for others."""
    if feature.kind == "flag":
        return 1
    if feature.codes:
        return MOST_CODE  # of a category that no split names, any code does
    return len(feature.values) - 1 + feature.other if feature.kind == "category" else None


def is_number(cell: bytes) -> bool:
    """Whether a cell is missing or a number, finite or not."""
    text = cell.strip()
    if text.lower() in MISSING_CELLS:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def decoded(contract: Contract) -> Callable[[Sequence[float | None]], tuple[Any, ...]]:
    """What turns an encoded row back into the values of a lead: categories by their texts, where they have one."""
    texts = [feature.wire_values if feature.values else None for feature in contract.features]

    def values(row: Sequence[float | None]) -> tuple[Any, ...]:
        return tuple(
            value if known is None or value is None else (known[int(value)] if value < len(known) else None)
            for known, value in zip(texts, row, strict=True)
        )

    return values

"""Serializes rows for a remote model, in the order of the model's columns.

Nine significant digits reproduce every float32 exactly.
"""

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol, cast

from leadscoring._engine import Rows

MOST_BYTES = (5 << 20) - (64 << 10)
"""Maximum bytes of rows in one body, so that it stays below 5 MiB in total: SageMaker accepts 6 MiB, Azure more."""


class Payload(Protocol):
    """One serialization format of rows."""

    content_type: str
    beside: int
    """Overhead of each row in a body, in bytes."""

    def lines(self, rows: Rows, start: int, end: int) -> list[bytes]:
        """Serializes each of the rows from ``start`` (inclusive) to ``end`` (exclusive) on its own."""
        ...

    def body(self, lines: Sequence[bytes]) -> bytes:
        """Assembles the body of a request from serialized rows."""
        ...


class Csv:
    """CSV with one line per row and empty cells for missing values; ``nan`` in place of an otherwise empty line.

    Without a trailing newline, which the built-in container of SageMaker would parse as an empty row.
    """

    content_type = "text/csv"
    beside = 1

    def __init__(self, columns: int) -> None:
        self._format = ",".join(["%.9g"] * columns)

    def lines(self, rows: Rows, start: int, end: int) -> list[bytes]:
        """As in ``Payload``."""
        return [(self._format % tuple(row)).replace("nan", "").encode() or b"nan" for row in values(rows, start, end)]

    def body(self, lines: Sequence[bytes]) -> bytes:
        """As in ``Payload``."""
        return b"\n".join(lines)


class JsonRows:
    """``{"data": [[...], ...]}`` with a configurable key; ``null`` for missing values."""

    content_type = "application/json"
    beside = 1

    def __init__(self, columns: int, name: str) -> None:
        self._format = "[" + ",".join(["%.9g"] * columns) + "]"
        self._head = b"{%s:[" % json.dumps(name).encode()

    def lines(self, rows: Rows, start: int, end: int) -> list[bytes]:
        """As in ``Payload``."""
        return [(self._format % tuple(row)).replace("nan", "null").encode() for row in values(rows, start, end)]

    def body(self, lines: Sequence[bytes]) -> bytes:
        """As in ``Payload``."""
        return self._head + b",".join(lines) + b"]}"


class Frame(JsonRows):
    """``{"input_data": {"columns": [...], "index": [...], "data": [[...], ...]}}``, as MLflow deployments expect it."""

    beside = 10
    """Includes the number of the row in the index."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(len(columns), "data")
        self._columns = json.dumps(list(columns)).encode()

    def body(self, lines: Sequence[bytes]) -> bytes:
        """As in ``Payload``."""
        index = json.dumps(list(range(len(lines)))).encode()
        return b'{"input_data":{"columns":%s,"index":%s,"data":[%s]}}' % (self._columns, index, b",".join(lines))


def values(rows: Rows, start: int, end: int) -> list[list[float]]:
    """Returns the rows as lists of numbers, with NaN for missing values."""
    listed: Any = memoryview(rows)[start:end].tolist()  # two-dimensional, which the type stubs do not support
    return cast("list[list[float]]", listed)


def parts(lines: Sequence[bytes], beside: int, most: int = MOST_BYTES) -> list[Sequence[bytes]]:
    """Splits rows, in order, into parts of at most ``most`` bytes; a longer row forms a part of its own.

    ``beside`` is the overhead of each row in a body, in bytes.
    """
    sizes = list(accumulate(len(line) + beside for line in lines))
    split: list[Sequence[bytes]] = []
    start = 0
    for place in range(1, len(lines) + 1):
        before = sizes[start - 1] if start else 0
        if place == len(lines) or sizes[place] - before > most:
            split.append(lines[start:place])
            start = place
    return split

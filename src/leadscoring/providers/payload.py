"""How rows go over the wire to a remote model, in the order of the model's own columns.

Nine significant digits bring every float32 back to the bit.
"""

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol, cast

from leadscoring._engine import Rows

MOST_BYTES = (5 << 20) - (64 << 10)
"""Of the rows in one body, which leaves room for what is around them below 5 MiB: SageMaker takes 6, Azure more."""


class Payload(Protocol):
    """One form that a remote model takes rows in."""

    content_type: str
    beside: int
    """Bytes that a row brings with it in a body, beside its own."""

    def lines(self, rows: Rows, start: int, end: int) -> list[bytes]:
        """Each of the rows from ``start`` to before ``end``, written on its own."""
        ...

    def body(self, lines: Sequence[bytes]) -> bytes:
        """What to send for these rows."""
        ...


class Csv:
    """A line a row, an empty cell for what is missing; ``nan`` where a line would be empty, which may be no row.

    Without a last newline: the built-in container of SageMaker would take what follows it for an empty row.
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
    """``{"data": [[...], ...]}`` under a name to choose, ``null`` for what is missing."""

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
    """``{"input_data": {"columns": [...], "index": [...], "data": [[...], ...]}}``, as MLflow deployments take it."""

    beside = 10
    """Its number in the index, too."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(len(columns), "data")
        self._columns = json.dumps(list(columns)).encode()

    def body(self, lines: Sequence[bytes]) -> bytes:
        """As in ``Payload``."""
        index = json.dumps(list(range(len(lines)))).encode()
        return b'{"input_data":{"columns":%s,"index":%s,"data":[%s]}}' % (self._columns, index, b",".join(lines))


def values(rows: Rows, start: int, end: int) -> list[list[float]]:
    """The rows as numbers, NaN for what is missing."""
    found: Any = memoryview(rows)[start:end].tolist()  # of two dimensions, which its types do not know
    return cast("list[list[float]]", found)


def parts(lines: Sequence[bytes], beside: int, most: int = MOST_BYTES) -> list[Sequence[bytes]]:
    """The rows in order, cut so that no part has more than ``most`` bytes; a row that is longer stands alone.

    ``beside`` is what each row brings with it in a body, in bytes.
    """
    sizes = list(accumulate(len(line) + beside for line in lines))
    found: list[Sequence[bytes]] = []
    start = 0
    for place in range(1, len(lines) + 1):
        before = sizes[start - 1] if start else 0
        if place == len(lines) or sizes[place] - before > most:
            found.append(lines[start:place])
            start = place
    return found

"""The file of rejects: every row that could not be scored, with its place, its content and all of its faults."""

import io
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import polars as pl

from leadscoring.bulk.printable import printable
from leadscoring.bulk.spreadsheet import harmless_frame
from leadscoring.errors import Fault

HEADER = ("file", "line", "id", "message", "faults", "content")


class Reject(NamedTuple):
    """A row that was not scored: its file and line, its id if it has one, what stands there, and what is wrong."""

    file: str
    line: int
    lead_id: str | None
    content: str
    faults: tuple[Fault, ...]


def header() -> bytes:
    """The first line of the file."""
    return (",".join(HEADER) + "\n").encode()


def lines_of(rejects: Sequence[Reject]) -> bytes:
    """The lines of some rejects as CSV; cells that a spreadsheet would run have an apostrophe in front."""
    texts = {
        "file": [one.file for one in rejects],
        "line": [one.line for one in rejects],
        "id": [one.lead_id for one in rejects],
        "message": ["; ".join(fault.message for fault in one.faults) for one in rejects],
        "faults": [printable(msgspec.json.encode(one.faults).decode()) for one in rejects],
        "content": [printable(one.content) for one in rejects],
    }
    table = pl.DataFrame(texts, schema_overrides={"line": pl.Int64, "id": pl.String})
    buffer = io.BytesIO()
    harmless_frame(table)[0].write_csv(buffer, include_header=False, quote_style="non_numeric")
    return buffer.getvalue()

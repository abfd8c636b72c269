"""The file of rejects: every row that could not be scored, with its place, its content and all of its faults."""

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import polars as pl

from leadscoring.bulk.spreadsheet import harmless
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


def lines_of(rejects: Iterable[Reject]) -> bytes:
    """The lines of some rejects as CSV; cells that a spreadsheet would run have an apostrophe in front."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)  # a lone \r needs quotes, too
    for one in rejects:
        message = "; ".join(fault.message for fault in one.faults)
        faults = msgspec.json.encode(list(one.faults)).decode()
        texts = harmless(pl.Series([one.file, one.lead_id, message, faults, one.content], dtype=pl.String))[0].to_list()
        writer.writerow([texts[0], one.line, *texts[1:]])
    return buffer.getvalue().encode("utf-8", "backslashreplace")

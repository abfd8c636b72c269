"""Writes texts so that no spreadsheet runs them: a cell that looks like a formula gets an apostrophe in front.

Spreadsheets take a text that starts with ``=``, ``+``, ``-``, ``@`` or a control character for a formula. A plain
number, such as -5, stays as it is. A text that starts with an apostrophe gets one more, so that removing the first
apostrophe of a cell always restores the text.
"""

from collections.abc import Collection
from typing import Any

import msgspec
import polars as pl

MARK = "'"
RISKY = r"^['=+\-@\t\r\n\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}]"
"""The last four are the same signs in full width."""

PLAIN_NUMBER = r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"


def harmless(text: pl.Series) -> tuple[pl.Series, int]:
    """Returns texts as they can be written to a CSV file, and how many got an apostrophe."""
    risky = text.str.contains(RISKY).fill_null(False)
    if not risky.any():
        return text, 0
    risky &= ~text.str.contains(PLAIN_NUMBER).fill_null(False)
    marked = pl.select(pl.when(risky).then(MARK + text).otherwise(text)).to_series()
    return marked.alias(text.name), int(risky.sum())


def harmless_frame(frame: pl.DataFrame, safe: Collection[str] = ()) -> tuple[pl.DataFrame, int]:
    """Returns a table as it can be written to a CSV file, its header included, and how many cells got an apostrophe.

    ``safe`` are columns of which every text is known to be harmless.
    """
    columns, count = [], 0
    for column in map(writable, frame.iter_columns()):
        is_risky = column.dtype == pl.String and column.name not in safe
        text, changed = harmless(column) if is_risky else (column, 0)
        columns.append(text)
        count += changed
    names = harmless(pl.Series(frame.columns, dtype=pl.String))[0].to_list()
    return pl.DataFrame([column.alias(name) for column, name in zip(columns, names, strict=True)]), count


def writable(column: pl.Series) -> pl.Series:
    """Returns a column of a type that CSV has: dictionaries and bytes as text, lists and structs as JSON."""
    kind = column.dtype
    if isinstance(kind, pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    if kind.is_nested() or isinstance(kind, pl.Binary | pl.Duration | pl.Object):
        texts = [None if cell is None else text_of(cell) for cell in column.to_list()]
        return pl.Series(column.name, texts, dtype=pl.String)
    return column


def text_of(cell: Any) -> str:
    """Returns a cell that CSV has no notation for as text; bytes that are not UTF-8 as escapes."""
    if isinstance(cell, bytes):
        return cell.decode(errors="backslashreplace")
    if isinstance(cell, list | dict):
        return msgspec.json.encode(cell, enc_hook=str).decode()
    return str(cell)

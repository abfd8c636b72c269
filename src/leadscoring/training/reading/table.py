"""Reads past leads as a table: delimited text as exported by CRMs, or Parquet."""

import io
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.header import Header, clean, header_of, some_of
from leadscoring.training.reading.lines import Rows, cells, rows_of, widths, written
from leadscoring.training.reading.source import data_hash, read_bytes, source_name
from leadscoring.training.reading.text import decode

PARQUET_MAGIC = b"PAR1"
OTHER_HEADER = 0.7
"""A row with at least this share of cells that are column names is a header."""

LOOKED_AT = 64
"""Number of evenly spaced columns of a wide table that are searched for column names first."""

SPARE = 50
"""Maximum number of empty cells in a row beyond the header's."""

MOST_COLUMNS = 65_536
"""Maximum number of columns of a file: the engine's limit on features, and the target."""


class Table(msgspec.Struct, frozen=True):
    """Leads, read exactly once: the rows, the hash of their bytes, and notes on how they were parsed.

    ``data_hash`` is ``sha256:`` and a digest, for a frame that of its CSV. ``name`` is the file's name, empty for a
    frame or a pipe. ``labels`` maps a column name to its label in the file where they differ (a quotation mark in it,
    or a repeated label). ``twice`` are labels of several columns. ``lines`` is the line number of each row, ``None``
    for Parquet and frames.
    """

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    twice: frozenset[str] = frozenset()
    lines: np.ndarray | None = None
    data_hash: str = ""
    name: str = ""

    def place(self, row: int) -> str:
        """The position of a row in messages; ``row`` counts from 0."""
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"

    def named_values(self, options: Iterable[str]) -> tuple[str, ...]:
        """Replaces the label by the column name in options of the form ``COLUMN=VALUE``; leaves others unchanged."""
        names = {label: name for name, label in self.labels.items()}
        parts = [(option, *option.rpartition("=")) for option in options]
        return tuple(
            f"{names[name]}={value}" if sign and name in names else option for option, name, sign, value in parts
        )

    def resolve(self, name: str, option: str) -> str:
        """The column that an option refers to, by name or by its label in the file.

        Raises ``TrainingDataError`` if several columns with different values have that label.
        """
        column = (
            name if name in self.frame.columns else next((n for n, label in self.labels.items() if label == name), name)
        )
        column = column if column in self.frame.columns else clean(name)
        if column in self.twice and column in self.frame.columns:
            raise TrainingDataError(
                f"{option} names {name!r}, but several columns with different values are called so: rename or delete "
                "all but the one that is meant"
            )
        return column if column in self.frame.columns else name


def read_source(source: str | Path | pl.DataFrame | Table) -> Table:
    """Reads the leads of a CSV or Parquet file exactly once, or takes those of a frame or of a table.

    Raises ``TrainingDataError`` as ``read_table`` does.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, pl.DataFrame):
        return msgspec.structs.replace(named(source), data_hash=data_hash(source.write_csv().encode()))
    return read_table(source)


def read_table(path: str | Path) -> Table:
    """Reads the rows of a CSV or Parquet file; all columns of a CSV are text.

    Encoding, line ends, delimiter and header are detected; ``notes`` describe the result. Raises
    ``TrainingDataError`` if the file does not exist, is empty, has another format, or has a row that cannot be
    parsed, with its line and advice.
    """
    path = Path(path)
    content = read_bytes(path)
    table = from_parquet(content, path) if content.startswith(PARQUET_MAGIC) else from_csv(content, path)
    if table.frame.height == 0:
        raise TrainingDataError(f"{path} has a header but no rows")
    return msgspec.structs.replace(table, data_hash=data_hash(content), name=source_name(path))


def from_parquet(content: bytes, path: str | Path) -> Table:
    """The rows of a Parquet file, with its column types."""
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as failure:
        raise TrainingDataError(
            f"{path} is not a readable Parquet file: {str(failure).splitlines()[0]}; write it anew, or as CSV"
        ) from failure
    return named(frame)


def named(frame: pl.DataFrame) -> Table:
    """Renames the columns of a frame so that the keys of a lead can have their names."""
    if frame.columns == [clean(name) for name in frame.columns]:
        return Table(frame)
    header = header_of(frame.columns, "the header")
    return Table(frame.rename(dict(zip(frame.columns, header.names, strict=True))), tuple(header.notes), header.labels)


def from_csv(content: bytes, path: str | Path) -> Table:
    """The rows of a delimited text file, with all columns as text."""
    text, notes = decode(content, path)
    rows = rows_of(text, path)
    if len(rows.header) > MOST_COLUMNS:
        raise TrainingDataError(f"{path} has {len(rows.header)} columns, but at most {MOST_COLUMNS} can be trained on")
    header = header_of(rows.header, f"the header of {path}")
    mend_widths(rows, len(header.names), path)
    frame = pl.DataFrame({name: [] for name in header.names}, schema=dict.fromkeys(header.names, pl.String))
    if rows.texts:
        frame = parsed(rows, header.names, path)
    lines = np.asarray(rows.lines, dtype=np.int64)
    again = header_again(frame, rows)
    refuse_other_header(frame, rows, again, path)
    if again.any():
        rows.notes.append(f"the header comes again in {some_lines(lines[again])}: left out")
        frame, lines = frame.filter(~pl.Series(again)), lines[~again]
    frame = without_formulas(frame, rows.notes)
    frame = without_empty(frame, header, rows.notes)
    frame = without_copies(frame, header)
    notes += rows.notes + some_of(header.notes)
    return Table(frame, tuple(notes), header.labels, header.twice, lines)


def mend_widths(rows: Rows, wanted: int, path: str | Path) -> None:
    """Repairs rows whose number of cells differs from the header's.

    Short rows lack their last values; rows that are quoted as a whole are unquoted. Raises ``TrainingDataError`` for
    a row with too many values, or one that is split by a line break.
    """
    if not rows.texts:
        return
    count = widths(rows.texts, rows.delimiter)
    for place in np.flatnonzero((count == 1) & (wanted > 1)):
        inner = cells(cells(rows.texts[place], rows.delimiter)[0], rows.delimiter)
        if len(inner) == wanted:  # its own quotation marks may be stray ones
            rows.texts[place], count[place] = written(inner, rows.delimiter), wanted
    short = np.flatnonzero(count < wanted)
    for first, second in pairwise(short):
        if second == first + 1 and count[first] + count[second] - 1 == wanted:
            raise TrainingDataError(
                f"{path}: lines {rows.lines[first]} and {rows.lines[second]} look like one lead that a line break cut "
                "in two: put the value that holds the line break in quotation marks"
            )
    if len(short):
        rows.notes.append(
            f"{len(short)} row{'s' * (len(short) > 1)} with fewer values than the header has names were read as "
            f"missing their last ones (the first is line {rows.lines[short[0]]})"
        )
    if count.max() > wanted + SPARE:
        refuse_wide(rows, int(np.argmax(count > wanted + SPARE)), wanted, path)


def refuse_wide(rows: Rows, place: int, wanted: int, path: str | Path) -> None:
    """Raises ``TrainingDataError`` for a row with more values than the header has names."""
    count = len(cells(rows.texts[place], rows.delimiter))
    raise TrainingDataError(
        f"{path}: line {rows.lines[place]} has {count} values where the header names {wanted} columns: put a value "
        f"that holds {rows.delimiter!r} in quotation marks"
    )


def parsed(rows: Rows, names: list[str], path: str | Path) -> pl.DataFrame:
    """Parses the rows as text columns. Raises ``TrainingDataError`` if cells beyond the header's are not empty."""
    count = widths(rows.texts, rows.delimiter)
    most = max(int(count.max()), len(names))
    # The first row determines the number of columns.
    texts = [rows.texts[0] + rows.delimiter * (most - int(count[0])), *rows.texts[1:]]
    spare = [f"\0{place}" for place in range(most - len(names))]
    try:
        frame = pl.read_csv(
            io.BytesIO("\n".join(texts).encode()),
            separator=rows.delimiter,
            has_header=False,
            schema=dict.fromkeys([*names, *spare], pl.String),
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError as failure:
        why = str(failure).splitlines()[0]
        raise TrainingDataError(f"{path} is not readable as text separated by {rows.delimiter!r}: {why}") from failure
    if frame.height != len(rows.texts):
        raise TrainingDataError(
            f"{path} has {len(rows.texts)} rows, but {frame.height} could be read: save it anew as CSV"
        )
    if spare:
        full = frame.select(pl.any_horizontal(pl.col(spare).str.strip_chars().fill_null("") != "")).to_series()
        if full.any():
            refuse_wide(rows, int(full.arg_max() or 0), len(names), path)
        rows.notes.append("empty values beyond the columns of the header were dropped")
    return frame.select(names)


def header_again(frame: pl.DataFrame, rows: Rows) -> np.ndarray:
    """Whether each row repeats the header, as in concatenated exports; shape (rows,)."""
    alike = np.ones(frame.height, dtype=bool)
    for column, cell in zip(frame.iter_columns(), rows.header, strict=True):
        if alike.any():
            alike &= (column.fill_null("").str.strip_chars() == cell.strip()).to_numpy()
    return alike


def refuse_other_header(frame: pl.DataFrame, rows: Rows, again: np.ndarray, path: str | Path) -> None:
    """Raises ``TrainingDataError`` for a row that is a header with the columns in another order."""
    names = [cell.strip() for cell in rows.header if cell.strip()]
    if len(names) < 3:
        return
    looked = frame.select(frame.columns[:: max(1, frame.width // LOOKED_AT)])
    known, share = pl.Series(names).unique(), len(names) / frame.width
    hits = pl.sum_horizontal(pl.all().str.strip_chars().is_in(known.implode()).fill_null(value=False))
    other = (looked.select(hits).to_series().to_numpy() >= OTHER_HEADER * share * looked.width) & ~again
    if other.any():
        raise TrainingDataError(
            f"{path}: line {rows.lines[int(np.argmax(other))]} is another header, with the columns in another order: "
            "two exports were joined that do not fit together; export them with the same columns, or join them by name"
        )


def some_lines(lines: np.ndarray) -> str:
    """The first few line numbers, and the number of further ones."""
    more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
    return f"line{'s' * (len(lines) > 1)} " + ", ".join(map(str, lines[:5])) + more


def without_formulas(frame: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Unwraps ``="00123"``, which exports use to keep Excel from converting text to a number."""
    shielded = [
        column.name for column in frame.iter_columns() if column.str.starts_with('="').fill_null(value=False).any()
    ]
    if not shielded:
        return frame
    notes.append(f'formulas such as ="123" in {", ".join(map(repr, shielded[:5]))} were read as the text in them')
    return frame.with_columns(pl.col(shielded).str.replace(r'^="(.*)"$', "${1}"))


def without_empty(frame: pl.DataFrame, header: Header, notes: list[str]) -> pl.DataFrame:
    """Drops columns without a name and without values."""
    nameless = [name for name in header.names if header.labels.get(name) == ""]
    empty = [name for name in nameless if (frame[name].fill_null("").str.strip_chars() == "").all()]
    if empty:
        notes.append(f"{len(empty)} column{'s' * (len(empty) > 1)} without name and value were dropped")
    kept = [name for name in nameless if name not in empty]
    if kept:
        notes.append(f"columns without a name are called {', '.join(map(repr, kept[:5]))} here")
    for name in nameless:
        del header.labels[name]
    return frame.drop(empty)


def without_copies(frame: pl.DataFrame, header: Header) -> pl.DataFrame:
    """Drops columns that repeat the name and values of another."""
    copies = [
        name
        for name, label in header.labels.items()
        if (first := clean(label)) in header.twice and name != first and frame[name].equals(frame[first])
    ]
    if not copies:
        return frame
    gone = {f" is called {name!r} here" for name in copies}
    header.notes[:] = [note for note in header.notes if note[max(0, note.rfind(" is called ")) :] not in gone]
    for label in dict.fromkeys(header.labels.pop(name) for name in copies):
        header.notes.append(f"the header has {label!r} more than once, with the same values: kept once")
    left = {clean(label) for label in header.labels.values()}
    header.twice = frozenset(header.twice & left)
    return frame.drop(copies)

"""The row group of a batch of scores: the engine writes the columns of scores, Polars those of the input.

Both make pages and facts of each column (``parquet_footer``); which of them did shows in nothing but the encoding. The
engine writes faster, since it knows what scores hold: names, numbers of which few are different, and lists that are all
as long as each other. Zstandard would make little less of what is packed that way, so the engine has Snappy alone.
"""

import io
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import polars as pl

from leadscoring._engine import distinct_numbers, parquet_pages
from leadscoring.bulk.parquet_footer import (
    BINARY,
    COLUMN_FACTS,
    COLUMN_OFFSET,
    COLUMNS,
    GROUP_OFFSET,
    GROUP_ROWS,
    GROUPS,
    I16,
    I32,
    I64,
    LIST,
    MAGIC,
    ORDINAL,
    PAGES,
    STRUCT,
    Field,
    Part,
    moved_column,
    part_of,
)
from leadscoring.training.reading.series import as_text

CODES, DOUBLES, TEXTS, SMALL = range(4)
"""What the engine writes: places of texts, numbers (NaN is null), texts, and whole numbers of a byte."""

PHYSICAL = {CODES: 6, DOUBLES: 5, TEXTS: 6, SMALL: 1}
"""Their types in Parquet."""

PLAIN, RUNS, PLACES, SNAPPY = 0, 3, 8, 1
"""Encodings and the compression, as Parquet numbers them."""

RAW, PACKED = 6, 7
"""Fields of the facts of a column: its bytes before and after compression."""

LEVEL = 1
"""How hard Zstandard compresses: level 3 makes files smaller by less than 1 %, for a fifth more time to write them."""

LONGEST = 256
"""Texts of more bytes are not the least or the largest of a column: readers would expect them cut."""

DISTINCT, FEW = 4, 64
"""Numbers become places in a list of their texts if at most every fourth is another, or so few."""


class Leaf(msgspec.Struct, frozen=True):
    """One column of a row group without lists and structs: its pages, and what the footer says, counted from 0."""

    pages: bytes
    column: list[Field]

    def fact(self, number: int) -> Any:
        """One fact of the column."""
        facts = next(value for field, _, value in self.column if field == COLUMN_FACTS)
        return next(value for field, _, value in facts if field == number)


class Scores(msgspec.Struct, frozen=True):
    """The columns that hold scores, by name, and the names of features, to whose places reasons refer."""

    names: Collection[str] = ()
    features: pl.Series = pl.Series("feature", [], dtype=pl.String)

    def leaves(self, column: pl.Series) -> list[Leaf] | None:
        """Writes a column of scores; ``None`` if it is another, or of a type that only Polars writes."""
        if column.name not in self.names:
            return None
        kind, rows = column.dtype, len(column)
        if isinstance(kind, pl.Enum):
            return [flat(column.name, rows, CODES, column.to_physical().cast(pl.UInt32).to_numpy(), kind.categories)]
        if kind == pl.Float64:
            return [flat(column.name, rows, DOUBLES, numbers_in(column))]
        if kind == pl.UInt8 and not column.null_count():
            return [flat(column.name, rows, SMALL, column.to_numpy())]
        if kind == pl.String:
            return [flat(column.name, rows, TEXTS, column.rechunk())]
        if isinstance(kind, pl.Struct):
            return self._reasons(column)
        if isinstance(kind, pl.List) and not column.list.len().max():
            return nothing(column.name, kind, rows)
        return None

    def _reasons(self, column: pl.Series) -> list[Leaf]:
        """Writes reasons, which are arrays of as many for each lead."""
        parts = {part.name: part.to_numpy() for part in column.struct.unnest().iter_columns()}
        features = np.ascontiguousarray(parts["feature"])
        rows, most = features.shape

        def leaf(name: str, kind: int, cells: Any, names: pl.Series | None = None) -> Leaf:
            found = parquet_pages(kind, cells, rows, names, most, features)
            return leaf_of((column.name, "list", "element", name), kind, found)

        places, texts = texts_of(np.ascontiguousarray(parts["value"]).reshape(-1))
        return [
            leaf("feature", CODES, features.view(np.uint32), self.features),
            leaf("value", TEXTS, texts) if places is None else leaf("value", CODES, places, texts),
            leaf("contribution", DOUBLES, np.ascontiguousarray(parts["contribution"])),
        ]


def group_of(scores: pl.DataFrame, known: Scores) -> Part:
    """The row group of a table: its pages, and what the footer says of them, as if they followed the magic bytes."""
    own = {column.name: known.leaves(column) for column in scores.iter_columns()}
    others = by_polars(scores.select([name for name, leaves in own.items() if leaves is None]))
    leaves = [leaf for name, found in own.items() for leaf in (others[name] if found is None else found)]
    columns, at = [], len(MAGIC)
    for leaf in leaves:
        columns.append(moved_column(leaf.column, at))
        at += len(leaf.pages)
    group: list[Field] = [
        (COLUMNS, LIST, (STRUCT, columns)),
        (2, I64, sum(leaf.fact(RAW) for leaf in leaves)),
        (GROUP_ROWS, I64, scores.height),
        (GROUP_OFFSET, I64, len(MAGIC)),
        (6, I64, at - len(MAGIC)),
        (ORDINAL, I16, 0),
    ]
    return Part(b"".join(leaf.pages for leaf in leaves), [(GROUPS, LIST, (STRUCT, [group]))])


def whole(table: pl.DataFrame, facts: dict[str, str] | None = None) -> Part:
    """A file of one row group by Polars."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, row_group_size=max(table.height, 1), compression_level=LEVEL, metadata=facts)
    return part_of(buffer.getvalue())


def by_polars(table: pl.DataFrame) -> dict[str, list[Leaf]]:
    """The leaves of each column of a table, written by Polars."""
    found: dict[str, list[Leaf]] = {name: [] for name in table.columns}
    if not table.width:
        return found
    part = whole(table)
    group = next(value for field, _, value in part.footer if field == GROUPS)[1][0]
    for column in next(value for field, _, value in group if field == COLUMNS)[1]:
        leaf = Leaf(b"", column)
        facts = next(value for field, _, value in column if field == COLUMN_FACTS)
        first = min(value for field, _, value in facts if field in PAGES)
        pages = part.pages[first - len(MAGIC) :][: leaf.fact(PACKED)]
        found[leaf.fact(3)[1][0].decode()].append(Leaf(pages, moved_column(column, -first)))
    return found


@lru_cache(maxsize=4)
def nothing(name: str, kind: pl.List, rows: int) -> list[Leaf]:
    """The leaves of a column of empty lists, which are the same for every batch of as many rows."""
    return by_polars(pl.DataFrame([pl.Series(name, [[]], dtype=kind).new_from_index(0, rows)]))[name]


def flat(name: str, rows: int, kind: int, cells: Any, names: pl.Series | None = None) -> Leaf:
    """The leaf of a column of one value a row."""
    return leaf_of((name,), kind, parquet_pages(kind, cells, rows, names))


def leaf_of(path: Sequence[str], kind: int, found: tuple[Any, ...]) -> Leaf:
    """What the engine wrote as a leaf of the footer."""
    pages, dictionary, values, raw, nulls, least, most = found
    facts: list[Field] = [
        (1, I32, PHYSICAL[kind]),
        (2, LIST, (I32, [PLAIN, RUNS, PLACES] if dictionary else [PLAIN, RUNS])),
        (3, LIST, (BINARY, [name.encode() for name in path])),
        (4, I32, SNAPPY),
        (5, I64, values),
        (RAW, I64, raw),
        (PACKED, I64, len(pages)),
        (9, I64, dictionary),
    ]
    facts += [(11, I64, 0)] if dictionary else []
    facts.append((12, STRUCT, list(statistics(nulls, least, most))))
    return Leaf(pages, [(COLUMN_OFFSET, I64, 0), (COLUMN_FACTS, STRUCT, facts)])


def statistics(nulls: int, least: bytes | None, most: bytes | None) -> Iterator[Field]:
    """What a row group says of the values of a column, so that readers can pass over it."""
    yield 3, I64, nulls
    if least is not None and most is not None and max(len(least), len(most)) <= LONGEST:
        yield 5, BINARY, most
        yield 6, BINARY, least


def numbers_in(column: pl.Series) -> Any:
    """The numbers of a column, NaN for null."""
    return np.ascontiguousarray((column.fill_null(np.nan) if column.null_count() else column).to_numpy())


def texts_of(numbers: Any) -> tuple[Any, pl.Series]:
    """Numbers as places in a list of their texts, so that each text is made once; as texts if most are different."""
    places, room = np.empty(len(numbers), np.uint32), np.empty(len(numbers) // DISTINCT + FEW)
    count = distinct_numbers(numbers, places, room)
    if count is None:
        return None, as_text(pl.Series(numbers, nan_to_null=True)).rechunk()
    return places, as_text(pl.Series(room[:count], nan_to_null=True)).rechunk()

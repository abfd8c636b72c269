"""Scores Arrow batches for Spark and Ray: a batch of leads in, a batch with one row for each of them out."""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl
import pyarrow as pa

from leadscoring.bulk.chunk import BulkScorer, Chunk
from leadscoring.bulk.columns import Columns
from leadscoring.bulk.frames import check_columns
from leadscoring.bulk.scores import rejects
from leadscoring.bulk.shipped import REJECTED, Plan, columns_read
from leadscoring.model.loaded import LoadedModel

TEXTS = ("path", "message", "value", "allowed")
FAULTS = pa.list_(pa.struct([(name, pa.string()) for name in TEXTS]))
PLAIN = {
    pa.uint8(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.float32(): pa.float64(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
}
"""Types of Polars, and those that every engine has in their place."""


class BatchScorer:
    """Scores batches with one model by one plan; all of its batches have the same columns of scores."""

    def __init__(self, loaded: LoadedModel, plan: Plan) -> None:
        self._loaded, self._plan = loaded, plan
        self._scorer = BulkScorer(loaded, plan.reasons, now=plan.now)
        self._columns = Columns(loaded, True, plan.reasons, plan.details)
        self._read = columns_read(loaded)
        self.fields: list[pa.Field] = self._fields()

    def _fields(self) -> list[pa.Field]:
        """The columns of scores, which are the same without any lead."""
        none = pl.Series("", [], dtype=pl.Null)
        empty = self._columns.table(self._scorer.score(pl.DataFrame(schema=dict.fromkeys(self._read, pl.Null))), none)
        schema = empty.drop("id").to_arrow().schema
        return [*(pa.field(field.name, plain(field.type)) for field in schema), pa.field(REJECTED, FAULTS)]

    def schema(self, types: Mapping[str, pa.DataType]) -> pa.Schema:
        """The columns of the output by the types of those of the input: id, scores, and kept columns."""
        own = [] if self._plan.id is None else [pa.field("id", types[self._plan.id])]
        kept = [pa.field(name, types[source]) for source, name in self._plan.handed.items()]
        return pa.schema([*own, *self.fields, *kept])

    def score(self, batch: pa.RecordBatch | pa.Table) -> pa.Table:
        """Scores a batch, row by row in its order; a rejected lead has its faults, and no scores.

        Raises ``ScoringTableError`` if it lacks a column that the plan names, or that every lead must have, and
        ``ValueError`` if it has one of them twice, or of a type that cannot be read.
        """
        plan, names = self._plan, batch.schema.names
        check_columns(names, plan.named, self._loaded)
        refuse_twice(names, (*plan.named, *self._read))
        chunk = self._scorer.score(
            frame_of(batch, [name for name in self._read if name in names]),
            None if plan.as_of is None else series_of(batch, plan.as_of),
            None if plan.id is None else ids_of(series_of(batch, plan.id)),
        )
        columns = self._scores(chunk, batch.num_rows)
        columns |= {name: batch.column(source) for source, name in plan.handed.items()}
        if plan.id is not None:
            columns["id"] = batch.column(plan.id)
        schema = self.schema({name: batch.column(name).type for name in plan.named})
        return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)

    def _scores(self, chunk: Chunk, rows: int) -> dict[str, pa.Array]:
        """The columns of scores of all rows of a batch; null where there is none."""
        found = self._columns.table(chunk, pl.repeat(None, rows, dtype=pl.Null, eager=True)).drop("id").to_arrow()
        faults = rejects(chunk)
        columns: dict[str, pa.Array] = {}
        for field in self.fields[:-1]:
            columns[field.name] = spread(found[field.name].cast(field.type), chunk.kept, rows)
        columns[REJECTED] = spread(faults["faults"].to_arrow().cast(FAULTS), faults["row"].to_numpy(), rows)
        return columns


def spread(column: pa.Array | pa.ChunkedArray, at: np.ndarray, rows: int) -> pa.Array | pa.ChunkedArray:
    """Returns a column of so many rows with the values of another one at their places, and null elsewhere."""
    if len(column) == rows:
        return column
    places = np.full(rows, -1)
    places[at] = np.arange(len(at))
    return column.take(pa.array(places, mask=places < 0))


def plain(kind: pa.DataType) -> pa.DataType:
    """Returns the type that every engine has for one of Polars."""
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, plain(field.type)) for field in kind])
    return PLAIN.get(kind, kind)


def refuse_twice(names: list[str], used: Iterable[str]) -> None:
    """Raises ``ValueError`` if a column that is used is there twice."""
    if twice := [name for name in used if names.count(name) > 1]:
        raise ValueError(f"the table has the column {twice[0]!r} {names.count(twice[0])} times: rename the others")


def frame_of(batch: pa.RecordBatch | pa.Table, names: Iterable[str]) -> pl.DataFrame:
    """Returns some columns of a batch as a frame; what can stay where it is, is not copied."""
    return pl.DataFrame([series_of(batch, name) for name in names], height=batch.num_rows)


def series_of(batch: pa.RecordBatch | pa.Table, name: str) -> pl.Series:
    """Returns a column as a series: times with a zone in UTC, decimals as float64.

    Raises ``ValueError`` for a type of Arrow that no table of Polars has.
    """
    column = batch.column(name)
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))
    if pa.types.is_decimal256(column.type):  # Polars has none so wide; by text, since the cast of Arrow is not exact
        column = column.cast(pa.string()).cast(pa.float64())
    if pa.types.is_string_view(column.type):  # with which Polars 1 ends the process
        column = column.cast(pa.large_string())
    try:
        series = pl.Series(name, column)
    except (pl.exceptions.PolarsError, pa.ArrowException, ValueError, TypeError) as failure:
        raise ValueError(f"the column {name!r} of type {column.type} cannot be read: {failure}") from None
    return series.cast(pl.Float64) if isinstance(series.dtype, pl.Decimal) else series


def ids_of(column: pl.Series) -> pl.Series:
    """Returns ids as text where they are whole numbers: in a table all of their digits are there, however large."""
    return column.cast(pl.String) if column.dtype.is_integer() else column

"""Scores Arrow batches: a batch of leads in, a batch with one row for each of them out. Spark and Ray call only this."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from leadscoring.bulk.chunk import BulkScorer, Chunk
from leadscoring.bulk.reason_columns import reason_columns
from leadscoring.bulk.shipped import Plan, check_columns, columns_read
from leadscoring.errors import ScoringTableError
from leadscoring.model.loaded import LoadedModel

Mask = npt.NDArray[np.bool_]

WARNING = pa.struct([("code", pa.string()), ("feature", pa.string()), ("message", pa.string())])
FAULT = pa.struct([("path", pa.string()), ("message", pa.string())])


def score_fields(loaded: LoadedModel, plan: Plan) -> list[pa.Field]:
    """The columns of scores, which model and options fix: Arrow has them in this order after ``id`` and kept columns."""
    contract = loaded.card.contract
    texts = any(feature.is_text for feature in contract.features)
    parts = [("feature", pa.string()), ("value", pa.string() if texts else pa.float64()), ("contribution", pa.float64())]
    reason = pa.struct([*parts, ("aspect", pa.string())] if contract.has_aspects else parts)
    return [
        *([pa.field("as_of", pa.timestamp("us", "UTC"))] if contract.is_timed else []),
        pa.field("probability", pa.float64()),
        pa.field("tier", pa.string()),
        pa.field("bucket", pa.int32()),
        pa.field("percentile", pa.float64()),
        pa.field("model_version", pa.string()),
        pa.field("model_sha256", pa.string()),
        *([pa.field("reasons", pa.list_(reason))] if plan.reasons else []),
        pa.field("warnings", pa.list_(WARNING)),
        pa.field("rejected", pa.list_(FAULT)),
    ]


class BatchScorer:
    """Scores batches with one model by one plan."""

    def __init__(self, loaded: LoadedModel, plan: Plan) -> None:
        self._loaded, self._plan = loaded, plan
        self._scorer = BulkScorer(loaded, plan.reasons, now=plan.now)
        self._fields = score_fields(loaded, plan)
        self._read = columns_read(loaded)

    def score(self, batch: pa.RecordBatch | pa.Table) -> pa.Table:
        """Scores a batch; row by row in its order, rejected leads with their faults in ``rejected`` and no scores.

        Raises ``ScoringTableError`` if it lacks a column that the plan names, or all that the model reads.
        """
        plan, names = self._plan, batch.schema.names
        check_columns(names, plan, self._loaded)
        handed = {"id": plan.id} if plan.id is not None else {}
        handed |= {name: name for name in plan.keep}
        chunk = self._scorer.score(
            frame_of(batch, [name for name in self._read if name in names]),
            None if plan.as_of is None else series_of(batch, plan.as_of),
            None if plan.id is None else ids_of(series_of(batch, plan.id)),
        )
        columns = {name: batch.column(source) for name, source in handed.items()}
        fields = [pa.field(name, column.type) for name, column in columns.items()] + self._fields
        made = columns | score_columns(chunk, self._loaded, batch.num_rows)
        return pa.Table.from_arrays([cast(made[field.name], field.type) for field in fields], schema=pa.schema(fields))


def cast(column: pa.Array | pa.ChunkedArray, to: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Returns a column as this type; Polars makes larger texts and lists than others read."""
    return column if column.type == to else column.cast(to)


def frame_of(batch: pa.RecordBatch | pa.Table, names: Iterable[str]) -> pl.DataFrame:
    """Returns some columns of a batch as a frame; what can stay where it is, is not copied."""
    return pl.DataFrame([series_of(batch, name) for name in names], height=batch.num_rows)


def series_of(batch: pa.RecordBatch | pa.Table, name: str) -> pl.Series:
    """Returns a column as a series: decimals as float64, times with a zone in UTC.

    Raises ``ScoringTableError`` for a type of Arrow that no table of Polars has.
    """
    column = batch.column(name)
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        column = column.cast(kind.storage_type)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = column.cast(pa.timestamp(kind.unit, "UTC"))
    try:
        series = pl.Series(name, column)
    except (pl.exceptions.PolarsError, pa.ArrowException, ValueError, TypeError) as failure:
        raise ScoringTableError(f"the column {name!r} of type {kind} cannot be read: {failure}") from None
    return series.cast(pl.Float64) if isinstance(series.dtype, pl.Decimal) else series


def ids_of(column: pl.Series) -> pl.Series:
    """Returns ids as text where they are whole numbers: in a table all of their digits are there, however large."""
    return column.cast(pl.String) if column.dtype.is_integer() else column


def score_columns(chunk: Chunk, loaded: LoadedModel, rows: int) -> dict[str, pa.Array]:
    """The columns that scoring makes, of all rows of a batch; null where the lead was rejected."""
    absent = np.ones(rows, dtype=bool)
    absent[chunk.kept] = False
    identity = loaded.identity
    columns = {
        "probability": spread(chunk.probability, chunk, absent),
        "tier": spread(np.array([None, "E", "D", "C", "B", "A"], dtype=object)[chunk.bucket], chunk, absent),
        "bucket": spread(chunk.bucket.astype(np.int32), chunk, absent),
        "percentile": spread(chunk.percentile, chunk, absent, np.isnan(chunk.percentile)),
        "model_version": repeated(identity.version, absent),
        "model_sha256": repeated(loaded.sha256, absent),
        "warnings": warnings_of(chunk, absent),
        "rejected": rejected_of(chunk, absent),
    }
    if chunk.as_of is not None:
        columns["as_of"] = spread(chunk.as_of, chunk, absent).cast(pa.timestamp("us", "UTC"))
    if chunk.reasons is not None:
        columns["reasons"] = reasons_of(chunk, loaded, absent)
    return columns


def spread(values: npt.NDArray[np.generic], chunk: Chunk, absent: Mask, unknown: Mask | None = None) -> pa.Array:
    """Returns the values of scored leads as a column of all rows; null for rejected leads, and where ``unknown``."""
    if not chunk.rejected:
        return pa.array(values, mask=unknown)
    column, mask = np.zeros(len(absent), values.dtype), absent.copy()
    column[chunk.kept] = values
    if unknown is not None:
        mask[chunk.kept] |= unknown
    return pa.array(column, mask=mask)


def repeated(text: str, absent: Mask) -> pa.Array:
    """Returns a column of one text."""
    return pa.array([text], pa.string()).take(pa.array(np.zeros(len(absent), np.int32), mask=absent))


def reasons_of(chunk: Chunk, loaded: LoadedModel, absent: Mask) -> pa.Array:
    """Returns the reasons of each lead as a list, the strongest first."""
    assert chunk.reasons is not None
    there = chunk.reasons.features >= 0
    leads, most = there.shape
    made = reason_columns(chunk, loaded, aspects=True)
    names = ["feature", "value", "contribution", "aspect"][: len(made) // most]
    order = (np.arange(leads)[:, None] + leads * np.arange(most))[there]
    parts = [
        pl.concat([column.cast(pl.String) if place == 0 else column for column in made[place :: len(names)]])
        .gather(order)
        .to_arrow()
        for place in range(len(names))
    ]
    counts = np.zeros(len(absent), np.int32)
    counts[chunk.kept] = there.sum(axis=1)
    return lists(pa.StructArray.from_arrays(parts, names), counts, absent)


def warnings_of(chunk: Chunk, absent: Mask) -> pa.Array:
    """Returns the warnings of each lead as a list, empty for most."""
    counts = np.zeros(len(absent), np.int32)
    if chunk.warnings:
        counts[chunk.kept[[index for index, _ in chunk.warnings]]] = [len(found) for _, found in chunk.warnings]
    found = [
        {"code": warned.code, "feature": warned.feature, "message": warned.message}
        for _, each in chunk.warnings
        for warned in each
    ]
    return lists(pa.array(found, WARNING), counts, absent)


def rejected_of(chunk: Chunk, absent: Mask) -> pa.Array:
    """Returns the faults of each rejected lead as a list, null for those that were scored."""
    counts = np.zeros(len(absent), np.int32)
    if chunk.rejected:
        counts[[one.position for one in chunk.rejected]] = [len(one.faults) for one in chunk.rejected]
    faults = [{"path": fault.path, "message": fault.message} for one in chunk.rejected for fault in one.faults]
    return lists(pa.array(faults, FAULT), counts, ~absent)


def lists(values: pa.Array, counts: npt.NDArray[np.int32], absent: Mask) -> pa.Array:
    """Returns values as lists of so many each; null where ``absent``."""
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(absent))

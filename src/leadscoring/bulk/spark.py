"""Scores the leads of a Spark DataFrame, on its executors: ``leadscoring.bulk.spark.score(df, "model.json")``."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as f
from pyspark.sql import types as t

from leadscoring.bulk.shipped import MADE, REJECTED, Asked, Plan, columns_read, shipment
from leadscoring.model.file import AS_IT_IS, Opening

Batches = Iterator[pa.RecordBatch]


def score(
    df: DataFrame,
    model: str | Path,
    *,
    reasons: int = 5,
    details: bool = False,
    id: str | None = None,  # noqa: A002  # as the command calls it
    as_of: int | str | None = None,
    columns: Sequence[str] = (),
    opening: Opening = AS_IT_IS,
) -> DataFrame:
    """Returns a DataFrame with one row for each row of ``df``: its scores, or the reasons why it is rejected.

    ``model`` is the path of a model file that the driver can read. Each executor gets it once, by a broadcast, and
    checks its SHA-256. Columns are found by the names of features; others are ignored, and features without a column
    are unknown. ``id`` is the column with the ids of leads, ``columns`` are columns to hand on. ``as_of`` is the column
    with the moment of each lead, or that of all in microseconds since 1970; by default the moment of this call.

    The columns are those of ``leadscoring score``: ``id``, ``as_of`` if scores depend on a moment, ``probability``,
    ``tier``, ``bucket``, ``percentile``, ``model_version``, ``model_digest``, with ``details`` those of how a score
    adds up, ``reasons`` unless ``reasons=0``, ``warnings``; then ``rejected``, the faults of a lead that was not
    scored, null for all others; then the kept columns. ``split`` separates scored leads from rejected ones.

    Raises a ``ModelError`` if the file is not a model, ``ScoringTableError`` if a column is missing, and ``ValueError``
    or ``TypeError`` for options that do not fit.
    """
    from leadscoring.bulk.arrow_batches import BatchScorer, refuse_twice
    from leadscoring.bulk.frames import check_columns

    content, plan, loaded = shipment(model, Asked(reasons, details, id, as_of, columns, opening))
    names = df.columns
    used = (*plan.named, *columns_read(loaded))
    check_columns(names, plan.named, loaded)
    refuse_twice(names, used)
    taken = [place for place, name in enumerate(names) if name in used]
    # By place, since Spark takes "a.b" for a field of "a", and "A" for "a".
    selected = df.toDF(*map(str, range(len(names)))).select([f"`{place}`" for place in taken])
    sent = [names[place] for place in taken]
    own = t.StructType() if plan.id is None else t.StructType([t.StructField("id", type_of(df, plan.id))])
    for field in BatchScorer(loaded, plan).fields:
        own.add(field.name, spark_type(field.type))
    for source, name in plan.handed.items():
        own.add(name, type_of(df, source))
    fetch = fetching(df, content)

    def scored(batches: Batches) -> Batches:
        return parts(batches, sent, plan, fetch)

    return selected.mapInArrow(scored, own)


def split(scored: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Separates what ``score`` returns into scored leads, and rejected ones with ``id``, faults and kept columns.

    Both are computed when they are used: write or cache ``scored`` first, or all leads are scored for each.
    """
    rejected = f.col(REJECTED)
    return scored.where(rejected.isNull()).drop(REJECTED), scored.where(rejected.isNotNull()).drop(*MADE)


def type_of(df: DataFrame, name: str) -> t.DataType:
    """Returns the type of a column, by its exact name."""
    return df.schema.fields[df.columns.index(name)].dataType


def fetching(df: DataFrame, content: bytes) -> Callable[[], bytes]:
    """Sends the bytes of the model to the executors; returns the function that returns them there."""
    broadcast = df.sparkSession.sparkContext.broadcast(content)
    return lambda: bytes(broadcast.value)


def parts(batches: Batches, names: Sequence[str], plan: Plan, fetch: Callable[[], bytes]) -> Batches:
    """Scores the batches of a partition, in a worker of Spark, which computes in one thread."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from leadscoring.bulk.delivered import scorer_of  # which imports Polars

    for batch in batches:
        if batch.num_rows:
            leads = pa.RecordBatch.from_arrays(batch.columns, names=list(names))
            yield from scorer_of(plan, fetch).score(leads).to_batches()


def spark_type(kind: pa.DataType) -> t.DataType:
    """Returns the type in Spark of a column that scoring makes."""
    if pa.types.is_list(kind):
        return t.ArrayType(spark_type(kind.value_type))
    if pa.types.is_struct(kind):
        return t.StructType([t.StructField(field.name, spark_type(field.type)) for field in kind])
    simple: dict[Any, t.DataType] = {
        pa.string(): t.StringType(),
        pa.float64(): t.DoubleType(),
        pa.int32(): t.IntegerType(),
        pa.timestamp("us", "UTC"): t.TimestampType(),
    }
    return simple[kind]

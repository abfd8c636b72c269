"""Scores the leads of a Spark DataFrame, on its executors: ``leadscoring.bulk.spark.score(df, "model.json")``."""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as f
from pyspark.sql import types as t

from leadscoring.bulk.shipped import OWN, WITH_FAULTS, Plan, check_columns, columns_read, scorer_of, shipment
from leadscoring.model.file import AS_IT_IS, Opening

Batches = Iterator[pa.RecordBatch]


def score(
    df: DataFrame,
    model: str | Path,
    *,
    reasons: int = 5,
    id: str | None = None,  # noqa: A002  # the name of the column in the output
    as_of: str | datetime | None = None,
    keep: Sequence[str] = (),
    opening: Opening = AS_IT_IS,
) -> DataFrame:
    """Returns a DataFrame with one row for each row of ``df``: its scores, or the reasons why it is rejected.

    ``model`` is the path of a model file that the driver can read. Each executor gets it once, by a broadcast, and
    checks its SHA-256. Columns are found by the names of features; others are ignored, and features without a column are
    unknown. ``id`` is the column with the ids of leads, ``keep`` are columns to hand on. ``as_of`` is the moment as of
    which leads are scored, or the column with the moment of each; by default the moment of this call.

    The columns are ``id``, the kept ones, ``as_of`` if the model is timed, ``probability``, ``tier``, ``bucket``,
    ``percentile``, ``model_version``, ``model_sha256``, ``reasons`` (unless ``reasons=0``), ``warnings`` and
    ``rejected``: the faults of a lead that is not scored, null for all others; ``split`` separates the two.

    Raises a ``ModelError`` if the file is not a model, and ``ScoringTableError`` if a column is missing.
    """
    shipped = shipment(model, reasons, id, as_of, keep, opening)
    names = df.columns
    check_columns(names, shipped.plan, shipped.loaded)
    wanted = {*shipped.plan.named, *columns_read(shipped.loaded)}
    taken = [place for place, name in enumerate(names) if name in wanted]
    # By place, since Spark takes "a.b" for a field of "a", and "A" for "a".
    selected = df.toDF(*map(str, range(len(names)))).select([f"`{place}`" for place in taken])
    sent = [names[place] for place in taken]
    types = {name: df.schema[place].dataType for name, place in zip(sent, taken, strict=True)}
    fetch = fetching(df, shipped.content)
    plan = shipped.plan

    def scored(batches: Batches) -> Batches:
        return parts(batches, sent, plan, fetch)

    from leadscoring.bulk.arrow_batches import score_fields

    schema = t.StructType([t.StructField("id", types[plan.id])] if plan.id is not None else [])
    for name in plan.keep:
        schema.add(name, types[name])
    for field in score_fields(shipped.loaded, plan):
        schema.add(field.name, spark_type(field.type))
    return selected.mapInArrow(scored, schema)


def split(scored: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Separates what ``score`` returns into scored leads, and rejected ones with ``id``, kept columns and faults.

    Both are computed when they are used: write or cache ``scored`` first, or all leads are scored for each.
    """
    made = [name for name in OWN if name not in WITH_FAULTS]
    return (
        scored.where(f.col("rejected").isNull()).drop("rejected"),
        scored.where(f.col("rejected").isNotNull()).drop(*made),
    )


def fetching(df: DataFrame, content: bytes) -> Callable[[], bytes]:
    """Sends the bytes of the model to the executors; returns the function that returns them there."""
    broadcast = df.sparkSession.sparkContext.broadcast(content)
    return lambda: bytes(broadcast.value)


def parts(batches: Batches, names: Sequence[str], plan: Plan, fetch: Callable[[], bytes]) -> Batches:
    """Scores the batches of a partition, in a worker of Spark, which computes in one thread."""
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
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

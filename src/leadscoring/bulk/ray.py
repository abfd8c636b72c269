"""Scores the leads of a Ray Data dataset, in actors: ``leadscoring.bulk.ray.score(ds, "model.json")``."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import ray
from ray.data import ActorPoolStrategy, Dataset

from leadscoring.bulk.shipped import MADE, REJECTED, Asked, Plan, shipment
from leadscoring.model.file import AS_IT_IS, Opening

ROWS = 65536
"""Leads that an actor scores at once, by default."""


def score(  # noqa: PLR0913  # each is an option of its own
    ds: Dataset,
    model: str | Path,
    *,
    reasons: int = 5,
    details: bool = False,
    id: str | None = None,  # noqa: A002  # as the command calls it
    as_of: int | str | None = None,
    columns: Sequence[str] = (),
    opening: Opening = AS_IT_IS,
    workers: int | tuple[int, int] | None = None,
    batch_size: int = ROWS,
    **options: Any,
) -> Dataset:
    """Returns a dataset with one row for each row of ``ds``: its scores, or the reasons why it is rejected.

    ``model`` is the path of a model file that the driver can read. It is put into the object store once, and each actor
    checks its SHA-256. ``workers`` is the number of actors, or the least and the most; by default as many as the
    cluster has room for. ``options`` are handed to ``map_batches``, such as ``num_cpus`` and ``memory`` of an actor.
    Everything else is as in ``leadscoring.bulk.spark.score``, its columns included.

    Raises a ``ModelError`` if the file is not a model, and ``ValueError`` if so many workers leave no processor to
    read with. A column that is missing fails the run.
    """
    refuse_standstill(workers, options.get("num_cpus", 1))
    shipped = shipment(model, Asked(reasons, details, id, as_of, columns, opening))
    return ds.map_batches(
        Scorer,
        fn_constructor_args=(ray.put(shipped.content), shipped.plan),
        batch_format="pyarrow",
        batch_size=batch_size,
        compute=pool_of(workers),
        **options,
    )


def split(scored: Dataset) -> tuple[Dataset, Dataset]:
    """Separates what ``score`` returns into scored leads, and rejected ones with ``id``, kept columns and faults.

    Both are computed when they are used: write or ``materialize()`` ``scored`` first, or all leads are scored for each.
    """
    return (
        scored.map_batches(scored_only, batch_format="pyarrow", batch_size=None),
        scored.map_batches(rejected_only, batch_format="pyarrow", batch_size=None),
    )


class Scorer:
    """An actor that scores batches; it opens the model once."""

    def __init__(self, content: Any, plan: Plan) -> None:
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
        from leadscoring.bulk.delivered import scorer_of  # which imports Polars

        self._scorer = scorer_of(plan, lambda: ray.get(content))

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Scores a batch."""
        return self._scorer.score(batch)


def pool_of(workers: int | tuple[int, int] | None) -> ActorPoolStrategy:
    """Returns the pool of so many actors."""
    if isinstance(workers, int):
        return ActorPoolStrategy(size=workers)
    least, most = workers or (1, None)
    return ActorPoolStrategy(min_size=least, max_size=most)


def refuse_standstill(workers: int | tuple[int, int] | None, processors: float) -> None:
    """Raises ``ValueError`` if actors would hold all processors of the cluster: nothing is read then, and all wait."""
    least = workers if isinstance(workers, int) else (workers or (1, None))[0]
    there = ray.cluster_resources().get("CPU", 0.0) if ray.is_initialized() else 0.0
    if there and least * processors >= there:
        raise ValueError(
            f"{least} workers of {processors:g} processors leave none of the {there:g} of the cluster to read with: "
            "start fewer, or give each less by num_cpus"
        )


def scored_only(batch: pa.Table) -> pa.Table:
    """Returns the leads of a batch that were scored."""
    return batch.filter(pc.is_null(batch[REJECTED])).drop_columns([REJECTED])


def rejected_only(batch: pa.Table) -> pa.Table:
    """Returns the leads of a batch that were rejected, with what names them and their faults."""
    made = [name for name in batch.column_names if name in MADE]
    return batch.filter(pc.is_valid(batch[REJECTED])).drop_columns(made)

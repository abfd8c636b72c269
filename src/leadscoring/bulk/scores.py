"""A chunk as tables: the scores of the leads that were scored, and the faults of those that were rejected."""

from itertools import chain

import numpy as np
import polars as pl

from leadscoring.bulk.chunk import Chunk
from leadscoring.bulk.columns import details_of
from leadscoring.bulk.reason_columns import reason_columns
from leadscoring.model.loaded import LoadedModel

MOMENT = pl.Datetime("us", "UTC")

FAULT = pl.Struct({"path": pl.String, "message": pl.String, "value": pl.String, "allowed": pl.String})
"""One fault of a rejected lead: where it is, what is wrong, the value received, and what is allowed."""


def scores(chunk: Chunk, model: LoadedModel, details: bool = False) -> pl.DataFrame:
    """Returns a row for each lead that was scored, in the order of the table.

    The columns are ``probability``, ``tier``, ``bucket`` and ``percentile``, the reasons (``reason_columns``), and
    ``warnings``: the messages, or null. ``as_of`` is there if scores depend on a moment; with it, ``model_version`` and
    ``model_digest`` (the SHA-256 of the model's file), a score can be computed again. ``details`` adds the ``margin``,
    the ``base_value`` and the ``remainder`` in log-odds, and what about each value mattered.
    """
    columns = [
        pl.Series("probability", chunk.probability),
        chunk.tier,
        pl.Series("bucket", chunk.bucket),
        pl.Series("percentile", chunk.percentile).fill_nan(None),
        *reason_columns(chunk, model, aspects=details),
        warnings(chunk),
    ]
    if chunk.as_of is not None:
        columns.append(pl.Series("as_of", chunk.as_of).cast(MOMENT))
    columns += details_of(chunk, model) if details else []
    columns.append(constant("model_version", model.identity.version, len(chunk)))
    columns.append(constant("model_digest", model.sha256, len(chunk)))
    return pl.DataFrame(columns)


def warnings(chunk: Chunk) -> pl.Series:
    """Returns the messages of the warnings of each lead, null for none."""
    column = pl.repeat(None, len(chunk), dtype=pl.List(pl.String), eager=True).alias("warnings")
    if not chunk.warnings:
        return column
    counts = np.zeros(len(chunk) + 1, np.int64)
    for index, found in chunk.warnings:
        counts[index] = len(found)
    messages = list(chain.from_iterable([warned.message for warned in found] for _, found in chunk.warnings))
    rows = np.repeat(np.arange(len(chunk)), counts[:-1])
    grouped = pl.DataFrame({"row": rows, "message": messages}).group_by("row", maintain_order=True).agg("message")
    every = pl.DataFrame({"row": np.arange(len(chunk))}).join(grouped, on="row", how="left", maintain_order="left")
    return every["message"].alias("warnings")


def constant(name: str, text: str, rows: int) -> pl.Series:
    """Returns a column of one text."""
    return pl.Series(name, [text], dtype=pl.Enum([text])).new_from_index(0, rows)


def rejects(chunk: Chunk) -> pl.DataFrame:
    """Returns a row for each lead that was rejected: ``row`` is its position in the table, from 0; ``faults`` why."""
    faults = [
        [
            {
                "path": fault.path,
                "message": fault.message,
                "value": None if fault.value is None else str(fault.value),
                "allowed": fault.allowed,
            }
            for fault in rejected.faults
        ]
        for rejected in chunk.rejected
    ]
    positions = [rejected.position for rejected in chunk.rejected]
    return pl.DataFrame(
        {"row": pl.Series(positions, dtype=pl.Int64), "faults": pl.Series(faults, dtype=pl.List(FAULT))}
    )

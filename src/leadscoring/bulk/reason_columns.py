"""The reasons of a chunk as columns of a table: feature, value and contribution, and what about the value mattered."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.bulk.cells import Cells
from leadscoring.bulk.chunk import Chunk, ReasonColumns
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.moment import written
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.reasons import LONGEST_VALUE, MOST_VALUES
from leadscoring.training.reading.series import as_text

Codes = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]


def reason_columns(chunk: Chunk, model: LoadedModel, aspects: bool = False) -> list[pl.Series]:
    """Returns ``reason_1_feature``, ``reason_1_value``, ``reason_1_contribution`` and so on, null for none.

    The first is the name of the feature. The second is its value, as a number if all features of the contract are sent
    as numbers, else as text; null for unknown. The third is in log-odds. With ``aspects``, and
    by a contract that has any, ``reason_1_aspect`` describes what about the value mattered most.
    """
    parts = reason_parts(chunk, model, aspects)
    most = 0 if chunk.reasons is None else chunk.reasons.features.shape[1]
    return [
        part.gather_every(most, place).alias(f"reason_{place + 1}_{part.name}")
        for place in range(most)
        for part in parts
    ]


def reason_parts(chunk: Chunk, model: LoadedModel, aspects: bool = False) -> list[pl.Series]:
    """Returns the same, lead by lead, in the columns ``feature``, ``value``, ``contribution`` and maybe ``aspect``."""
    if chunk.reasons is None:
        return []
    reasons, contract = chunk.reasons, model.card.contract
    features = reasons.features.reshape(-1)
    there = pl.Series(features >= 0)
    names = pl.Series(contract.names, dtype=pl.Enum(contract.names))
    parts = [
        kept(names.gather(np.maximum(features, 0)), there).alias("feature"),
        reason_values(chunk, model),
        kept(pl.Series(reasons.contributions.reshape(-1)), there).alias("contribution"),
    ]
    if aspects and contract.has_aspects:
        parts.append(phrases_of(chunk, contract, reasons).alias("aspect"))
    return parts


def reason_values(chunk: Chunk, model: LoadedModel) -> pl.Series:
    """Returns the values alone, lead by lead, in the column ``value``."""
    if chunk.reasons is None:
        return pl.Series("value", [], dtype=pl.Float64)
    reasons, contract = chunk.reasons, model.card.contract
    plain = not any(feature.is_text or feature.form.is_category for feature in contract.features)
    return (numbers_of(reasons) if plain else values_of(chunk, contract, reasons.features)).alias("value")


def kept(column: pl.Series, there: pl.Series) -> pl.Series:
    """Replaces what is not there by null."""
    return column if there.all() else pl.select(pl.when(there).then(column)).to_series()


def numbers_of(reasons: ReasonColumns) -> pl.Series:
    """Returns the values of all reasons, if all are numbers that the engine read."""
    return pl.Series(reasons.sent.reshape(-1), nan_to_null=True)


def values_of(chunk: Chunk, contract: Contract, features: Codes) -> pl.Series:
    """Returns the values of all reasons, lead by lead."""
    dtype = pl.String if any(feature.is_text for feature in contract.features) else pl.Float64
    most, values = features.shape[1], pl.repeat(None, features.size, dtype=dtype, eager=True)
    parts = []
    for code, at in places_of(features):
        feature = contract.features[code]
        if feature.name in chunk.cells:
            rows = chunk.kept[at // most]
            parts.append((at, shown(feature, chunk.cells[feature.name], rows, dtype)))
    if not parts:
        return values
    return values.scatter(np.concatenate([at for at, _ in parts]), pl.concat([found for _, found in parts]))


def places_of(features: Codes) -> Iterator[tuple[int, Places]]:
    """Yields each feature with its places among all reasons, counted lead by lead."""
    if features.size == 0:
        return
    codes = features.reshape(-1)
    order = np.argsort(codes, kind="stable")
    known, starts = np.unique(codes[order], return_index=True)
    for code, at in zip(known.tolist(), np.split(order, starts[1:]), strict=True):
        if code >= 0:
            yield code, at


def shown(feature: Feature, cells: Cells, rows: Places, dtype: type[pl.DataType]) -> pl.Series:
    """Returns the values of a feature in these rows of the table, as the service shows them in reasons."""
    if feature.form.is_timed:
        found = cells.read.gather(rows)
        return pl.Series([None if one is None else written(one) for one in found.to_list()], dtype=pl.String)
    read = cells.read.gather(rows)
    if not feature.is_text:
        read = read.fill_nan(None) if read.dtype.is_float() else read
        return read.cast(pl.Float64) if dtype == pl.Float64 else as_text(read)
    if read.dtype == pl.List(pl.String):
        long = read.list.len() > MOST_VALUES
        text = read.list.head(MOST_VALUES).list.eval(shortened(pl.element())).list.join("; ")
        return pl.select(pl.when(long).then(text + "; …").otherwise(text)).to_series()
    return pl.select(shortened(pl.lit(read))).to_series() if feature.form.is_aspected else read


def shortened(text: pl.Expr) -> pl.Expr:
    """Cuts long texts."""
    return pl.when(text.str.len_chars() > LONGEST_VALUE).then(text.str.head(LONGEST_VALUE) + "…").otherwise(text)


def phrases_of(chunk: Chunk, contract: Contract, reasons: ReasonColumns) -> pl.Series:
    """Returns the phrases about the values of all reasons, lead by lead."""
    known: dict[tuple[Any, ...], str | None] = {}

    def phrase(row: int, code: int, column: int, encoded: float, share: float) -> str | None:
        feature = contract.features[code]
        what = feature.aspects[column].what if feature.form.is_aspected else ""
        sent = sent_value(chunk.cells[feature.name], row) if what == "weight" and feature.name in chunk.cells else None
        key = (code, column, encoded, sent, share > 0) if sent is not None else (code, column, encoded)
        if key not in known:
            value = None if encoded != encoded else encoded  # noqa: PLR0124  # NaN
            known[key] = feature.leading(column, sent, share) or feature.phrase(column, value) or None
        return known[key]

    leads = np.repeat(chunk.kept, reasons.features.shape[1])
    rows = zip(*(array.reshape(-1).tolist() for array in (leads, *reasons_of(reasons))), strict=True)
    return pl.Series([None if code < 0 else phrase(row, code, *rest) for row, code, *rest in rows], dtype=pl.String)


def reasons_of(reasons: ReasonColumns) -> tuple[Any, ...]:
    """Returns the arrays of reasons that phrases depend on."""
    return reasons.features, reasons.columns, reasons.encoded, reasons.contributions


def sent_value(cells: Cells, row: int) -> str | tuple[str, ...] | None:
    """Returns a text, or the values of a set, as they were sent."""
    value = cells.read[row]
    return tuple(value) if isinstance(value, pl.Series) else value

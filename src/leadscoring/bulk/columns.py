"""The columns of scores in files: what the API answers for each lead, as a table."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import polars as pl

from leadscoring.bulk.chunk import Chunk, ReasonColumns
from leadscoring.bulk.kept import names_beside
from leadscoring.bulk.reason_columns import reason_columns, reason_parts, reason_values
from leadscoring.bulk.row_group import Scores
from leadscoring.bulk.spreadsheet import harmless
from leadscoring.contract import moment
from leadscoring.lead import Warned
from leadscoring.model.loaded import LoadedModel
from leadscoring.training.reading.series import as_text

SCORES = ("id", "probability", "tier", "bucket", "percentile", "model_version", "model_digest", "warnings")
"""Columns that all scores have."""

WARNING = pl.Struct({"code": pl.String, "feature": pl.String, "message": pl.String})


class Columns(msgspec.Struct, frozen=True):
    """Which columns scores have: ``nested`` ones for Parquet, or one for each part of a reason.

    ``coded`` are columns for ``row_group``, which makes the same columns of Parquet of them for less: texts of few
    values are places in a list of them, and reasons whose values are numbers are arrays.
    """

    model: LoadedModel
    nested: bool
    reasons: int
    details: bool = False
    coded: bool = False

    @property
    def safe(self) -> frozenset[str]:
        """The columns whose texts no spreadsheet runs, so that nobody has to look at each of them."""
        has_texts = any(feature.is_text for feature in self.model.card.contract.features)
        has_odd_names = harmless(pl.Series(self.model.names, dtype=pl.String))[1] > 0
        parts = ([] if has_texts else ["value"]) + ([] if has_odd_names else ["feature"])
        names = (f"reason_{number}_{part}" for number in range(1, self.reasons + 1) for part in parts)
        return frozenset(("as_of", "tier", "model_digest", "warnings", *names))

    @property
    def known(self) -> Scores:
        """The columns of scores, for their writer to Parquet."""
        details = ("margin", "base_value", "remainder") if self.details else ()
        reasons = ("reasons",) if self.reasons else ()
        return Scores(frozenset((*SCORES, *details, *reasons)), pl.Series(self.model.names, dtype=pl.String))

    def table(self, chunk: Chunk, ids: pl.Series, others: Sequence[pl.Series] = ()) -> pl.DataFrame:
        """The table of the leads that a chunk scored; ``ids`` and ``others`` are columns of the whole input."""
        rows = len(chunk)
        columns = [of_kept(ids, chunk).alias("id")]
        if chunk.as_of is not None:
            columns.append(written(pl.Series("as_of", chunk.as_of)))
        columns += [
            pl.Series("probability", chunk.probability),
            chunk.tier if self.coded or not self.nested else chunk.tier.cast(pl.String),
            pl.Series("bucket", chunk.bucket),
            pl.Series("percentile", chunk.percentile, nan_to_null=True),
            constant("model_version", self.model.identity.version, rows, self.coded),
            constant("model_digest", self.model.sha256, rows, self.coded),
        ]
        columns += details_of(chunk, self.model) if self.details else []
        columns += self._reasons(chunk)
        columns.append(warnings_of(chunk, self.nested))
        names = names_beside({column.name for column in columns}, [other.name for other in others])
        columns += [of_kept(other, chunk).alias(names[other.name]) for other in others]
        return pl.DataFrame(columns)

    def _reasons(self, chunk: Chunk) -> list[pl.Series]:
        """The reasons of each lead, the strongest first; with what about the value mattered, if there are details."""
        if not self.nested:
            return reason_columns(chunk, self.model, self.details)
        if chunk.reasons is None:
            return []
        contract = self.model.card.contract
        if (
            self.coded
            and not (self.details and contract.has_aspects)
            and not any(one.is_text for one in contract.features)
        ):
            return [coded_reasons(chunk.reasons, reason_values(chunk, self.model))]
        most = chunk.reasons.features.shape[1]
        return nested(reason_parts(chunk, self.model, self.details), most, self.coded) if most else []


def of_kept(column: pl.Series, chunk: Chunk) -> pl.Series:
    """The cells of the leads that were scored."""
    return column if len(column) == len(chunk) else column.gather(chunk.kept)


def details_of(chunk: Chunk, model: LoadedModel) -> list[pl.Series]:
    """How each score adds up, in log-odds, as ``include_details`` says it: margin, base value and remainder."""
    base = model.trees.base_value
    shown: Any = base
    if chunk.reasons is not None:
        shares = np.where(chunk.reasons.features >= 0, chunk.reasons.contributions, 0.0).tolist()
        shown = np.array([sum(row, start=base) for row in shares], dtype=np.float64)
    return [
        pl.Series("margin", chunk.margins),
        constant("base_value", base, len(chunk)),
        pl.Series("remainder", chunk.margins - shown),
    ]


def nested(parts: Sequence[pl.Series], most: int, coded: bool = False) -> list[pl.Series]:
    """One column with a list of reasons for each lead; ``parts`` have those of one lead after the other."""
    table = pl.DataFrame([part if coded and part.name == "feature" else plain(part) for part in parts])
    structs = table.select(pl.struct(pl.all()).alias("reasons")).to_series()
    rows = table.height // most
    lists = structs.reshape((rows, most)).arr.to_list() if rows else pl.Series([], dtype=pl.List(structs.dtype))
    if table["feature"].null_count():
        lists = lists.list.eval(pl.element().filter(pl.element().struct.field("feature").is_not_null()))
    return [lists.alias("reasons")]


def coded_reasons(reasons: ReasonColumns, values: pl.Series) -> pl.Series:
    """Reasons whose values are numbers as arrays, where they lie: places of features, NaN for unknown values."""
    shape = reasons.features.shape
    numbers = (values.fill_null(np.nan) if values.null_count() else values).to_numpy().reshape(shape)
    parts = {"feature": reasons.features, "value": numbers, "contribution": reasons.contributions}
    return pl.DataFrame([pl.Series(name, part) for name, part in parts.items()]).to_struct("reasons")


def plain(part: pl.Series) -> pl.Series:
    """A part of reasons as text, whatever the contract; contributions stay numbers."""
    return part if part.name == "contribution" else as_text(part)


@lru_cache(maxsize=16)  # most batches have as many rows
def constant(name: str, value: str | float, rows: int, coded: bool = False) -> pl.Series:
    """A column of one value."""
    return pl.Series(name, [value], dtype=pl.Enum([str(value)]) if coded else None).new_from_index(0, rows)


def written(moments: pl.Series) -> pl.Series:
    """Moments in microseconds since 1970 as text, as the API writes them."""
    distinct = moments.drop_nulls().unique()
    texts = pl.Series([moment.written(one) for one in distinct.to_list()], dtype=pl.String)
    return moments.replace_strict(distinct, texts, default=None, return_dtype=pl.String)


def warnings_of(chunk: Chunk, is_nested: bool) -> pl.Series:
    """The warnings of each lead: a list of them, or their messages as one text. Few leads have any."""
    kind: pl.DataType = pl.List(WARNING) if is_nested else pl.String()
    if not chunk.warnings:
        return no_warnings(is_nested, len(chunk))
    distinct = chunk.warnings.distinct
    texts: list[Any] = [facts(warned) if is_nested else "; ".join(map(said, warned)) or None for warned in distinct]
    at = np.zeros(len(chunk), np.int64)
    at[chunk.warnings.leads] = chunk.warnings.places
    return pl.Series("warnings", texts, dtype=kind).gather(at)


@lru_cache(maxsize=4)
def no_warnings(is_nested: bool, rows: int) -> pl.Series:
    """The warnings of leads without any."""
    kind: pl.DataType = pl.List(WARNING) if is_nested else pl.String()
    return pl.Series("warnings", [[] if is_nested else None], dtype=kind).new_from_index(0, rows)


def facts(warned: Sequence[Warned]) -> list[dict[str, str | None]]:
    """Warnings as they are in Parquet."""
    return [{"code": one.code, "feature": one.feature, "message": one.message} for one in warned]


def said(warned: Warned) -> str:
    """A warning as one text."""
    return f"{warned.code}: {warned.message}"

"""The columns of scores: what the API answers for each lead, as a table."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from leadscoring.bulk.batch import Indices
from leadscoring.bulk.cells import Cells
from leadscoring.bulk.chunk import Chunk, ReasonColumns
from leadscoring.bulk.spreadsheet import harmless
from leadscoring.contract import moment
from leadscoring.contract.features import Feature
from leadscoring.lead import Warned
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.reasons import LONGEST_VALUE, MOST_VALUES, shown

DIGEST = 12
"""Characters of a model's SHA-256 in each row: enough to tell models apart when outcomes are joined."""

REASON = pl.Struct({"feature": pl.String, "value": pl.String, "contribution": pl.Float64})
ASPECT_REASON = pl.Struct([*REASON.fields, pl.Field("aspect", pl.String)])
WARNING = pl.Struct({"code": pl.String, "feature": pl.String, "message": pl.String})


class Columns(msgspec.Struct, frozen=True):
    """Which columns scores have: ``nested`` ones for Parquet, or one for each part of a reason."""

    model: LoadedModel
    nested: bool
    reasons: int
    details: bool = False

    @property
    def safe(self) -> frozenset[str]:
        """The columns whose texts no spreadsheet runs, so that nobody has to look at each of them."""
        features = self.model.card.contract.features
        has_texts = any(feature.is_text or feature.form.is_aspected for feature in features)
        has_odd_names = harmless(pl.Series(self.model.names, dtype=pl.String))[1] > 0
        parts = ([] if has_texts else ["value"]) + ([] if has_odd_names else ["feature"])
        numbers = range(1, self.reasons + 1)
        names = (f"reason_{number}_{part}" for number in numbers for part in parts)
        return frozenset(("as_of", "tier", "model_digest", "warnings", *names))

    def table(self, chunk: Chunk, ids: pl.Series, others: Sequence[pl.Series] = ()) -> pl.DataFrame:
        """The table of the leads that a chunk scored; ``ids`` and ``others`` are columns of the whole table."""
        model, kept = self.model, chunk.kept
        rows = len(kept)
        columns = [ids.gather(kept).alias("id")]
        if chunk.as_of is not None:
            columns.append(written(pl.Series("as_of", chunk.as_of)))
        columns += [
            pl.Series("probability", chunk.probability),
            chunk.tier.cast(pl.String),
            pl.Series("bucket", chunk.bucket),
            pl.Series("percentile", chunk.percentile).fill_nan(None),
            constant("model_version", model.identity.version, rows),
            constant("model_digest", model.sha256[:DIGEST], rows),
        ]
        columns += self._details(chunk) if self.details else []
        if chunk.reasons is not None and self.reasons:
            columns += self._reasons(chunk, chunk.reasons)
        columns.append(warnings_of(chunk, self.nested))
        taken = {column.name for column in columns}
        columns += [own(other, taken).gather(kept) for other in others]
        return pl.DataFrame(columns)

    def _details(self, chunk: Chunk) -> list[pl.Series]:
        """How each score adds up, in log-odds, as ``include_details`` says it."""
        base = self.model.trees.base_value
        remainder = chunk.margins - base
        if chunk.reasons is not None and self.reasons:
            shares = np.where(chunk.reasons.features >= 0, chunk.reasons.contributions, 0.0).tolist()
            remainder = chunk.margins - np.array([sum(row, start=base) for row in shares], dtype=np.float64)
        return [
            pl.Series("margin", chunk.margins),
            constant("base_value", base, len(chunk)),
            pl.Series("remainder", remainder),
        ]

    def _reasons(self, chunk: Chunk, reasons: ReasonColumns) -> list[pl.Series]:
        """The reasons of each lead, the strongest first."""
        rows, most = reasons.features.shape
        features = reasons.features.ravel(order="F")
        names = pl.Series(self.model.names, dtype=pl.String)
        codes = pl.Series(features.astype(np.int64)).cast(pl.UInt32, strict=False)
        parts = {
            "feature": names.gather(codes),
            "value": self._values(chunk, features),
            "contribution": pl.Series(reasons.contributions.ravel(order="F")),
        }
        if self.model.card.contract.has_aspects:
            parts["aspect"] = self._aspects(chunk, reasons)
        if reasons.features.min(initial=0) < 0:
            parts["contribution"] = pl.select(pl.when(codes.is_not_null()).then(parts["contribution"])).to_series()
        if self.nested:
            return [nested_reasons(parts, rows, most)]
        return [
            part[number * rows : (number + 1) * rows].alias(f"reason_{number + 1}_{name}")
            for number in range(most)
            for name, part in parts.items()
        ]

    def _values(self, chunk: Chunk, features: "np.ndarray[tuple[int], np.dtype[np.int32]]") -> pl.Series:
        """The value of each feature in ``features``, shape (reasons * leads,), as text as it would be sent."""
        order = np.argsort(features, kind="stable")
        bounds = np.searchsorted(features, np.arange(-1, len(self.model.names) + 1), sorter=order)
        lead_of, rows = chunk.kept, max(len(chunk), 1)
        texts: list[pl.Series] = []
        numbers: list[pl.Series] = []
        number_order, text_order = [], [order[: bounds[1]]]
        texts.append(pl.repeat(None, int(bounds[1]), dtype=pl.String, eager=True))
        for place, feature in enumerate(self.model.card.contract.features):
            at = order[bounds[place + 1] : bounds[place + 2]]
            if not len(at):
                continue
            cells, leads = chunk.cells.get(feature.name), lead_of[at % rows]
            if cells is not None and cells.read.dtype == pl.Float64 and not feature.form.is_timed:
                numbers.append(cells.read.gather(leads))
                number_order.append(at)
            else:
                texts.append(texts_of(feature, cells, leads))
                text_order.append(at)
        numeral = pl.concat(numbers).cast(pl.String).str.strip_suffix(".0") if numbers else texts[0].clear()
        together = pl.concat([numeral, *(text.alias("") for text in texts)])
        places = np.empty(len(features), np.int64)
        places[np.concatenate([*number_order, *text_order])] = np.arange(len(features))
        return together.gather(places)

    def _aspects(self, chunk: Chunk, reasons: ReasonColumns) -> pl.Series:
        """What about a value mattered most, for features with several aspects."""
        features, names = self.model.card.contract.features, self.model.names
        arrays = (reasons.features, reasons.contributions, reasons.columns, reasons.encoded)
        leads = np.tile(chunk.kept, reasons.features.shape[1]).tolist()
        found: list[str | None] = []
        for place, share, column, value, lead in zip(
            *(array.ravel(order="F").tolist() for array in arrays), leads, strict=True
        ):
            feature = features[place]
            if place < 0 or not feature.has_aspects:
                found.append(None)
                continue
            cells = chunk.cells.get(names[place])
            sent = None if cells is None else cells.read[lead]
            sent = sent.to_list() if isinstance(sent, pl.Series) else sent
            plain = None if value != value else value  # noqa: PLR0124 - NaN means missing
            found.append(feature.leading(column, sent, share) or feature.phrase(column, plain) or None)
        return pl.Series(found, dtype=pl.String)


def constant(name: str, value: str | float, rows: int) -> pl.Series:
    """A column of one value."""
    return pl.repeat(value, rows, eager=True).alias(name)


def own(column: pl.Series, taken: set[str]) -> pl.Series:
    """A column of the input under its name, or as ``input_NAME`` if scores have a column of that name."""
    return column.alias(f"input_{column.name}") if column.name in taken else column


def texts_of(feature: Feature, cells: Cells | None, leads: Indices) -> pl.Series:
    """Values of a feature as text: dates in ISO 8601, long texts cut as in the API, lists with semicolons."""
    if cells is None:
        return pl.repeat(None, len(leads), dtype=pl.String, eager=True)
    values = cells.read.gather(leads)
    if feature.form.is_timed:
        return written(values.cast(pl.Int64))
    if values.dtype == pl.List(pl.String):
        cut = values.list.len() > MOST_VALUES
        joined = values.list.head(MOST_VALUES).list.join("; ")
        return pl.select(pl.when(cut).then(joined + "; …").otherwise(joined)).to_series()
    text = values.cast(pl.String)
    if feature.form.is_aspected and (text.str.len_chars() > LONGEST_VALUE).any():
        return pl.Series([shown(feature, value) for value in text.to_list()], dtype=pl.String)
    return text


def written(moments: pl.Series) -> pl.Series:
    """Moments in microseconds since 1970 as text, as the API writes them."""
    distinct = moments.drop_nulls().unique()
    texts = pl.Series([moment.written(one) for one in distinct.to_list()], dtype=pl.String)
    return moments.replace_strict(distinct, texts, default=None, return_dtype=pl.String)


def nested_reasons(parts: dict[str, pl.Series], rows: int, most: int) -> pl.Series:
    """The reasons as one column of lists; ``parts`` have the first reason of all leads first."""
    order = np.arange(rows * most).reshape(most, rows).ravel(order="F")
    structs = pl.DataFrame({name: part.gather(order) for name, part in parts.items()}).to_struct("reasons")
    kind = ASPECT_REASON if "aspect" in parts else REASON
    if not rows:
        return pl.Series("reasons", [], dtype=pl.List(kind))
    lists = structs.cast(kind).reshape((rows, most)).arr.to_list()
    if parts["feature"].null_count():
        lists = lists.list.eval(pl.element().filter(pl.element().struct.field("feature").is_not_null()))
    return lists.alias("reasons")


def warnings_of(chunk: Chunk, nested: bool) -> pl.Series:
    """The warnings of each lead: a list of them, or their messages as one text. Few leads have any."""
    kind: pl.DataType = pl.List(WARNING) if nested else pl.String()
    distinct = dict.fromkeys(warned for _, warned in chunk.warnings)
    texts: list[Any] = [
        [{"code": one.code, "feature": one.feature, "message": one.message} for one in warned]
        if nested
        else "; ".join(map(said, warned))
        for warned in distinct
    ]
    places = {warned: place + 1 for place, warned in enumerate(distinct)}
    at = np.zeros(len(chunk), np.int64)
    at[[index for index, _ in chunk.warnings]] = [places[warned] for _, warned in chunk.warnings]
    return pl.Series("warnings", [[] if nested else None, *texts], dtype=kind).gather(at)


def said(warned: Warned) -> str:
    """A warning as one text."""
    return f"{warned.code}: {warned.message}"

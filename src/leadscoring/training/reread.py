"""Parses later files as training parsed its own, and reports every value that does not fit."""

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import Reading
from leadscoring.training.derived.dates import count_after
from leadscoring.training.derived.rows import row_of
from leadscoring.training.encode import allowed, moments_of, present, unseen
from leadscoring.training.later import as_floats
from leadscoring.training.misfits import Misfit, misfit
from leadscoring.training.presence import filled_in
from leadscoring.training.reading.how import How
from leadscoring.training.reading.missing import MissingTokens, blank, parse_tokens
from leadscoring.training.reading.notation import read_numbers
from leadscoring.training.reading.series import Vector, as_text


class Reread(msgspec.Struct, frozen=True):
    """The columns of a contract in a table, with float64 numbers and null for missing; and what does not fit."""

    frame: pl.DataFrame
    misfits: tuple[Misfit, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the service would reject, or training did not know, in words."""
        return tuple(one.words for one in self.misfits if one.matters)


def reread(contract: Contract, reading: Reading, frame: pl.DataFrame, as_of: Vector | None = None) -> Reread:
    """Parses a table by the contract and the reading of a card; ``as_of`` is the moment of each lead, if known.

    Columns that the frame lacks are left out. Numbers that the service would reject become missing, with a warning.
    Dates after the moment of their lead are counted in a warning.
    """
    tokens = tokens_of(reading, frame)
    columns: list[pl.Series] = []
    misfits: list[Misfit] = []
    for feature in contract.features:
        source = reading.presence.get(feature.name)
        if source is not None and source in frame.columns:
            columns.append(filled_in(frame[source], tokens).cast(pl.Float64).alias(feature.name))
        elif feature.name in frame.columns:
            column, found = reread_column(feature, contract, reading, frame[feature.name], tokens)
            columns.append(column)
            misfits += found
    parsed = pl.DataFrame(columns)
    return Reread(parsed, (*misfits, *on_future(contract, parsed, as_of)))


def on_future(contract: Contract, parsed: pl.DataFrame, as_of: Vector | None) -> list[Misfit]:
    """Dates after the moment of their lead, which the trees do not see, as in training."""
    moment = moments_of(contract.features, parsed, as_of)
    dates = [one for one in contract.features if one.form.is_timed and not one.planned and one.name in parsed.columns]
    late = [(feature, count_after(as_floats(parsed[feature.name]), moment)) for feature in dates]
    return [Misfit(feature, "future", count, parsed.height) for feature, count in late if count]


def hows(reading: Reading) -> dict[str, How]:
    """How dates of a later file are read: with the order of day and month of training."""
    return {name: How(first=first) for name, first in reading.dates.items()}


def tokens_of(reading: Reading, frame: pl.DataFrame) -> MissingTokens:
    """The missing tokens for a later file, as in training."""
    return parse_tokens([token for token in reading.missing if is_known(token, frame)], frame.columns)


def is_known(token: str, frame: pl.DataFrame) -> bool:
    """Whether a missing token applies to every column, or to one of the frame's."""
    name, sign, _ = token.rpartition("=")
    return not sign or name in frame.columns


def reread_column(
    feature: Feature, contract: Contract, reading: Reading, raw: pl.Series, tokens: MissingTokens
) -> tuple[pl.Series, list[Misfit]]:
    """Parses one column; also returns what does not fit."""
    raw = raw.cast(pl.String) if raw.dtype in (pl.Categorical, pl.Enum) else raw
    own = {value.casefold() for value in feature.values}  # models of other trainers may have "unknown" as a value
    column, _ = blank(raw, tokens.of(feature.name) - own)
    found = misfit(feature, "lacking", column, column.is_null()) if feature.required else []
    if (row := row_of(feature)) is not None:
        parsed = row.parse(feature, column, reading)
        return parsed, found + misfit(feature, "unparsed", column, parsed.is_null() & column.is_not_null())
    if feature.is_text:
        return as_text(column), found + misfit(feature, "new", column, unseen(feature, column))
    values = read_numbers(column, reading.numbers.get(feature.name))
    filled = column.is_not_null().to_numpy()
    unread = np.isnan(values) & filled
    if feature.codes and column.dtype == pl.String:
        refuse_texts(feature, column.filter(pl.Series(unread)))
    values = present(values, None if feature.numbers else contract.missing_value)
    outside = ~allowed(feature, values)
    found += misfit(feature, "unread", column, pl.Series(unread))
    found += misfit(feature, "outside", column, pl.Series(outside))
    values = np.where(unread | outside, np.nan, values)
    found += misfit(feature, "new", column, pl.Series(new_numbers(feature, values)))
    return pl.Series(feature.name, values).fill_nan(None), found


def refuse_texts(feature: Feature, texts: pl.Series) -> None:
    """Raises ``TrainingDataError`` for texts in a category of which only the codes are known; numbers are none."""
    texts = texts.filter(texts.cast(pl.Float64, strict=False).is_null())
    if texts.is_empty():
        return
    raise TrainingDataError(
        f"{feature.name!r} holds texts such as {texts[0]!r}, but the model file does not have their "
        f"codes: use the codes (0 to {feature.codes - 1}), or save the model with XGBoost 3.1 or newer, "
        "which stores the texts"
    )


def new_numbers(feature: Feature, values: Vector) -> npt.NDArray[np.bool_]:
    """Which numbers of a category are unknown to the trees, shape (rows,); none for other kinds."""
    if not feature.form.is_category:
        return np.zeros(len(values), dtype=bool)
    known = values < feature.codes if feature.codes else np.isin(values, np.array(feature.wire_values, dtype=float))
    return ~known & ~np.isnan(values)

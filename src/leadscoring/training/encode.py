"""Encodes a table of raw values into the float32 matrix of the trees, by the rules of the contract."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.contract.features import Contract, Feature
from leadscoring.model.loaded import encoder
from leadscoring.training.reading.series import Matrix, Vector, as_text, numbers

PART = 16384
"""Rows passed to the engine at once."""


def encode_table(contract: Contract, frame: pl.DataFrame, as_of: Vector | None = None) -> Matrix:
    """Encodes every row as the service encodes a lead; shape (rows, columns), NaN for missing.

    ``as_of`` is the moment of each lead in microseconds since 1970, from which the age of dates counts; by default its
    latest date. Columns that the frame lacks are missing in every row. Values that the service would reject (text in
    place of a number, a number out of bounds) are missing here; ``reread`` reports them.
    """
    derived = encode_derived(contract, frame, as_of)
    columns = [
        derived[feature.name] if feature.name in derived else encode_feature(feature, frame, contract.missing_value)
        for feature in contract.features
    ]
    return np.ascontiguousarray(np.concatenate(columns, axis=1), dtype=np.float32)


def encode_derived(contract: Contract, frame: pl.DataFrame, as_of: Vector | None) -> dict[str, Matrix]:
    """Encodes the features with aspects by the engine, as the service does; by name, of shape (rows, columns)."""
    features = tuple(feature for feature in contract.features if feature.form.is_aspected or feature.aspects)
    if not any(feature.columns for feature in features):  # training has not chosen them yet
        return {feature.name: np.empty((frame.height, 0), dtype=np.float32) for feature in features}
    own = Contract(features)
    moment = moments_of(features, frame, as_of)
    stamps = [None] * frame.height if moment is None else pl.Series(moment).fill_nan(None).cast(pl.Int64).to_list()
    columns = [
        frame[feature.name].to_list() if feature.name in frame.columns else [None] * frame.height
        for feature in features
    ]
    encode, leads = encoder(own).encode, list(zip(*columns, strict=True))
    parts = [
        np.asarray(encode(leads[start : start + PART], 0, stamps[start : start + PART])).reshape(-1, len(own.columns))
        for start in range(0, frame.height, PART)
    ]
    x = np.concatenate(parts) if parts else np.empty((0, len(own.columns)), dtype=np.float32)
    return {feature.name: x[:, own.columns.places(place)] for place, feature in enumerate(features)}


def moments_of(features: Sequence[Feature], frame: pl.DataFrame, as_of: Vector | None = None) -> Vector | None:
    """Returns the moment of each lead: ``as_of`` if known, else its latest date that is not a planned one.

    It is NaN for leads without a date, and ``None`` for features without dates.
    """
    dates = [feature for feature in features if feature.form.is_timed and feature.name in frame.columns]
    if as_of is not None or not dates:
        return as_of
    past = [feature.name for feature in dates if not feature.planned] or [feature.name for feature in dates]
    values = np.stack([frame[name].cast(pl.Float64).fill_null(-np.inf).to_numpy() for name in past])
    latest = values.max(axis=0)
    return np.where(np.isfinite(latest), latest, np.nan)


def encode_feature(feature: Feature, frame: pl.DataFrame, missing: float | None = None) -> Matrix:
    """Encodes the columns of one feature, shape (rows, columns); ``missing`` is a number that means missing."""
    width = len(feature.columns)
    if feature.name not in frame.columns:
        return np.full((frame.height, width), np.nan, dtype=np.float32)
    column = frame[feature.name]
    if feature.is_text:
        values = codes(feature, column)
    elif feature.numbers:
        values = numbered(feature, numbers(column))
    else:
        values = bounded(feature, present(numbers(column), missing))
        values = (
            np.minimum(values, feature.codes) if feature.codes else values
        )  # the trees do not distinguish larger codes
    return present(values, missing).astype(np.float32).reshape(-1, width)


def present(values: Vector, missing: float | None) -> Vector:
    """Replaces the number that means missing by NaN, compared as float32, as in the trees."""
    return values if missing is None else np.where(values.astype(np.float32) == np.float32(missing), np.nan, values)


def numbered(feature: Feature, values: Vector) -> Vector:
    """Encodes a category of numbers, as ``codes`` does for texts; NaN for numbers that may not be sent."""
    fine = ~np.isnan(bounded(feature, values))
    row_of = codes_of(feature, np.unique(values[fine]).tolist())
    unknown = (None,) * len(feature.columns)
    return np.array([row_of.get(value, unknown) for value in values.tolist()], dtype=np.float64)


def codes(feature: Feature, column: pl.Series) -> Vector:
    """Encodes texts, shape (rows, columns): their position in ``values``, one past the last for unseen texts."""
    text = as_text(column)
    row_of = codes_of(feature, text.drop_nulls().unique().to_list())
    parts = [
        text.replace_strict({value: row[place] for value, row in row_of.items()}, default=None, return_dtype=pl.Float64)
        for place in range(len(feature.columns))
    ]
    return np.stack([part.to_numpy().astype(np.float64) for part in parts], axis=1)


def codes_of(feature: Feature, values: Sequence[str | float]) -> dict[str | float, tuple[float | None, ...]]:
    """Maps each value of a category to its code in each column."""
    known, other, width = feature.code_table or {}, feature.other_code, len(feature.columns)
    code_of = {value: known.get(value, other) for value in values}
    return {value: code if isinstance(code, tuple) else (code,) * width for value, code in code_of.items()}


def with_unseen(contract: Contract, frame: pl.DataFrame, x: Matrix) -> Matrix:
    """Returns the encoded rows, with a code of their own for texts not seen in training."""
    x = x.copy()
    for feature, place in zip(contract.features, contract.columns.first, strict=True):
        if feature.is_text and feature.columns[0].categorical and feature.name in frame.columns:
            x[unseen(feature, frame[feature.name]).to_numpy(), place] = len(feature.values) + 1
    return x


def unseen(feature: Feature, column: pl.Series) -> pl.Series:
    """Whether each text of a category was not seen in training; false for null."""
    text = as_text(column)
    return (text.is_not_null() & ~text.is_in([*(feature.code_table or ()), *feature.rare])).fill_null(False)


def bounded(feature: Feature, values: Vector) -> Vector:
    """Replaces values that the contract rejects by NaN."""
    return np.where(allowed(feature, values), values, np.nan)


def allowed(feature: Feature, values: Vector) -> npt.NDArray[np.bool_]:
    """Whether the contract accepts each number; true for NaN, which means unknown."""
    with np.errstate(invalid="ignore"):
        fine: npt.NDArray[np.bool_] = feature.form.fits(feature, values)
    return fine | np.isnan(values)

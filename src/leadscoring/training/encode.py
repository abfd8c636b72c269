"""Encodes a table of raw values into the float32 matrix of the trees, by the rules of the contract."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.contract.features import Contract, Feature
from leadscoring.training.reading.series import Matrix, Vector, as_text, numbers


def encode_table(contract: Contract, frame: pl.DataFrame) -> Matrix:
    """Encodes every row as the service encodes a lead; shape (rows, columns), NaN for missing.

    Columns that the frame lacks are missing in every row. Values that the service would reject (text in place of a
    number, a number out of bounds) are missing here; ``reread`` reports them.
    """
    columns = [encode_feature(feature, frame, contract.missing_value) for feature in contract.features]
    return np.ascontiguousarray(np.concatenate(columns, axis=1), dtype=np.float32)


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

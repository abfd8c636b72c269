"""From a table of raw values to the float32 matrix that the trees read, by the contract's own rules."""

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.contract.features import Contract, Feature
from leadscoring.training.reading.series import Matrix, Vector, as_text, numbers


def encode_table(contract: Contract, frame: pl.DataFrame) -> Matrix:
    """Every row encoded as the service would encode that lead; shape (rows, features), NaN for missing.

    A column that the frame lacks is missing throughout. What the service would refuse (text where a
    number belongs, a number out of bounds) is missing here; ``reread`` counts those.
    """
    columns = [encode_column(feature, frame, contract.missing_value) for feature in contract.features]
    return np.ascontiguousarray(np.column_stack(columns), dtype=np.float32)


def encode_column(feature: Feature, frame: pl.DataFrame, missing: float | None = None) -> Matrix:
    """One column, shape (rows,); ``missing`` is a number that means missing."""
    if feature.name not in frame.columns:
        return np.full(frame.height, np.nan, dtype=np.float32)
    column = frame[feature.name]
    if feature.is_text:
        values = codes(feature, column)
    elif feature.numbers:
        values = numbered(feature, numbers(column))
    else:
        values = bounded(feature, present(numbers(column), missing))
        values = np.minimum(values, feature.codes) if feature.codes else values  # no tree tells the later ones apart
    return present(values, missing).astype(np.float32)


def present(values: Vector, missing: float | None) -> Vector:
    """Values with the number that means missing as NaN, compared as the trees would: as float32."""
    return values if missing is None else np.where(values.astype(np.float32) == np.float32(missing), np.nan, values)


def numbered(feature: Feature, values: Vector) -> Vector:
    """The code of each number of a category of numbers; NaN for any other number."""
    known = feature.code_table
    return np.array([known.get(value, np.nan) for value in values.tolist()], dtype=np.float64)


def codes(feature: Feature, column: pl.Series) -> Vector:
    """The code of each text: its place in ``values``, one past the last for unseen where ``other``."""
    text = as_text(column)
    known, other = feature.code_table, feature.other_code
    table = {value: known.get(value, other) for value in text.drop_nulls().unique()}
    mapped = text.replace_strict(table, default=None, return_dtype=pl.Float64)
    return mapped.to_numpy().astype(np.float64)


def with_unseen(contract: Contract, frame: pl.DataFrame, x: Matrix) -> Matrix:
    """The encoded rows, with a code that nothing else has for texts never seen in training."""
    x = x.copy()
    for place, feature in enumerate(contract.features):
        if feature.is_text and feature.name in frame.columns:
            x[unseen(feature, frame[feature.name]).to_numpy(), place] = len(feature.values) + 1
    return x


def unseen(feature: Feature, column: pl.Series) -> pl.Series:
    """Whether each text of a category was never seen in training; null is no text."""
    text = as_text(column)
    return (text.is_not_null() & ~text.is_in([*feature.code_table, *feature.rare])).fill_null(False)


def bounded(feature: Feature, values: Vector) -> Vector:
    """Values with those that the contract refuses as NaN."""
    return np.where(allowed(feature, values), values, np.nan)


def allowed(feature: Feature, values: Vector) -> npt.NDArray[np.bool_]:
    """Whether the contract takes each number, as ``Feature.fits`` has it; NaN, which stands for unknown, it takes."""
    low, high = (0.0, 1.0) if feature.kind == "flag" else feature.bounds
    fine = (values >= low) & (values <= high)
    if feature.kind == "flag" or feature.is_whole:
        fine &= values == np.floor(values)
    return fine | np.isnan(values)

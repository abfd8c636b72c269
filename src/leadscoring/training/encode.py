"""From a table of raw values to the float32 matrix that the trees read, by the contract's own rules."""

from collections.abc import Sequence

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
    columns = [encode_feature(feature, frame, contract.missing_value) for feature in contract.features]
    return np.ascontiguousarray(np.concatenate(columns, axis=1), dtype=np.float32)


def encode_feature(feature: Feature, frame: pl.DataFrame, missing: float | None = None) -> Matrix:
    """The columns of one feature, shape (rows, columns); ``missing`` is a number that means missing."""
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
        values = np.minimum(values, feature.codes) if feature.codes else values  # no tree tells the later ones apart
    return present(values, missing).astype(np.float32).reshape(-1, width)


def present(values: Vector, missing: float | None) -> Vector:
    """Values with the number that means missing as NaN, compared as the trees would: as float32."""
    return values if missing is None else np.where(values.astype(np.float32) == np.float32(missing), np.nan, values)


def numbered(feature: Feature, values: Vector) -> Vector:
    """The codes of each number of a category of numbers, as ``codes`` has them for texts; NaN where none may be."""
    fine = ~np.isnan(bounded(feature, values))
    found = codes_of(feature, np.unique(values[fine]).tolist())
    unknown = (None,) * len(feature.columns)
    return np.array([found.get(value, unknown) for value in values.tolist()], dtype=np.float64)


def codes(feature: Feature, column: pl.Series) -> Vector:
    """The codes of each text, shape (rows, columns): its place in ``values``, one past the last for unseen."""
    text = as_text(column)
    found = codes_of(feature, text.drop_nulls().unique().to_list())
    parts = [
        text.replace_strict({value: row[place] for value, row in found.items()}, default=None, return_dtype=pl.Float64)
        for place in range(len(feature.columns))
    ]
    return np.stack([part.to_numpy().astype(np.float64) for part in parts], axis=1)


def codes_of(feature: Feature, values: Sequence[str | float]) -> dict[str | float, tuple[float | None, ...]]:
    """What each value of a category becomes in each of its columns."""
    known, other, width = feature.code_table or {}, feature.other_code, len(feature.columns)
    found = {value: known.get(value, other) for value in values}
    return {value: code if isinstance(code, tuple) else (code,) * width for value, code in found.items()}


def with_unseen(contract: Contract, frame: pl.DataFrame, x: Matrix) -> Matrix:
    """The encoded rows, with a code that nothing else has for texts never seen in training."""
    x = x.copy()
    for feature, place in zip(contract.features, contract.columns.first, strict=True):
        if feature.is_text and feature.columns[0].categorical and feature.name in frame.columns:
            x[unseen(feature, frame[feature.name]).to_numpy(), place] = len(feature.values) + 1
    return x


def unseen(feature: Feature, column: pl.Series) -> pl.Series:
    """Whether each text of a category was never seen in training; null is no text."""
    text = as_text(column)
    return (text.is_not_null() & ~text.is_in([*(feature.code_table or ()), *feature.rare])).fill_null(False)


def bounded(feature: Feature, values: Vector) -> Vector:
    """Values with those that the contract refuses as NaN."""
    return np.where(allowed(feature, values), values, np.nan)


def allowed(feature: Feature, values: Vector) -> npt.NDArray[np.bool_]:
    """Whether the contract takes each number; NaN, which stands for unknown, it takes."""
    with np.errstate(invalid="ignore"):
        fine: npt.NDArray[np.bool_] = feature.form.fits(feature, values)
    return fine | np.isnan(values)

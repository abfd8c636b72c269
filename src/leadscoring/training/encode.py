"""From a table of raw values to the float32 matrix that the trees read, by the contract's own rules."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.features import FLOAT32_MAX, Contract, Feature

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]


def encode_table(contract: Contract, frame: pl.DataFrame) -> Matrix:
    """Every row encoded as the service would encode that lead; shape (rows, features), NaN for missing.

    A column that the frame lacks is missing throughout. What the service would refuse (text where a
    number belongs, a number out of bounds) is missing here; ``refused`` counts those.
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
    return present(values, missing).astype(np.float32)


def present(values: Vector, missing: float | None) -> Vector:
    """Values with the number that means missing as NaN, compared as the trees would: as float32."""
    return values if missing is None else np.where(values.astype(np.float32) == np.float32(missing), np.nan, values)


def numbered(feature: Feature, values: Vector) -> Vector:
    """The code of each number of a category of numbers; NaN for one that is none of its values."""
    known = {float(value): float(code) for code, value in enumerate(feature.wire_values)}
    return np.array([known.get(value, np.nan) for value in values.tolist()])


def codes(feature: Feature, column: pl.Series) -> Vector:
    """The code of each text: its place in ``values``, one past the last for unseen where ``other``."""
    text = column.cast(pl.String)
    known: dict[str, float] = {value: float(code) for code, value in enumerate(feature.values)}
    unseen = float(len(feature.values)) if feature.other else None
    unknown: dict[str, Any] = dict.fromkeys(feature.missing)
    distinct = text.drop_nulls().unique()
    table = {value: (unknown | known).get(value, unseen) for value in distinct}
    mapped = text.replace_strict(table, default=None, return_dtype=pl.Float64)
    return mapped.to_numpy().astype(np.float64)


def with_unseen(contract: Contract, frame: pl.DataFrame, x: Matrix) -> Matrix:
    """The encoded rows, with the code after the last for texts never seen in training, known to the trees or not."""
    x = x.copy()
    for place, feature in enumerate(contract.features):
        if feature.kind == "category" and feature.name in frame.columns:
            text = frame[feature.name].cast(pl.String)
            known = [*feature.values, *feature.missing]
            x[(text.is_not_null() & ~text.is_in(known)).to_numpy(), place] = len(feature.values)
    return x


def numbers(column: pl.Series) -> Vector:
    """A column as float64, NaN where it holds no finite number; true and false are 1 and 0."""
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        lower = text.str.to_lowercase()
        flags = pl.when(lower == "true").then(1.0).when(lower == "false").then(0.0)
        column = pl.select(pl.coalesce(text.cast(pl.Float64, strict=False), flags)).to_series()
    elif not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        return np.full(len(column), np.nan)
    values = column.cast(pl.Float64).to_numpy().astype(np.float64)
    return np.where(np.abs(values) <= FLOAT32_MAX, values, np.nan)


def bounded(feature: Feature, values: Vector) -> Vector:
    """Values with those that the contract refuses as NaN."""
    return np.where(allowed(feature, values), values, np.nan)


def allowed(feature: Feature, values: Vector) -> npt.NDArray[np.bool_]:
    """Whether the contract takes each number; NaN, which stands for unknown, it takes."""
    low = -np.inf if feature.minimum is None else feature.minimum
    high = np.inf if feature.maximum is None else feature.maximum
    fine = (values >= low) & (values <= high)
    if feature.kind == "flag":
        fine &= (values == 0.0) | (values == 1.0)
    elif feature.kind == "integer" or feature.codes:
        fine &= values == np.floor(values)
    if feature.codes:
        fine &= values >= 0.0
    return fine | np.isnan(values)


def refused(contract: Contract, frame: pl.DataFrame) -> dict[str, int]:
    """How many values of each numeric feature the service would refuse; features with none are left out."""
    counts = {
        feature.name: int((~allowed(feature, present(numbers(frame[feature.name]), contract.missing_value))).sum())
        for feature in contract.features
        if not feature.is_text and feature.name in frame.columns
    }
    return {name: count for name, count in counts.items() if count}

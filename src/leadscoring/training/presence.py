"""Presence: whether a column is filled in, kept as a feature where its values are not."""

from collections.abc import Collection, Sequence

import polars as pl

from leadscoring.contract.features import Feature
from leadscoring.training.column import FEWEST, Read
from leadscoring.training.leaks import refuse_leak
from leadscoring.training.reading.missing import MissingTokens, blank
from leadscoring.training.reading.series import Vector

FEW, MOST = 0.02, 0.98
"""Presence is a feature if the share of leads with a value is between these."""

APART = 0.5
"""Maximum difference between the shares of converted and of other leads that have a value."""


def presence(columns: Sequence[pl.Series], names: Collection[str], tokens: MissingTokens, y: Vector) -> list[Read]:
    """Returns a flag for each of the columns that some leads have filled in and others have not.

    ``names`` are those of all columns of the table and of what is left out, which the new features must not have.
    """
    reads: list[Read] = []
    for column in columns:
        filled = filled_in(column, tokens)
        if (read := flag(column.name, filled, names, y)) is not None:
            reads.append(read)
    return reads


def filled_in(column: pl.Series, tokens: MissingTokens) -> pl.Series:
    """Whether each lead has a value in a column."""
    raw = column.cast(pl.String) if column.dtype in (pl.Categorical, pl.Enum) else column
    return blank(raw, tokens.of(column.name))[0].is_not_null()


def flag(source: str, filled: pl.Series, names: Collection[str], y: Vector) -> Read | None:
    """Returns the flag of a column; ``None`` if it says nothing, or says the outcome.

    A column filled in for converted leads much more often than for others is probably filled in after the outcome.
    """
    share, rows = float(filled.cast(pl.Float64).mean() or 0.0), len(filled)  # type: ignore[arg-type]  # a float
    name = f"has {source}"
    if name in names or not FEW <= share <= MOST or min(share, 1.0 - share) * rows < FEWEST:
        return None
    values = filled.cast(pl.Float64).to_numpy()
    if abs(float(values[y == 1.0].mean()) - float(values[y == 0.0].mean())) > APART:
        return None
    column = pl.Series(name, values)
    read = Read(column, column, feature=Feature(name, "flag", help=f"whether {source!r} is filled in", example=1))
    refuse_leak(read, y)
    return None if read.feature is None else read

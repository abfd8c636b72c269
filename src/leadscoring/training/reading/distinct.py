"""The distinct values of a column, without looking at all of a long one where a part of it tells."""

from collections.abc import Callable

import polars as pl

LOOKED_AT = 500
"""Maximum number of distinct values that a kind is judged by."""

GLIMPSED = 1000
"""Number of evenly spaced values by which a column is first looked at."""


def first_of(column: pl.Series, most: int = LOOKED_AT) -> pl.Series:
    """The first distinct values of a column, in their order; null is none."""
    length = 4 * most
    while length < len(column):
        some = column.head(length).drop_nulls().unique(maintain_order=True)
        if len(some) >= most:
            return some.head(most)
        length *= 4
    return column.drop_nulls().unique(maintain_order=True).head(most)


def spread_of(column: pl.Series, most: int = LOOKED_AT) -> pl.Series:
    """Distinct values from the whole of a column, evenly spaced: ``most`` of them, or up to twice as many."""
    some = column.drop_nulls().unique(maintain_order=True)
    return some.gather_every(max(1, len(some) // most))


def glimpsed(column: pl.Series, has: Callable[[pl.Series], bool]) -> bool:
    """Whether values of some kind may be many among the distinct values of a column, by 1,000 evenly spaced ones.

    They are not where none of those is of the kind, and most of those differ: of the distinct values of the column,
    then, hardly any is. A column of few distinct values has to be looked at as a whole, which takes little.
    """
    present = column.drop_nulls()
    some = present.gather_every(max(1, len(present) // GLIMPSED))
    return len(some) > 0 and (some.n_unique() < len(some) / 2 or has(some))

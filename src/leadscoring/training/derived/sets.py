"""Sets: columns with several values in a cell, as multi-select fields are exported."""

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from leadscoring._engine import values_of
from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.model.reading import Reading
from leadscoring.training.column import FEWEST, RARE_SHARE, Read
from leadscoring.training.derived.kind import Derived, Evidence, started, with_weights
from leadscoring.training.derived.tokens import Tokens, tokens_of
from leadscoring.training.reading.series import as_text

MOST_VALUES = 50
"""Maximum number of values with a column of their own, the most frequent first."""

COVERED = 0.9
"""Minimum share of all values that are frequent ones."""

SEVERAL = 0.05
"""Minimum share of leads with several values."""

FEW_LISTS = 20
"""A column of no more distinct texts with commas is a category."""

COUNT = Aspect("count")


class Sets(Derived):
    """Several values."""

    name = "set"

    def detects(self, read: Read) -> bool:
        """Whether values between semicolons, or else between commas, recur in different combinations."""
        if read.column.dtype != pl.String or not read.traits.sets:
            return False
        column = read.column.drop_nulls()
        with_semicolon, with_comma = (share(column, separator) for separator in ";,")
        if with_semicolon >= SEVERAL:
            return combined(closed(column), "")
        return with_comma >= SEVERAL and column.n_unique() > FEW_LISTS and combined(column, ",")

    def read(self, read: Read) -> None:
        """Reads the column as sets, whose values may contain commas if semicolons separate them."""
        separator = ";" if share(as_text(read.column).drop_nulls(), ";") >= SEVERAL else ","
        read.notes.append(f"{read.raw.name!r}: several values in one cell, separated by {separator!r}")
        read.feature = started(read, self.name, closed(as_text(read.column)))

    def parse(self, feature: Feature, column: pl.Series, _reading: Reading) -> pl.Series:
        """Parses sets as training does; a value with a comma says that semicolons separate them, too."""
        known = (*feature.weights, *(aspect.of for aspect in feature.aspects))
        return closed(as_text(column), any("," in token for token in known)).alias(feature.name)

    def candidates(self, _feature: Feature, _others: Sequence[Feature], _tokens: Tokens | None) -> tuple[Aspect, ...]:
        """Offers the number of values."""
        return (COUNT,)

    def tokens(self, column: pl.Series) -> Tokens:
        """Returns the values."""
        return tokens_of(column, values_of)

    def choose(self, feature: Feature, evidence: Evidence) -> Feature:
        """Takes the frequent values, and their number."""
        if evidence.tokens is None:
            return msgspec.structs.replace(feature, aspects=(COUNT,))
        count, _ = evidence.tokens.counts(evidence.rows, evidence.y)
        rows = int(evidence.tokens.known(evidence.rows).sum())
        least = max(FEWEST, RARE_SHARE * rows)
        fine = np.flatnonzero((count >= least) & (rows - count >= FEWEST))
        most = fine[np.argsort(-count[fine], kind="stable")][:MOST_VALUES]
        values = [evidence.tokens.names[place] for place in most]
        feature = msgspec.structs.replace(feature, example="; ".join(values[:2]) or None)
        return with_weights(feature, [*(Aspect("value", value) for value in values), COUNT], evidence, FEWEST)


def share(column: pl.Series, separator: str) -> float:
    """Returns the share of texts with a separator."""
    return int(column.str.contains(separator, literal=True).sum()) / max(len(column), 1)


def closed(column: pl.Series, always: bool = False) -> pl.Series:
    """Returns the texts of a column in which semicolons separate values, with one at the end of those without any.

    A single value that contains a comma is thus not cut there. Other columns are unchanged, unless ``always``.
    """
    if not always and share(column.drop_nulls(), ";") < SEVERAL:
        return column
    single = column.str.contains(",", literal=True) & ~column.str.contains(";", literal=True)
    return pl.select(pl.when(single).then(column + ";").otherwise(column).alias(column.name)).to_series()


def combined(column: pl.Series, separator: str) -> bool:
    """Whether the values of a column are few, and their combinations are more; with commas, in any order.

    A place such as ``Paris, France`` has its parts always in the same position.
    """
    tokens = tokens_of(column, values_of)
    every = np.ones(len(column), dtype=bool)
    count, _ = tokens.counts(every, np.zeros(len(column)))
    lengths = column.map_elements(lambda text: len(set(values_of(text))), return_dtype=pl.Int64)
    combinations = int(tokens.text.max(initial=-1)) + 1
    few = 2 <= len(count) < combinations and bool(count.sum() >= COVERED * int(lengths.sum()))
    return few and (not separator or moves(column, tokens.names))


def moves(column: pl.Series, names: Sequence[str]) -> bool:
    """Whether at least half of the values occur both first and later in a list, or alone."""
    lists = [values_of(text) for text in column.unique(maintain_order=True)]
    first = {values[0] for values in lists if values}
    later = {value for values in lists for value in values[1:]}
    alone = {values[0] for values in lists if len(values) == 1}
    return sum(name in later and name in first | alone for name in names) * 2 >= len(names)

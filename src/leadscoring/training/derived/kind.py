"""The interface of derived kinds: how training detects them, reads them, and chooses their columns."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.model.reading import DayOrder, Reading
from leadscoring.training.column import Read
from leadscoring.training.derived.signal import SURE, standing_of
from leadscoring.training.derived.tokens import Rows, Tokens
from leadscoring.training.derived.weights import weights_of
from leadscoring.training.reading.missing import SPELLINGS
from leadscoring.training.reading.series import Vector

WEIGHT = Aspect("weight")


class Evidence(msgspec.Struct, frozen=True):
    """What the columns of a feature are chosen by.

    ``rows`` are the leads to learn from (others must not be looked at), ``y`` the outcomes of all; ``values`` are those
    of each candidate column for all leads, NaN for missing, and ``tokens`` the words of all.
    """

    rows: Rows
    y: Vector
    values: dict[Aspect, Vector] = {}
    tokens: Tokens | None = None

    def standing(self, values: Vector, also: Rows | bool = True) -> float:
        """Returns the standard score of the association of a column's known values with the outcome.

        ``also`` are the leads to look at besides. Whether a value is known does not count: another column says it.
        """
        rows = self.rows & ~np.isnan(values) & also
        return standing_of(values[rows], self.y[rows])

    def standing_of_absence(self, values: Vector) -> float:
        """Returns the standard score of the association of whether a value is known with the outcome."""
        return standing_of(np.isnan(values[self.rows]).astype(np.float64), self.y[self.rows])

    def clear(self, aspects: Sequence[Aspect]) -> list[Aspect]:
        """Returns the candidates that carry signal, the clearest first."""
        found = [(self.standing(self.values[aspect]), aspect) for aspect in aspects]
        return [aspect for score, aspect in sorted(found, key=lambda one: -one[0]) if score > SURE]

    def share(self, aspect: Aspect) -> int:
        """Returns the number of leads for which a yes/no column is the rarer of both."""
        values = self.values[aspect][self.rows]
        return int(min((values == 1.0).sum(), (values == 0.0).sum()))


class Derived(ABC):
    """The base of all derived kinds."""

    name: str
    """The kind in model cards."""

    is_lenient = False
    """Whether the service scores values that it cannot read as unknown, with a warning, instead of rejecting them."""

    @abstractmethod
    def detects(self, read: Read) -> bool:
        """Whether a column, with missing tokens blanked, holds such values."""

    @abstractmethod
    def read(self, read: Read) -> None:
        """Completes ``read`` with the feature, whose columns are not chosen yet.

        Raises ``TrainingDataError`` if the column does not match the user's ``--read``.
        """

    def order(self, _read: Read) -> DayOrder | None:
        """Returns the order of day and month that a column shows; ``None`` if it shows none."""
        return None

    def parse(self, feature: Feature, column: pl.Series, _reading: Reading) -> pl.Series:
        """Parses the column of a later file, null for what cannot be parsed."""
        return column.cast(pl.String).alias(feature.name)

    def candidates(self, _feature: Feature, _others: Sequence[Feature], _tokens: Tokens | None) -> tuple[Aspect, ...]:
        """Returns the columns that are possible, apart from those of single tokens; ``others`` are all features."""
        return ()

    def tokens(self, _column: pl.Series) -> Tokens | None:
        """Returns the tokens of a column; ``None`` for kinds without tokens."""
        return None

    @abstractmethod
    def choose(self, feature: Feature, evidence: Evidence) -> Feature:
        """Returns the feature with its columns; with none if it carries no signal."""


def started(read: Read, kind: str, column: pl.Series, example: str | None = None) -> Feature:
    """Returns the feature of a column, without columns of its own yet."""
    read.column = column
    return Feature(
        read.raw.name,
        kind,
        required=column.null_count() == 0,
        missing=tuple(sorted({*SPELLINGS, *read.missing})),
        example=example,
    )


def with_weights(feature: Feature, aspects: Sequence[Aspect], evidence: Evidence, least: float) -> Feature:
    """Returns the feature with some columns and, if more tokens than those are frequent, one for the weight of all."""
    weights: dict[str, float] = {}
    if evidence.tokens is not None:
        weights = weights_of(evidence.tokens, evidence.rows, evidence.y, least)
    own = sum(aspect.of in weights for aspect in aspects)
    if own >= len(weights):
        return msgspec.structs.replace(feature, aspects=tuple(aspects))
    return msgspec.structs.replace(feature, aspects=(*aspects, WEIGHT), weights=weights)

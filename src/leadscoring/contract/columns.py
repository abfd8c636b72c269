"""The columns of the features of a contract in the rows of the trees; one feature may have several.

Trees, golden rows, encoded rows and the reference are by column; reasons, importance and drift by feature: the
contribution of a feature is the sum over its columns, and its drift the largest of theirs.
"""

from collections.abc import Sequence
from itertools import accumulate

import msgspec


class Column(msgspec.Struct, frozen=True):
    """One column of the rows.

    ``categorical`` columns hold codes; ``labels`` are their values, in order of the codes. ``codes`` is the number of
    codes that the trees may split it by: 0 for none, ``None`` for any number. ``most`` is the maximum of a column that
    holds integers from 0, ``None`` for a column of any numbers.
    """

    name: str
    categorical: bool = False
    codes: int | None = 0
    most: int | None = None
    labels: tuple[str | int | float, ...] = ()


class Columns:
    """The columns of a contract, in order, and the features that they belong to."""

    def __init__(self, features: Sequence[tuple[Column, ...]]) -> None:
        self.every = tuple(column for columns in features for column in columns)
        self.names = [column.name for column in self.every]
        self.widths = tuple(map(len, features))
        """The number of columns of each feature."""
        self.feature = tuple(place for place, width in enumerate(self.widths) for _ in range(width))
        """The index of the feature that each column belongs to."""
        self.first = tuple(end - width for end, width in zip(accumulate(self.widths), self.widths, strict=True))
        """The index of the first column of each feature."""

    def __len__(self) -> int:
        return len(self.every)

    @property
    def several(self) -> bool:
        """Whether any feature has several columns."""
        return len(self.every) != len(self.widths)

    def places(self, feature: int) -> slice:
        """Returns the columns of a feature, by its index."""
        return slice(self.first[feature], self.first[feature] + self.widths[feature])

"""The columns that the features of a contract make in the rows of the trees; one feature may make several.

Trees, golden rows and rows that callers have encoded go by column; reasons, importance and drift by feature: the
reason of a feature is the sum over its columns, and drift looks at the first of them.
"""

from collections.abc import Sequence
from itertools import accumulate

import msgspec


class Column(msgspec.Struct, frozen=True):
    """One column of the rows.

    ``categorical`` says that it holds codes, ``labels`` what they stand for, in their order. ``codes`` is how many
    codes the trees may split it by: 0 for none, ``None`` for any number. ``most`` is the largest of the whole numbers
    from 0 on that it may hold, ``None`` for a column of any numbers.
    """

    name: str
    categorical: bool = False
    codes: int | None = 0
    most: int | None = None
    labels: tuple[str | int | float, ...] = ()


class Columns:
    """The columns of a contract in their order, and whose they are."""

    def __init__(self, features: Sequence[tuple[Column, ...]]) -> None:
        self.every = tuple(column for columns in features for column in columns)
        self.names = [column.name for column in self.every]
        self.widths = tuple(map(len, features))
        """How many columns each feature makes."""
        self.feature = tuple(place for place, width in enumerate(self.widths) for _ in range(width))
        """The place of the feature that each column belongs to."""
        self.first = tuple(end - width for end, width in zip(accumulate(self.widths), self.widths, strict=True))
        """The place of the first column of each feature."""

    def __len__(self) -> int:
        return len(self.every)

    @property
    def several(self) -> bool:
        """Whether there is a feature that makes several columns."""
        return len(self.every) != len(self.widths)

    def places(self, feature: int) -> slice:
        """The columns of the feature at a place."""
        return slice(self.first[feature], self.first[feature] + self.widths[feature])

"""The derived kinds, one row each, in the order in which a column is tried."""

from collections.abc import Sequence

from leadscoring.contract.features import Feature
from leadscoring.training.column import Read
from leadscoring.training.derived.dates import Dates
from leadscoring.training.derived.emails import Emails
from leadscoring.training.derived.kind import Derived
from leadscoring.training.derived.paths import Paths
from leadscoring.training.derived.sets import Sets
from leadscoring.training.derived.texts import Texts

BEFORE_NUMBERS: tuple[Derived, ...] = (Dates(), Emails())
BEFORE_CATEGORIES: tuple[Derived, ...] = (Sets(), Texts(), Paths())
DERIVED = (*BEFORE_NUMBERS, *BEFORE_CATEGORIES)


def derived_of(kind: str | None) -> Derived | None:
    """Returns the row of a kind; ``None`` for kinds that are not derived."""
    return next((row for row in DERIVED if row.name == kind), None)


def row_of(feature: Feature) -> Derived | None:
    """Returns the row of a feature's kind; ``None`` for kinds that are not derived."""
    return derived_of(feature.kind)


def fitting(read: Read, rows: Sequence[Derived]) -> Derived | None:
    """Returns the kind that the user asked for, or else the first that a column has; ``None`` for no derived one."""
    if read.how.kind is not None or read.how.notation is not None:
        return next((row for row in rows if row.name == read.how.kind), None)
    return next((row for row in rows if row.detects(read)), None)

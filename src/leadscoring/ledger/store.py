"""What the keeper asks of a database: leads by key, and many rows at once, by way of the driver."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from leadscoring.ledger.folding import Folded, Lead

SCORE = ("number", "lead", "first_at", "last_at", "times", "as_of", "model", "margin", "probability", "tier", "row",
         "unseen", "request", "flags")  # fmt: skip
"""The columns of a score, in the order of the fields of ``Kept``."""


class Store(Protocol):
    """One transaction of the keeper."""

    def take_turn(self) -> None:
        """Waits for other keepers of the same ledger; called first."""
        ...

    def erased(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Returns those of the keys that were erased, and when."""
        ...

    def leads(self, names: Mapping[bytes, str | None]) -> dict[bytes, Lead]:
        """Returns the leads with these keys, with their last score; makes those that are new, with their names."""
        ...

    def store(self, folded: Folded) -> None:
        """Stores folded scores; gives each new one its number."""
        ...

    def moved(self, places: Sequence[tuple[str, int]]) -> None:
        """Stores to where segments are moved."""
        ...

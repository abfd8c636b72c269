"""What the scorer asks of whatever computes margins."""

from collections.abc import Awaitable
from typing import Protocol

from leadscoring._engine import Rows


class Provider(Protocol):
    """Computes margins for rows that are already encoded by the model's contract."""

    name: str
    """As in MODEL_ENDPOINT_PROVIDER and in the labels of metrics."""

    def margins(self, rows: Rows) -> list[float] | Awaitable[list[float]]:
        """The margin of each row, in log-odds, in order: at once where that is quick, else to be awaited."""
        ...

"""What the scorer asks of whatever computes margins."""

from typing import Protocol

from leadscoring._engine import Rows


class Provider(Protocol):
    """Computes margins for rows that are already encoded by the model's contract."""

    name: str
    """As in MODEL_ENDPOINT_PROVIDER and in the labels of metrics."""

    async def margins(self, rows: Rows) -> list[float]:
        """The margin of each row, in log-odds, in order."""
        ...

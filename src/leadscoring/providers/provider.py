"""What the scorer asks of whatever computes margins."""

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

from msgspec import UNSET, UnsetType

from leadscoring._engine import Rows
from leadscoring.lead import ServedBy


class Given(NamedTuple):
    """Margins that are there, and where they come from."""

    margins: list[float]
    served_by: ServedBy | UnsetType = UNSET
    """Nothing where no remote model is set up, so that there is no other place that they could come from."""

    degraded: bool = False
    """Whether the local model stood in for a remote one that failed."""

    unexplained: str | None = None
    """Why the local trees cannot give the reasons for these margins, if they cannot."""


class Provider(Protocol):
    """Computes margins for rows that are already encoded by the model's contract."""

    name: str
    """As in MODEL_ENDPOINT_PROVIDER and in the labels of metrics."""

    def margins(self, rows: Rows) -> list[float] | Awaitable[Given]:
        """The margin of each row, in log-odds, in order: at once where that is quick, else to be awaited.

        What is awaited raises an ``EndpointError`` when a remote model did not score.
        """
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """What it does beside scoring, such as connections and checks, for as long as the context is open."""
        ...

    def retire(self) -> None:
        """Another one takes over: calls under way end as usual, and metrics show the state of the other."""
        ...

    def status(self) -> dict[str, Any] | None:
        """What ``/status`` tells of a remote endpoint; nothing when there is none."""
        ...

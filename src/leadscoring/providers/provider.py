"""The interface between the scorer and the providers of margins."""

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

from msgspec import UNSET, UnsetType

from leadscoring._engine import Rows
from leadscoring.lead import ServedBy


class Given(NamedTuple):
    """Computed margins and their source."""

    margins: list[float]
    served_by: ServedBy | UnsetType = UNSET
    """The source of the margins; unset without a remote model, since there is only one source then."""

    degraded: bool = False
    """Whether the margins come from the local fallback because the remote model failed."""

    unexplained: str | None = None
    """Why the local trees cannot explain these margins; ``None`` if they can."""


class Provider(Protocol):
    """Computes the margins of rows that are encoded by the model's contract."""

    name: str
    """The name in MODEL_ENDPOINT_PROVIDER and in the labels of metrics."""

    def margins(self, rows: Rows) -> list[float] | Awaitable[Given]:
        """Returns the margin of each row, in log-odds, in order: directly if that is fast, else as an awaitable.

        The awaitable raises an ``EndpointError`` if a remote model fails to score.
        """
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Runs background work, such as connections and checks, as long as the context is open."""
        ...

    def retire(self) -> None:
        """Called when another provider takes over: calls in progress finish; metrics show the state of the other."""
        ...

    def status(self) -> dict[str, Any] | None:
        """Returns the state of the remote endpoint for ``/status``; ``None`` without one."""
        ...

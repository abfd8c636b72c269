"""Computes margins with the engine in this process."""

from contextlib import AbstractAsyncContextManager, nullcontext

from leadscoring._engine import Rows
from leadscoring.model.trees import TreeEnsemble


class Local:
    """The provider ``local``: no network, no copy, no wait."""

    name = "local"

    def __init__(self, trees: TreeEnsemble) -> None:
        self._trees = trees

    def margins(self, rows: Rows) -> list[float]:
        """Returns the margin of each row, in log-odds, in order; takes about a microsecond per row."""
        return self._trees.predict(rows)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Returns a no-op context: there is no background work."""
        return nullcontext()

    def retire(self) -> None:
        """Does nothing: there is no state."""

    def status(self) -> None:
        """Returns ``None``: there is no endpoint."""
        return

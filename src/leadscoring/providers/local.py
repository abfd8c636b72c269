"""Margins from the engine in this process."""

from leadscoring._engine import Rows
from leadscoring.model.trees import TreeEnsemble


class Local:
    """The provider ``local``: no network, no copy, no wait."""

    name = "local"

    def __init__(self, trees: TreeEnsemble) -> None:
        self._trees = trees

    def margins(self, rows: Rows) -> list[float]:
        """The margin of each row, in log-odds, in order: about a microsecond a row."""
        return self._trees.predict(rows)

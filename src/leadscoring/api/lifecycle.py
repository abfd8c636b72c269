"""What a process is doing with its life: starting, ready, draining."""

from collections.abc import Callable
from time import monotonic

from leadscoring.errors import GoldenRowMismatch
from leadscoring.model.loaded import LoadedModel, check_golden_rows

CHECKED_SECONDS = 10.0
"""How long a check of the golden rows holds: scoring a dozen rows at every probe would buy nothing more."""


def unheard(_ready: bool) -> None:
    """Nobody listens."""


class Lifecycle:
    """The state of one process, and whether it scores as it should; ``heard`` is told whether it is ready."""

    def __init__(self, heard: Callable[[bool], None] = unheard) -> None:
        self.state = "starting"
        self._heard = heard
        self._model: LoadedModel | None = None
        self._checked = 0.0

    @property
    def draining(self) -> bool:
        """Whether the process was asked to end."""
        return self.state == "draining"

    def start(self) -> None:
        """Everything is open: requests can be answered."""
        if not self.draining:
            self.state = "ready"
            self._heard(True)

    def drain(self) -> None:
        """The process was asked to end; there is no way back."""
        self.state = "draining"
        self._heard(False)

    def seen(self, model: LoadedModel) -> str:
        """The state as a probe should hear it: ``failing`` when certified leads no longer score as certified.

        The golden rows are scored again when the last time is ``CHECKED_SECONDS`` ago or was for another model.
        """
        now = monotonic()
        if self.state == "ready" and (model is not self._model or now - self._checked > CHECKED_SECONDS):
            try:
                check_golden_rows(model.card, model.trees)
            except GoldenRowMismatch:
                self._model = None
                self._heard(False)
                return "failing"
            self._model, self._checked = model, now
            self._heard(True)
        return self.state

"""What a process is doing with its life: starting, ready, draining."""

from collections.abc import Callable
from time import monotonic
from typing import Literal

from leadscoring.errors import GoldenRowMismatch
from leadscoring.model.loaded import LoadedModel, check_golden_rows
from leadscoring.telemetry.log import Log

log = Log("leadscoring")

State = Literal["starting", "ready", "draining", "failing"]

CHECKED_SECONDS = 10.0
"""How long a check of the golden rows holds: scoring a dozen rows at every probe would buy nothing more."""


class Lifecycle:
    """The state of one process, and whether it scores as it should."""

    def __init__(self) -> None:
        self.state: State = "starting"
        self._model: LoadedModel | None = None
        self._checked = 0.0
        self._failing = False
        self._told: list[Callable[[], None]] = []

    @property
    def draining(self) -> bool:
        """Whether the process was asked to end."""
        return self.state == "draining"

    @property
    def scores(self) -> bool:
        """Whether leads are scored, and as they should be when that was looked at last."""
        return self.state == "ready" and not self._failing

    def start(self) -> None:
        """Everything is open: requests can be answered."""
        if not self.draining:
            self.state = "ready"

    def drain(self) -> None:
        """The process was asked to end; there is no way back."""
        self.state = "draining"
        for told in self._told:
            told()

    def at_drain(self, told: Callable[[], None]) -> None:
        """Calls ``told`` when the process is asked to end, or now when it was."""
        self._told.append(told)
        if self.draining:
            told()

    def seen(self, model: LoadedModel) -> State:
        """The state as a probe should hear it: ``failing`` when certified leads no longer score as certified.

        The golden rows are scored again when the last time is ``CHECKED_SECONDS`` ago or was for another model.
        """
        now = monotonic()
        if self.state == "ready" and (model is not self._model or now - self._checked > CHECKED_SECONDS):
            try:
                check_golden_rows(model.card, model.trees)
            except GoldenRowMismatch as failure:
                if not self._failing:
                    log.error("model fails", reason=str(failure))  # noqa: TRY400  # no traceback helps here
                self._model, self._failing = None, True
                return "failing"
            self._failing = False
            self._model, self._checked = model, now
        return self.state

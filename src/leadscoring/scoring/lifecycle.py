"""The lifecycle of a process: starting, ready, draining."""

from collections.abc import Callable
from time import monotonic
from typing import Literal

from leadscoring.errors import GoldenRowMismatch
from leadscoring.model.loaded import LoadedModel, check_golden_rows
from leadscoring.telemetry.log import Log

log = Log("leadscoring")

State = Literal["starting", "ready", "draining", "failing"]

CHECKED_SECONDS = 10.0
"""Seconds for which a check of the golden rows is valid: scoring a dozen rows on every probe adds nothing."""


class Lifecycle:
    """The state of one process, and whether its model passes the golden rows."""

    def __init__(self) -> None:
        self.state: State = "starting"
        self._model: LoadedModel | None = None
        self._checked = 0.0
        self._failing: LoadedModel | None = None
        self._at_drain: list[Callable[[], None]] = []

    @property
    def draining(self) -> bool:
        """Whether the process was asked to terminate."""
        return self.state == "draining"

    @property
    def scores(self) -> bool:
        """Whether the process is ready and passed the latest check of the golden rows."""
        return self.state == "ready" and self._failing is None

    def start(self) -> None:
        """Marks the process as ready to answer requests, unless it drains already."""
        if not self.draining:
            self.state = "ready"

    def drain(self) -> None:
        """Starts draining, which is irreversible, and calls the ``at_drain`` callbacks."""
        self.state = "draining"
        for call in self._at_drain:
            call()

    def at_drain(self, call: Callable[[], None]) -> None:
        """Registers ``call`` to run when the process starts draining; runs it now if it does already."""
        self._at_drain.append(call)
        if self.draining:
            call()

    def seen(self, model: LoadedModel) -> State:
        """Returns the state for a probe: ``failing`` if the golden rows no longer score as certified.

        Scores the golden rows again if the latest check is older than ``CHECKED_SECONDS`` or was for another model.
        """
        now = monotonic()
        if self.state == "ready" and (model is not self._model or now - self._checked > CHECKED_SECONDS):
            try:
                check_golden_rows(model.card, model.trees)
            except GoldenRowMismatch as failure:
                if self._failing is not model:
                    log.error("model fails", reason=str(failure))  # noqa: TRY400  # no traceback helps here
                self._model, self._failing = None, model
                return "failing"
            self._failing = None
            self._model, self._checked = model, now
        return self.state

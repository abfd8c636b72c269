"""Moves the tape of this machine into the ledger while a command runs, unless the service does."""

import threading
from types import TracebackType
from typing import Self

from leadscoring.errors import LeadScoringError
from leadscoring.ledger.keeping import Keeping, Kept
from leadscoring.ledger.state import KeeperState


class Moving:
    """A keeper in a thread of this process; it waits while another process keeps the folder."""

    def __init__(self, kept: Kept) -> None:
        self._stopping = threading.Event()
        self._state = KeeperState()
        self._failure: LeadScoringError | None = None
        self._keeping = Keeping(kept, self._stopping, self._report, drain_seconds=0.0)
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    @property
    def is_down(self) -> bool:
        """Whether this process is to move the tape, and cannot."""
        return self._state.condition == "down" or self._failure is not None

    @property
    def why(self) -> str:
        """Why nothing is moved."""
        return str(self._failure or self._state.reason or "the service that keeps it moves nothing")

    def _report(self, state: KeeperState) -> None:
        self._state = state

    def _run(self) -> None:
        try:
            self._keeping.run()
        except LeadScoringError as failure:
            self._failure = failure

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

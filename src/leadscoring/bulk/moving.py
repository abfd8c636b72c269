"""Moves the tape of this machine into the ledger while a command runs, unless the service does."""

import threading
from time import monotonic
from types import TracebackType
from typing import Self

from leadscoring.errors import LeadScoringError
from leadscoring.ledger.keeping import Keeping, Kept
from leadscoring.ledger.state import KeeperState

DOWN_SECONDS = 10.0
"""Seconds in which a database that is down may come back: a SQLite that others keep busy is down for a moment."""


class Moving:
    """A keeper in a thread of this process; it waits while another process keeps the folder."""

    def __init__(self, kept: Kept) -> None:
        self._stopping = threading.Event()
        self._state = KeeperState()
        self._down_since = float("inf")
        self._failure: LeadScoringError | None = None
        self._keeping = Keeping(kept, self._stopping, self._report, drain_seconds=0.0)
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    @property
    def is_down(self) -> bool:
        """Whether this process is to move the tape, and has not been able to for a while."""
        return self._failure is not None or monotonic() - self._down_since > DOWN_SECONDS

    @property
    def why(self) -> str:
        """Why nothing is moved."""
        return str(self._failure or self._state.reason or "the service that keeps it moves nothing")

    def _report(self, state: KeeperState) -> None:
        self._down_since = min(self._down_since, monotonic()) if state.condition == "down" else float("inf")
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

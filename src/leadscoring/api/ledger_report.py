"""What the service reports of its ledger: for ``/status`` and the metrics, as the keeper has written it."""

from datetime import UTC, datetime
from pathlib import Path

from leadscoring.api.answers import Ledger
from leadscoring.ledger.state import KeeperState, read_state
from leadscoring.telemetry.metrics import Metrics

PROBLEMS = {
    "down": "the ledger's database does not answer: scores wait on the tape",
    "silent": "the keeper of the ledger does not run: scores wait on the tape",
}


class LedgerReport:
    """Reads the state of the keeper from ``path``; ``None`` with LEDGER off."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def section(self) -> Ledger | None:
        """Returns the section of ``/status``."""
        return None if self._path is None else section_of(read_state(self._path))

    def count(self, metrics: Metrics) -> None:
        """Sets the metrics of the ledger."""
        if self._path is not None:
            state = read_state(self._path)
            down = state.condition in PROBLEMS
            metrics.ledger(state.moved, state.failures, state.damaged, state.lag_seconds, float(down))


def section_of(state: KeeperState) -> Ledger:
    """Returns the state as ``/status`` has it."""
    moved_at = state.last_moved_at
    last = None if moved_at is None else datetime.fromtimestamp(moved_at, UTC).isoformat(timespec="milliseconds")
    return Ledger(
        state=state.condition,
        reason=state.reason or None,
        lag_seconds=round(state.lag_seconds, 3),
        moved=state.moved,
        last_moved=last and last.replace("+00:00", "Z"),
        tape_bytes=state.tape_bytes,
    )


def problems_of(section: Ledger | None) -> list[str]:
    """Returns why the service is degraded, as far as its ledger is the reason."""
    return [] if section is None or section.state not in PROBLEMS else [PROBLEMS[section.state]]

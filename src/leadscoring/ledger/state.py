"""What the keeper reports: a small file that it writes every second, and workers read for ``/status`` and metrics."""

import time
from pathlib import Path
from typing import Literal

import msgspec

from leadscoring.whole_file import whole_file

SILENT_SECONDS = 15.0
"""A keeper that has not reported for this long is not running, or hangs."""

OCCUPIED_SECONDS = 900.0
"""The same for one that is occupied with what may take long: a migration, retention."""

Condition = Literal["healthy", "starting", "down", "silent"]


class KeeperState(msgspec.Struct, kw_only=True, frozen=True):
    """The state of the keeper, and its counts since the service has started.

    ``lag_seconds`` is the age of the earliest score on the tape that is not in the ledger. ``last_moved_at`` is a Unix
    time, ``reported_at`` a moment of ``time.monotonic``, which no change of the clock moves. ``down`` is a database
    that does not answer, for ``reason``.
    """

    condition: Condition = "starting"
    reason: str = ""
    moved: int = 0
    folded: int = 0
    failures: int = 0
    damaged: int = 0
    lag_seconds: float = 0.0
    tape_bytes: int = 0
    last_moved_at: float | None = None
    reported_at: float = 0.0
    occupied: bool = False


def write_state(path: Path, state: KeeperState) -> None:
    """Writes the state, whole. Raises ``OSError``."""
    with whole_file(path) as part:
        part.write_bytes(msgspec.json.encode(state))


def read_state(path: Path) -> KeeperState:
    """Reads the state; ``silent`` is a keeper that has not reported for long."""
    try:
        state = msgspec.json.decode(path.read_bytes(), type=KeeperState)
    except (OSError, msgspec.DecodeError):
        return KeeperState()
    if time.monotonic() - state.reported_at > (OCCUPIED_SECONDS if state.occupied else SILENT_SECONDS):
        return msgspec.structs.replace(state, condition="silent", reason="the keeper does not run, or hangs")
    return state

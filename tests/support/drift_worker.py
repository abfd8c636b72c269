"""A worker that counts leads for drift; it imports little, since it starts anew for each test."""

from multiprocessing.connection import Connection
from pathlib import Path

from leadscoring._engine import Rows
from leadscoring.quality.drift import Baseline
from leadscoring.quality.drift_counts import AREA, DriftCounts
from leadscoring.telemetry.tally import Tally


def count_until_told(path: Path, base: Baseline, rows: list[list[float | None]], pipe: Connection) -> None:
    """Counts, says so, and lives until it is told to end."""
    tally = Tally((), path, AREA)
    DriftCounts(tally, base).count(Rows(rows), [0.0] * len(rows))
    pipe.send("done")
    pipe.recv()

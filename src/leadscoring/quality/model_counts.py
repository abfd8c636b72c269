"""What is counted by what a model has: the bins of its reference, and the reasons for its scores.

Its series are those of one model, so they change when the model does; all other metrics stay.
"""

from leadscoring.model.card import Card
from leadscoring.quality.drift import Baseline
from leadscoring.quality.drift_counts import AREA as BINS_AREA
from leadscoring.quality.drift_counts import FAMILIES as BINS_FAMILIES
from leadscoring.quality.drift_counts import DriftCounts
from leadscoring.quality.reason_counts import AREA as REASONS_AREA
from leadscoring.quality.reason_counts import FAMILY, ReasonCounts
from leadscoring.telemetry.tally import Tally

AREA = BINS_AREA + REASONS_AREA
"""Numbers of each process: bins, then reasons."""

FAMILIES = (*BINS_FAMILIES, FAMILY)


class ModelCounts:
    """The counts of one process for one model: bins where it has a reference to be compared with, and reasons."""

    def __init__(self, tally: Tally, card: Card, base: Baseline | None) -> None:
        self.drift = None if base is None else DriftCounts(tally, base)
        self.reasons = ReasonCounts(tally, BINS_AREA, card)

    def exposition(self) -> bytes:
        """The series in Prometheus' text format, over all workers that share the file."""
        return (self.drift.exposition() if self.drift else b"") + self.reasons.exposition()

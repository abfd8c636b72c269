"""What is counted by what a model has stands beside all other metrics."""

from factories import card

from leadscoring.quality.model_counts import AREA, ModelCounts
from leadscoring.telemetry.metrics import Metrics


def test_a_model_without_a_reference_counts_reasons_alone() -> None:
    """There are no heads of metrics without a series."""
    metrics = Metrics((), "local", area=AREA)
    made = card()
    counts = ModelCounts(metrics.tally, made, None)
    assert b"model_reasons" not in metrics.exposition()
    metrics.of_model = counts.exposition
    assert b"model_reasons" in metrics.exposition()
    assert b"model_score_bins" not in metrics.exposition()

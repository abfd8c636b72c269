"""A worker that serves models one after the other and counts their reasons; it imports little, as it starts anew."""

from multiprocessing.connection import Connection
from pathlib import Path

from leadscoring.model.card import Card
from leadscoring.quality.model_counts import AREA, CountedModels
from leadscoring.telemetry.tally import Tally


def count_until_told(path: Path, models: list[tuple[Card, float]], pipe: Connection) -> None:
    """Counts so many reasons for each model, says so, and lives until it is told to end."""
    counted = CountedModels(Tally((), path, AREA))
    for card, reasons in models:
        counts = counted.open(card, card.version, None)
        counts.reasons.numbers[0] += reasons
        counts.leave()
    pipe.send("done")
    pipe.recv()

"""A reference of the small contract, and what was counted by it."""

from functools import cache
from pathlib import Path

from factories import card

from leadscoring.model.card import Bins, Reference
from leadscoring.quality.drift import LABELS, Baseline, baseline
from leadscoring.quality.drift_counts import AREA, DriftCounts
from leadscoring.telemetry.tally import Tally

REFERENCE = Reference(
    tuple(step / 100 for step in range(101)),
    (
        Bins((1e5, 1e6), (0.3, 0.4, 0.3)),
        Bins((0.0, 2.0, 5.0), (0.2, 0.2, 0.3, 0.2), 0.1),
        Bins(),
        Bins((0.0,), (0.5, 0.5)),
        Bins((), (0.5, 0.2, 0.1, 0.1), 0.1),
        Bins((), (0.6, 0.4)),
        Bins((0.1, 0.3), (0.3, 0.3, 0.3), 0.1),
    ),
)
"""Bins of the small contract; ``growth`` has none."""


@cache
def base(version: str = "1") -> Baseline:
    """What the small card's leads are compared with."""
    made = baseline(card(reference=REFERENCE, version=version))
    assert made is not None
    return made


def counting(path: Path | None = None, by: Baseline | None = None) -> DriftCounts:
    """The counts of a process on its own, or one of several."""
    return DriftCounts(Tally((), path, AREA), by or base())


def bins_of(counts: DriftCounts) -> dict[str, dict[str, int]]:
    """What was counted, by column and bin, without zeros."""
    score, columns = counts.totals()
    named = zip(("score", *(bins.column for bins in counts.base.counted)), (score, *columns), strict=True)
    return {
        name: {label: int(number) for label, number in zip(LABELS, numbers, strict=False) if number}
        for name, numbers in named
    }

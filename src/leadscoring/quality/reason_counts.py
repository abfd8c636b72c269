"""Counts how often each feature was a reason that increased or decreased a score.

The engine counts reasons as it computes them, which costs some nanoseconds per lead. As with drift, counts of
different models are never added up.
"""

import hashlib
from collections.abc import Sequence

from leadscoring.model.card import Card
from leadscoring.telemetry.tally import Family, Series, Stamped, Tally, escaped

DIRECTIONS = ("increases", "decreases")
"""The directions as in answers, in the order of the engine."""

MOST_FEATURES = 200
"""Maximum number of features whose reasons are counted, the first of the contract."""

AREA = 1 + len(DIRECTIONS) * MOST_FEATURES
"""Counters of one worker."""

FAMILY = Family(
    "counter", "model_reasons", "Reasons returned with scores, by feature and direction",
    {"model_version": (), "feature": (), "direction": DIRECTIONS}, apart=True,
)  # fmt: skip
"""The features come from the model file, so the series are written here and not by the tally."""


class ReasonCounts:
    """The counts of one process for one model, within the tally's area.

    ``starts`` are the offsets at which processes may count for the model; this one uses that of its ``room``. ``stamp``
    is the model's ``stamp_of``.
    """

    def __init__(self, tally: Tally, card: Card, stamp: float, starts: Sequence[int] = (0,), room: int = 0) -> None:
        self._counts = Stamped(tally, [slice(start, start + AREA) for start in starts], room, stamp)
        version = escaped(card.version)
        self._lines = [
            f'model_reasons_total{{model_version="{version}",feature="{escaped(name)}",direction="{direction}"}}'.encode()
            for name in counted_names(card)
            for direction in DIRECTIONS
        ]

    @property
    def numbers(self) -> "memoryview[float]":
        """The counters that the engine increments: two per feature, in the order of ``DIRECTIONS``."""
        return self._counts.mine[1:]

    def series(self) -> Series:
        """Returns the formatted counts, including zeros: ``rate`` needs a sample before the first increment."""
        counted = zip(self._lines, self._counts.sums()[1:], strict=False)
        return FAMILY, b"".join(b"%b %r\n" % line for line in counted)


def counted_names(card: Card) -> list[str]:
    """Returns the features whose reasons are counted."""
    return card.contract.names[:MOST_FEATURES]


def stamp_of(card: Card, digest: str = "") -> float:
    """Returns a number that identifies the model; ``digest`` distinguishes models with equal cards."""
    identity = repr((card.version, counted_names(card), digest)).encode()
    return 1.0 + int.from_bytes(hashlib.sha256(identity).digest()[:6], "big")

"""How often each feature was a reason: among those that raised a score, and among those that lowered one.

The engine counts them as it finds them, which costs a lead some nanoseconds. Counts of different models are never
added up, as with drift.
"""

import hashlib
from collections.abc import Sequence

from leadscoring.model.card import Card
from leadscoring.quality.drift import MOST_FEATURES
from leadscoring.telemetry.tally import Family, Series, Stamped, Tally, escaped

DIRECTIONS = ("increases", "decreases")
"""As the answers call them, in the engine's order."""

AREA = 1 + len(DIRECTIONS) * MOST_FEATURES
"""Numbers that one worker counts in."""

FAMILY = Family(
    "counter", "model_reasons", "Reasons returned with scores, by feature and direction",
    {"model_version": (), "feature": (), "direction": DIRECTIONS}, apart=True,
)  # fmt: skip
"""Its features come from the model file, so its series are written here and not by the tally."""


class ReasonCounts:
    """The counts of one process for one model, within the tally's area.

    ``starts`` are the places at which any process may count for it; this one does at that of its ``room``. ``stamp`` is
    what ``stamp_of`` gives for the model.
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
        """What the engine counts into: two numbers a feature, in the order of ``DIRECTIONS``."""
        return self._counts.mine[1:]

    def series(self) -> Series:
        """What was counted, as it is written, those that count nothing yet too: a rate must see the first step."""
        counted = zip(self._lines, self._counts.sums()[1:], strict=False)
        return FAMILY, b"".join(b"%b %r\n" % line for line in counted)


def counted_names(card: Card) -> list[str]:
    """The features whose reasons are counted."""
    return card.contract.names[:MOST_FEATURES]


def stamp_of(card: Card, digest: str = "") -> float:
    """Another number for every other model; ``digest`` tells those apart whose cards say the same."""
    told = repr((card.version, counted_names(card), digest)).encode()
    return 1.0 + int.from_bytes(hashlib.sha256(told).digest()[:6], "big")

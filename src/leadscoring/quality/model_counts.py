"""The counters of each model: the bins of its reference, and the reasons for its scores.

Each model that a process serves has its own area of counters (a room), so that requests in progress when another
model takes over are counted for the right model. Counters are exported as long as a room holds them; the reference is
exported for the served model only.
"""

from collections.abc import Iterator

from leadscoring.model.card import Card
from leadscoring.quality.drift import Baseline
from leadscoring.quality.drift_counts import AREA as BINS_AREA
from leadscoring.quality.drift_counts import FAMILIES as BINS_FAMILIES
from leadscoring.quality.drift_counts import DriftCounts
from leadscoring.quality.reason_counts import AREA as REASONS_AREA
from leadscoring.quality.reason_counts import FAMILY, ReasonCounts, stamp_of
from leadscoring.telemetry.tally import Series, Tally, written_out

ROOM = BINS_AREA + REASONS_AREA
"""Counters of one model: bins, then reasons."""

ROOMS = 4
"""Models that one process can count for at the same time: the served one, and previous ones that are still in use."""

AREA = ROOMS * ROOM
"""Counters of each process: 90 KB."""

STARTS = tuple(range(0, AREA, ROOM))
REASONS_STARTS = tuple(start + BINS_AREA for start in STARTS)

FAMILIES = (*BINS_FAMILIES, FAMILY)

Stamps = tuple[float, float]
"""Identifies the models that the bins and the reasons in a room belong to."""


class ModelCounts:
    """The counts of one process for one model: bins, if it has a reference to compare with, and reasons."""

    def __init__(self, tally: Tally, card: Card, base: Baseline | None, stamps: Stamps, room: int = 0) -> None:
        self.version = card.version
        self.stamps = stamps
        self.room = room
        self.users = 0
        self.drift = None if base is None else DriftCounts(tally, base, STARTS, room)
        self.reasons = ReasonCounts(tally, card, stamps[1], REASONS_STARTS, room)

    def leave(self) -> None:
        """Releases the counts; called once for each ``CountedModels.open``."""
        self.users -= 1

    def series(self) -> Iterator[Series]:
        """Yields the counts, summed over all workers that share the file."""
        if self.drift:
            yield from self.drift.series()
        yield self.reasons.series()


class CountedModels:
    """The rooms of one process, and the models that use them."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._held: list[ModelCounts] = []

    def open(self, card: Card, digest: str, base: Baseline | None) -> ModelCounts:
        """Opens the counts of a model, existing or new; call ``leave`` when the model is no longer in use.

        ``digest`` is the SHA-256 of its file. Raises ``RuntimeError`` if all rooms are in use.
        """
        stamps = (base.stamp if base else 0.0, stamp_of(card, digest))
        counts = next((held for held in self._held if held.stamps == stamps), None)
        if counts is None:
            room = self._free(stamps)
            counts = ModelCounts(self._tally, card, base, stamps, room)
        self._held = [held for held in self._held if held.room != counts.room] + [counts]  # the last is the latest
        counts.users += 1
        return counts

    def _free(self, stamps: Stamps) -> int:
        """Returns an unused room: that of the same model in an earlier process, else an empty one, else the oldest."""
        latest = {held.room: place for place, held in enumerate(self._held, 1)}
        used = [held.room for held in self._held if held.users]
        free = [room for room in range(ROOMS) if room not in used]
        if not free:
            raise RuntimeError(f"all {ROOMS} rooms for counts of models are in use")
        return min(free, key=lambda room: (self._stamps(room) != stamps, latest.get(room, 0), self._stamps(room)))

    def _stamps(self, room: int) -> Stamps:
        """Returns the stamps in a room; 0 for empty areas."""
        area = self._tally.area
        return area[STARTS[room]], area[REASONS_STARTS[room]]

    def exposition(self, served: ModelCounts | None) -> bytes:
        """Returns the series of the ``served`` model and of previous ones in Prometheus' text format.

        Of several models with the same version, only the latest is included.
        """
        if served is None:
            return b""
        by_version = {held.version: held for held in [*self._held, served]}
        every = sorted(by_version.values(), key=lambda held: held is not served)
        reference = served.drift.reference if served.drift else []
        return written_out([*reference, *(series for held in every for series in held.series())])

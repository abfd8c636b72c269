"""What is counted by what a model has: the bins of its reference, and the reasons for its scores.

Each model that a process serves has a room of its own to count in, so that what is still under way when another model
takes over counts where it belongs. Counters go on to be shown while a room holds them; the reference is shown of the
model that is served.
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
"""Numbers of one model: bins, then reasons."""

ROOMS = 4
"""Models that one process can count for at a time: the one that is served, and those still in use that were."""

AREA = ROOMS * ROOM
"""Numbers of each process: 90 KB."""

STARTS = tuple(range(0, AREA, ROOM))
REASONS_STARTS = tuple(start + BINS_AREA for start in STARTS)

FAMILIES = (*BINS_FAMILIES, FAMILY)

Stamps = tuple[float, float]
"""What says whose the bins in a room are, and whose the reasons."""


class ModelCounts:
    """The counts of one process for one model: bins where it has a reference to be compared with, and reasons."""

    def __init__(self, tally: Tally, card: Card, base: Baseline | None, stamps: Stamps, room: int = 0) -> None:
        self.version = card.version
        self.stamps = stamps
        self.room = room
        self.users = 0
        self.drift = None if base is None else DriftCounts(tally, base, STARTS, room)
        self.reasons = ReasonCounts(tally, card, stamps[1], REASONS_STARTS, room)

    def leave(self) -> None:
        """One of those that have opened it counts no more."""
        self.users -= 1

    def series(self) -> Iterator[Series]:
        """What was counted, over all workers that share the file."""
        if self.drift:
            yield from self.drift.series()
        yield self.reasons.series()


class CountedModels:
    """The rooms of one process, and the models that are counted in them."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._held: list[ModelCounts] = []

    def open(self, card: Card, digest: str, base: Baseline | None) -> ModelCounts:
        """The counts for a model, to ``leave`` when it scores no more: those that there are already, or new ones.

        ``digest`` is the SHA-256 of its file. Raises ``RuntimeError`` when every room is in use.
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
        """A room that nobody uses: that of the same model in an earlier process, else an empty one, else the oldest."""
        latest = {held.room: place for place, held in enumerate(self._held, 1)}
        used = [held.room for held in self._held if held.users]
        free = [room for room in range(ROOMS) if room not in used]
        if not free:
            raise RuntimeError(f"all {ROOMS} rooms for counts of models are in use")
        return min(free, key=lambda room: (self._stamps(room) != stamps, latest.get(room, 0), self._stamps(room)))

    def _stamps(self, room: int) -> Stamps:
        """What stands in a room; 0 where nothing was counted."""
        area = self._tally.area
        return area[STARTS[room]], area[REASONS_STARTS[room]]

    def exposition(self, served: ModelCounts | None) -> bytes:
        """The series of the model that is ``served``, and of those before it, in Prometheus' text format.

        Of two models that call themselves by the same version, those of the later one.
        """
        if served is None:
            return b""
        by_version = {held.version: held for held in [*self._held, served]}
        every = sorted(by_version.values(), key=lambda held: held is not served)
        reference = served.drift.reference if served.drift else []
        return written_out([*reference, *(series for held in every for series in held.series())])

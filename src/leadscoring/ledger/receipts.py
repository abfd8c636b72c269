"""Why the scores of a lead differ: the contributions of its features, recomputed from stored rows by their model."""

from collections.abc import Sequence
from struct import unpack
from typing import Any

from leadscoring._engine import Rows
from leadscoring.contract.features import Feature
from leadscoring.contract.rows import decoded
from leadscoring.float32 import single
from leadscoring.ledger.lead_record import Difference, LeadReason, Receipt, TierChange, Value
from leadscoring.model.card import TIERS
from leadscoring.model.loaded import LoadedModel


def rows_from(stored: Sequence[bytes]) -> Rows:
    """Rows as the engine takes them, from rows as the ledger has them: float32, little endian."""
    return Rows([numbers_of(row) for row in stored])


def numbers_of(row: bytes) -> list[float | None]:
    """The numbers of a stored row; ``None`` for missing."""
    return [None if number != number else number for number in unpack(f"<{len(row) // 4}f", row)]  # noqa: PLR0124 - NaN


class Explained:
    """A stored row with the contribution and the value of each feature, by one model."""

    def __init__(self, model: LoadedModel, row: bytes) -> None:
        numbers = numbers_of(row)
        columns = model.card.contract.columns
        (shares,) = model.trees.explain(Rows([numbers]))
        places = [columns.places(place) for place in range(len(model.names))]
        self._names = model.names
        self.contributions = [sum(shares[of]) for of in places]
        values = zip(model.card.contract.features, decoded(model.card.contract)(numbers), strict=True)
        self.values = [as_sent(feature, value) for feature, value in values]

    def reasons(self, most: int) -> list[LeadReason]:
        """The strongest contributions."""
        order = sorted(range(len(self._names)), key=lambda place: (-abs(self.contributions[place]), place))
        return [
            LeadReason(self._names[place], self.values[place], share, "increases" if share > 0 else "decreases")
            for place in order[:most]
            if (share := self.contributions[place])
        ]

    def receipt(self, before: "Explained", margin: float) -> Receipt:
        """Splits the difference of two margins of one model, ``margin``, into differences by feature."""
        differences = [
            Difference(name, old_value, new_value, new - old)
            for name, old_value, new_value, old, new in zip(
                self._names, before.values, self.values, before.contributions, self.contributions, strict=True
            )
            if new != old or old_value != new_value
        ]
        differences.sort(key=lambda one: -abs(one.contribution))
        return Receipt(margin, None, differences, margin - sum(one.contribution for one in differences))


def as_sent(feature: Feature, value: Any) -> Value:
    """A value as it was probably sent: the shortest number with these bits as float32, whole numbers as such."""
    if feature.form.words and value is not None:  # sent as true or false
        return bool(value)
    if isinstance(value, float):
        short = next(
            (found for digits in range(1, 10) if single(found := float(f"{value:.{digits}g}")) == value), value
        )
        return int(short) if short.is_integer() and abs(short) < 1e15 else short
    return value if isinstance(value, bool | int | str) else None


def nearest_tier(model: LoadedModel, margin: float) -> TierChange | None:
    """The tier that the smallest change of the margin leads to; ``None`` if no change does.

    The boundaries lie where the calibrated probability reaches a threshold.
    """
    card = model.card
    bucket = card.tiers.bucket(card.calibration.probability(margin))
    found = []
    for other in (bucket - 1, bucket + 1):
        if not 1 <= other <= len(TIERS):
            continue
        at = boundary(model, margin, other > bucket)
        if at is not None:
            threshold = card.tiers.thresholds[len(TIERS) - max(other, bucket)]
            reached = TIERS[-card.tiers.bucket(card.calibration.probability(at))]
            found.append(TierChange(reached, threshold, at - margin))
    return min(found, key=lambda change: abs(change.margin), default=None)


FARTHEST = 60.0
"""Log-odds beyond which nothing changes any more."""


def boundary(model: LoadedModel, margin: float, up: bool) -> float | None:
    """The margin nearest to ``margin`` in one direction whose tier is another one; ``None`` if there is none."""
    card = model.card

    def bucket(at: float) -> int:
        return card.tiers.bucket(card.calibration.probability(at))

    here, far = bucket(margin), FARTHEST if up else -FARTHEST
    if bucket(far) == here:
        return None
    inside, outside = margin, far
    for _ in range(80):  # probabilities never fall as margins rise, so that halving finds the boundary
        middle = (inside + outside) / 2
        if bucket(middle) == here:
            inside = middle
        else:
            outside = middle
    return outside

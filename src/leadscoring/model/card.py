"""The model card: everything about a model except its trees, stored inside the model file.

It is JSON text under the attribute ``lead_scoring`` of the booster, so that no second file can be lost or mixed up,
and stock XGBoost still loads the model. It is data, never code.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from leadscoring.contract.features import Contract
from leadscoring.errors import CardInvalid
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.lead import Tier
from leadscoring.model.calibration import Calibration
from leadscoring.model.reading import PLAIN, Reading

ATTRIBUTE = "lead_scoring"
"""The key of ``learner.attributes`` that holds the card."""

SEAL = "lead_scoring_seal"
"""The key of the seal, a digest of card and trees that is verified on load to detect changes of either."""

FORMAT = 2
"""The version of the card's format that training writes.

Format 2 has in addition the exact end of the training data, and the column with the moment of each lead.
"""

FORMATS = (1, 2)
"""The versions that are read; readers reject others."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TIERS: tuple[Tier, ...] = ("A", "B", "C", "D", "E")


class Tiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lower thresholds of A, B, C and D, as calibrated probabilities; lower probabilities are E.

    ``definitions`` describe each of the five tiers.
    """

    thresholds: tuple[float, float, float, float] = (0.8, 0.6, 0.4, 0.2)
    definitions: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        if any(not 0.0 <= bound <= 1.0 for bound in self.thresholds) or any(
            a <= b for a, b in pairwise(self.thresholds)
        ):
            raise CardInvalid(f"tier thresholds must lie in 0..1 and strictly fall from A to D, not {self.thresholds}")

    def bucket(self, probability: float) -> int:
        """Returns the bucket of a probability: 5 for tier A down to 1 for tier E."""
        return 5 - sum(map(probability.__lt__, self.thresholds))

    def meanings(self) -> dict[str, str]:
        """Returns a description of each tier, A first; derived from the thresholds if the card has none."""
        plain: dict[str, str] = {
            tier: f"probability {span}" for tier, span in zip(TIERS, tier_spans(self.thresholds), strict=True)
        }
        return {**plain, **self.definitions}


def tier_spans(thresholds: Sequence[float]) -> tuple[str, ...]:
    """Describes the probabilities of A to E."""
    a, b, c, d = in_percent(thresholds)
    top = "100%" if thresholds[0] == 1.0 else f"{a} or more"
    return (
        top,
        f"{b} to {a}",
        f"{c} to {b}",
        f"{d} to {c}",
        f"below {d}" if thresholds[-1] > 0.0 else "below 0% (no lead)",
    )


def in_percent(shares: Sequence[float]) -> list[str]:
    """Formats shares as percentages, with enough decimals to distinguish them from 0 %, from 100 % and each other.

    Shares of exactly 0 and 1 are 0% and 100%.
    """
    words: list[str] = []
    for digits in range(1, 12):
        words = [f"{share:.0%}" if share in (0.0, 1.0) else f"{share:.{digits}%}" for share in shares]
        plain = [word for word, share in zip(words, shares, strict=True) if share not in (0.0, 1.0)]
        blurred = any(float(word[:-1]) in (0.0, 100.0) for word in plain)
        if not blurred and len(set(words)) == len(set(shares)):
            break
    return words


class Bins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The distribution of one column of a feature in the training data.

    Numbers have ``len(edges) + 1`` bins, each including its upper edge; categories have no edges and one bin per code.
    ``shares`` are per bin; together with the share of ``missing`` they add up to 1.
    """

    edges: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    missing: float = 0.0

    def __post_init__(self) -> None:
        if any(a >= b for a, b in pairwise(self.edges)):
            raise CardInvalid(f"the edges of a feature's bins must strictly rise, not be {self.edges}")
        if any(not 0.0 <= share <= 1.0 for share in (*self.shares, self.missing)):
            raise CardInvalid("the shares of a feature's bins must lie in 0..1")


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The distributions of scores and columns in training, for percentiles and drift.

    ``quantiles`` are evenly spaced quantiles of the calibrated probability, from 0 % to 100 %, of training leads.
    ``features`` has one entry per column, in the order of a row: one per feature, unless a feature makes several.
    """

    quantiles: tuple[float, ...] = ()
    features: tuple[Bins, ...] = ()

    def __post_init__(self) -> None:
        if len(self.quantiles) == 1 or any(a > b for a, b in pairwise(self.quantiles)):
            raise CardInvalid("the quantiles of the reference must be none or at least 2, and never fall")


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the model was trained on.

    ``trained_until`` is the latest moment of a lead, in ISO 8601 with microseconds in UTC, and ``as_of`` the column
    that has the moment of each lead; both are unset if the data has none, and in format 1.
    """

    rows: int
    positives: int
    target: str
    data_hash: str
    source: str = ""
    positive: str = ""
    period: tuple[str, str] | None = None
    notes: tuple[str, ...] = ()
    trained_until: str | UnsetType = UNSET
    as_of: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        if not isinstance(self.trained_until, UnsetType):
            moment_of(self.trained_until)

    @property
    def until(self) -> int | None:
        """``trained_until`` in microseconds since 1970; ``None`` if it is unset."""
        return None if isinstance(self.trained_until, UnsetType) else moment_of(self.trained_until)


def moment_of(text: str) -> int:
    """Returns a moment in ISO 8601 in microseconds since 1970; raises ``CardInvalid`` for one without a zone."""
    moment = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
    if moment is None or moment.tzinfo is None:
        raise CardInvalid(f"trained_until must be a moment such as 2026-01-31T12:00:00.000000Z, not {text!r}")
    return (moment - EPOCH) // timedelta(microseconds=1)


class GoldenRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An encoded lead (``None`` is missing), and its margin as computed in training."""

    row: tuple[float | None, ...]
    margin: float

    def __post_init__(self) -> None:
        if any(value is not None and not abs(value) <= FLOAT32_MAX for value in self.row):
            raise CardInvalid("the values of a golden row must lie within float32")


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contract, calibration, tiers, reference, quality and golden rows of one model."""

    name: str
    version: str
    contract: Contract
    calibration: Calibration = Calibration()
    tiers: Tiers = Tiers()
    reference: Reference = Reference()
    created_at: str = ""
    training: Training | None = None
    libraries: dict[str, str] = {}
    quality: dict[str, Any] = {}
    golden: tuple[GoldenRow, ...] = ()
    format: int = FORMAT
    reading: Reading | UnsetType = UNSET
    """How training parsed its file; unset if the file needed no special parsing."""

    @property
    def read_as(self) -> Reading:
        """How to parse later files."""
        return PLAIN if isinstance(self.reading, UnsetType) else self.reading

    def __post_init__(self) -> None:
        columns = self.contract.columns
        if self.format not in FORMATS:
            raise CardInvalid(f"the card has format {self.format}; this version reads formats 1 and {FORMAT}")
        if self.format == 1 and self.training is not None and not unset(self.training):
            raise CardInvalid("the card has format 1, which has neither trained_until nor as_of")
        if not self.name or not self.version:
            raise CardInvalid("the card needs a name and a version")
        if bare := [feature.name for feature in self.contract.features if not feature.columns]:
            raise CardInvalid(f"feature {bare[0]!r} makes no column: it needs an aspect")
        if self.reference.features and len(self.reference.features) != len(columns):
            raise CardInvalid(f"the reference has {len(self.reference.features)} columns, the contract {len(columns)}")
        for column, bins in zip(columns.every, self.reference.features, strict=False):
            wanted = column.codes if column.categorical else len(bins.edges) + 1
            if bins.shares and len(bins.shares) != wanted:
                raise CardInvalid(
                    f"the reference has {len(bins.shares)} shares of column {column.name!r}, which has {wanted} bins"
                )
        for number, golden in enumerate(self.golden):
            if len(golden.row) != len(columns):
                raise CardInvalid(
                    f"golden row {number} has {len(golden.row)} values, the contract {len(columns)} columns"
                )

    def to_json(self) -> str:
        """Serializes the card for the booster's attribute."""
        return msgspec.json.encode(self).decode()


def unset(training: Training) -> bool:
    """Whether nothing is set that only format 2 has."""
    return isinstance(training.trained_until, UnsetType) and isinstance(training.as_of, UnsetType)


def read_card(text: str | bytes) -> Card:
    """Parses the card in a booster's attribute.

    Raises ``CardInvalid`` if the text is not a card, or is inconsistent.
    """
    try:
        return msgspec.json.decode(text, type=Card)
    except CardInvalid:
        raise
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as failure:
        raise CardInvalid(f"the attribute {ATTRIBUTE!r} is not a readable card: {failure}") from failure


def percentile(quantiles: Sequence[float], probability: float) -> float | None:
    """Returns the percentage of the reference's leads, 0..100, that score lower; ``None`` without a reference.

    Interpolates linearly between quantiles, so that a probability from training gets its own rank.
    """
    if not quantiles:
        return None
    steps = len(quantiles) - 1
    left = bisect_left(quantiles, probability)
    if left > steps:
        place = float(steps)
    elif (high := quantiles[left]) == probability:
        place = (left + bisect_right(quantiles, probability) - 1) / 2
    elif left == 0:
        place = 0.0
    else:
        low = quantiles[left - 1]
        place = left - 1 + (probability - low) / (high - low)
    return round(100.0 * place / steps, 2)

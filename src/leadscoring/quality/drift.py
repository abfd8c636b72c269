"""Drift of the scored leads from the training data of the model.

The single definition of bins and of the population stability index, used by the counters of the service, ``GET
/api/v1/model/drift``, ``leadscoring drift`` and the Prometheus rules.

Source of the index: Siddiqi 2006, Credit Risk Scorecards; of its thresholds: Lewis 1994, An Introduction to Credit
Scoring: no change below 0.1, a significant change above 0.2.
"""

import hashlib
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from struct import pack, unpack
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadscoring.contract.columns import Column, Columns
from leadscoring.contract.features import Contract, Feature
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.model import card

BINS = 10
"""Maximum bins of a column or of the score; columns have one more for missing and one for unseen values."""

MISSING, UNSEEN = BINS, BINS + 1
LABELS = (*map(str, range(BINS)), "missing", "unseen")
SCORE_LABELS = LABELS[:BINS]

MOST_COLUMNS = 200
"""Maximum number of counted columns, of all features together; more would burden the metrics backend."""

EPSILON = 0.0001
"""Minimum share of a bin in the index, which would otherwise be infinite for empty bins."""

FEWEST_LEADS = 500
"""Minimum leads for a verdict: at this number, chance alone accounts for an index of 0.02 over 12 bins."""

MOVED, DRIFTED = 0.1, 0.2
"""Thresholds of the index for a distribution that has moved, and that has drifted."""

Shares = tuple[float | None, ...]
Share = Annotated[float, Meta(ge=0, le=1)]
Verdict = Literal["too few leads", "stable", "moved", "drifted"]


class BinShare(msgspec.Struct, frozen=True):
    """One bin of a distribution, with its share of the training data and of the counted leads."""

    bin: Annotated[str, Meta(description="Its label: a number, or `missing` or `unseen`.")]
    holds: Annotated[str, Meta(description="The values in it, as a phrase.")]
    expected: Annotated[Share, Meta(description="Its share of the training data.")]
    actual: Annotated[Share, Meta(description="Its share of the counted leads.")]


class Spread(msgspec.Struct, frozen=True):
    """The drift of one distribution: the population stability index, its verdict, and the shares per bin."""

    psi: Annotated[float | None, Meta(description="The population stability index; null for too few leads.")]
    verdict: Verdict
    bins: list[BinShare]


class FeatureSpread(msgspec.Struct, frozen=True, kw_only=True):
    """The drift of one feature: that of its column that has drifted most."""

    feature: str
    column: Annotated[
        str | UnsetType,
        Meta(description="The column that has drifted most; left out if the only column is the feature itself."),
    ] = UNSET
    psi: Annotated[float | None, Meta(description="The population stability index; null for too few leads.")]
    verdict: Verdict
    bins: list[BinShare]


class DriftReport(msgspec.Struct, frozen=True):
    """Drift of the counted leads from the training data, the most drifted feature first."""

    version: Annotated[str, Meta(description="The version of the model.")]
    unavailable: Annotated[str | None, Meta(description="The reason why leads are not counted, or null.")]
    leads: Annotated[int, Meta(ge=0, description="Number of counted leads.")]
    fewest_leads: Annotated[int, Meta(ge=0, description="With fewer leads there is no verdict.")]
    drifted_above: Annotated[float, Meta(ge=0, description="Index above which a distribution has drifted.")]
    score: Spread | None
    features: list[FeatureSpread]
    not_counted: Annotated[
        list[str], Meta(description="Features without bins, and columns without bins of features that have some.")
    ]


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of one column of a feature, by the names of both.

    ``shares`` are those of training by ``LABELS``, ``None`` for bins that do not exist. ``edges`` are the inclusive
    upper edges of the bins of a number; ``codes`` has the bin of each code of a category. ``holds`` describes the
    content of each bin.
    """

    feature: str
    column: str
    shares: Shares
    holds: tuple[str, ...]
    edges: tuple[float, ...] | None = None
    codes: tuple[int, ...] | None = None

    @property
    def is_aspect(self) -> bool:
        """Whether the column has a name of its own: it is an aspect of the feature, not the feature itself."""
        return self.column != self.feature


@dataclass(frozen=True, slots=True)
class Baseline:
    """The baseline of drift: the bins of the columns of a row (``None`` for columns not counted) and of the score.

    ``margins`` are the upper edges of the bins of the score, in log-odds, and ``score`` their shares in training, empty
    if the card has no quantiles. ``not_counted`` names what has no bins.
    """

    version: str
    columns: tuple[Bins | None, ...]
    margins: tuple[float, ...]
    score: Shares
    score_holds: tuple[str, ...]
    not_counted: tuple[str, ...]
    stamp: float = field(init=False)
    """A number that identifies the baseline, so that counts of different baselines are never mixed."""

    def __post_init__(self) -> None:
        told = repr((self.version, self.columns, self.margins, self.score)).encode()
        stamp = 1 + int.from_bytes(hashlib.sha256(told).digest()[:6], "big")
        object.__setattr__(self, "stamp", float(stamp))  # the way to set a field of a frozen dataclass

    @property
    def counted(self) -> tuple[Bins, ...]:
        """The columns that have bins, in the order of a row."""
        return tuple(bins for bins in self.columns if bins is not None)


def baseline(model: card.Card) -> Baseline | None:
    """Derives the baseline from the reference of a card; ``None`` if it has no reference."""
    columns = counted_columns(model.contract, model.reference.features)
    edges, score = score_bins(model.reference.quantiles)
    if not any(columns) and not score:
        return None
    return Baseline(
        version=model.version,
        columns=columns,
        margins=tuple(highest_margin(edge, model.calibration.probability) for edge in edges),
        score=score + (None,) * (BINS - len(score)) if score else (),
        score_holds=spans(edges),
        not_counted=tuple(uncounted(model.contract, columns)),
    )


def counted_columns(contract: Contract, references: Sequence[card.Bins]) -> tuple[Bins | None, ...]:
    """Returns the bins of each column of a row; ``None`` for columns beyond the limit or without shares in the card."""
    columns = contract.columns
    if not references:
        return (None,) * len(columns)
    counted = first_in_turn(columns)
    return tuple(
        column_bins(contract.features[columns.feature[place]], columns.every[place], reference)
        if place in counted
        else None
        for place, reference in enumerate(references)
    )


def first_in_turn(columns: Columns) -> frozenset[int]:
    """Chooses at most ``MOST_COLUMNS``: the first column of every feature, then the second of each, and so on."""
    turns = [place - columns.first[feature] for place, feature in enumerate(columns.feature)]
    return frozenset(sorted(range(len(columns)), key=turns.__getitem__)[:MOST_COLUMNS])


def uncounted(contract: Contract, columns: Sequence[Bins | None]) -> Iterator[str]:
    """Yields the name of each feature without any bins, and of each column without bins of the other features."""
    for number, feature in enumerate(contract.features):
        places = contract.columns.places(number)
        pairs = zip(contract.columns.names[places], columns[places], strict=True)
        names = [name for name, bins in pairs if bins is None]
        yield from names if any(columns[places]) else [feature.name]


def column_bins(feature: Feature, column: Column, reference: card.Bins) -> Bins | None:
    """Returns the bins of one column of a feature, at most ten; ``None`` if the card has no shares of it."""
    if not reference.shares:
        return None
    if column.categorical:
        return category_bins(feature, column, reference)
    last = merged(len(reference.shares))
    starts = (0, *(place + 1 for place in last[:-1]))
    shares = [math.fsum(reference.shares[start : end + 1]) for start, end in zip(starts, last, strict=True)]
    edges = tuple(reference.edges[place] for place in last[:-1])
    return Bins(feature.name, column.name, filled(shares, reference.missing, None), spans(edges), edges=edges)


def category_bins(feature: Feature, column: Column, reference: card.Bins) -> Bins:
    """Returns one bin for each of the most frequent codes, and one for the rest.

    Rare texts have their own code if the card lists them. Otherwise they cannot be distinguished from new texts, and
    count as *unseen*, too.
    """
    known = reference.shares if feature.rare else reference.shares[: len(column.labels)]
    names = (*map(str, column.labels), "rare values")
    ranked = sorted(range(len(known)), key=lambda code: -known[code])
    bins = {code: min(rank, BINS - 1) for rank, code in enumerate(ranked)}
    shares, texts = [0.0] * (max(bins.values()) + 1), [""] * (max(bins.values()) + 1)
    for code in ranked:
        shares[bins[code]] += known[code]
        texts[bins[code]] = names[code]
    if len(known) > BINS:
        texts[-1] = f"{len(known) - BINS + 1} others"
    return Bins(
        feature.name,
        column.name,
        filled(shares, reference.missing, math.fsum(reference.shares[len(known) :])),
        tuple(texts),
        codes=tuple(bins[code] for code in range(len(known))),
    )


def filled(shares: Sequence[float], missing: float, unseen: float | None) -> Shares:
    """Returns the shares by ``LABELS``."""
    return (*shares, *[None] * (BINS - len(shares)), missing, unseen)


def merged(bins: int) -> list[int]:
    """Merges the card's bins into at most ten; returns the index of the last card bin in each."""
    ours = min(bins, BINS)
    return [(place + 1) * bins // ours - 1 for place in range(ours)]


def score_bins(quantiles: Sequence[float]) -> tuple[tuple[float, ...], Shares]:
    """Returns the edges of the score's bins, as probabilities, and their shares by the reference's quantiles."""
    if not quantiles:
        return (), ()
    steps = len(quantiles) - 1
    tenths = sorted({quantiles[place * steps // BINS] for place in range(1, BINS)})
    edges = tuple(edge for edge in tenths if edge < quantiles[-1])
    reached = [0.0, *((bisect_right(quantiles, edge) - 1) / steps for edge in edges), 1.0]
    return edges, tuple(high - low for low, high in pairwise(reached))


def highest_margin(probability: float, of: Callable[[float], float]) -> float:
    """Returns the highest float32 margin whose calibrated probability is at most ``probability``, by bisection.

    The calibration never decreases, so that a lead is on the same side of both. ``-FLOAT32_MAX`` if there is none.
    """
    low, high = -FLOAT32_MAX, FLOAT32_MAX
    if of(high) <= probability:
        return high
    low, high = ordered(low), ordered(high)
    while high - low > 1:
        middle = (low + high) // 2
        if of(from_ordered(int(middle))) <= probability:
            low = middle
        else:
            high = middle
    return from_ordered(int(low))


def ordered(value: float) -> int:
    """Converts a float32 to its ordinal among all float32."""
    bits = int(unpack("<i", pack("<f", value))[0])
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF)


def from_ordered(number: int) -> float:
    """Converts an ordinal to its float32."""
    return math.copysign(float(unpack("<f", pack("<i", abs(number)))[0]), number)


def spans(edges: Sequence[float]) -> tuple[str, ...]:
    """Describes the intervals between edges."""
    if not edges:
        return ("all",)
    told = [f"{edge:.6g}" for edge in edges]
    between = [f"over {low} to {high}" for low, high in pairwise(told)]
    return (f"up to {told[0]}", *between, f"over {told[-1]}")


def stability_index(expected: Sequence[float | None], counts: Sequence[float]) -> float | None:
    """Returns the population stability index of counts against expected shares by bin; ``None`` for too few leads.

    Bins with an expected share of ``None`` do not exist. All shares are raised to at least ``EPSILON``.
    """
    total = math.fsum(counts)
    if total < FEWEST_LEADS:
        return None
    pairs = [
        (max(share, EPSILON), max(count / total, EPSILON))
        for share, count in zip(expected, counts, strict=True)
        if share is not None
    ]
    return math.fsum((actual - share) * math.log(actual / share) for share, actual in pairs)


def verdict(index: float | None) -> Verdict:
    """Returns the verdict on an index."""
    if index is None:
        return "too few leads"
    return "stable" if index < MOVED else "moved" if index <= DRIFTED else "drifted"


def report(base: Baseline, score: Sequence[float], columns: Sequence[Sequence[float]]) -> DriftReport:
    """Reports the drift of the score and of each counted feature from counts per bin, the most drifted first.

    ``columns`` has the counts of each counted column. The drift of a feature is the largest of its columns.
    """
    leads = max([math.fsum(score), *(math.fsum(counts) for counts in columns)])
    return DriftReport(
        version=base.version,
        unavailable=None,
        leads=int(leads),
        fewest_leads=FEWEST_LEADS,
        drifted_above=DRIFTED,
        score=compared(base.score, score, base.score_holds) if base.score else None,
        features=of_features(base, columns),
        not_counted=list(base.not_counted),
    )


def no_report(version: str, why: str) -> DriftReport:
    """Returns an empty report with the reason why nothing is counted."""
    return DriftReport(version, why, 0, FEWEST_LEADS, DRIFTED, None, [], [])


def of_features(base: Baseline, columns: Sequence[Sequence[float]]) -> list[FeatureSpread]:
    """Returns the drift of each counted feature, the most drifted first."""
    rows: dict[str, FeatureSpread] = {}
    for bins, counts in zip(base.counted, columns, strict=True):
        row = of_column(bins, compared(bins.shares, counts, bins.holds))
        known = rows.setdefault(row.feature, row)
        rows[row.feature] = max(known, row, key=size)
    return sorted(rows.values(), key=size, reverse=True)


def of_column(bins: Bins, spread: Spread) -> FeatureSpread:
    """Returns the drift of a distribution with the names of its feature and column."""
    return FeatureSpread(
        feature=bins.feature,
        column=bins.column if bins.is_aspect else UNSET,
        psi=spread.psi,
        verdict=spread.verdict,
        bins=spread.bins,
    )


def size(row: FeatureSpread) -> float:
    """Returns the index by which features are sorted; too few leads come last."""
    return -1.0 if row.psi is None else row.psi


def compared(expected: Shares, counts: Sequence[float], holds: Sequence[str]) -> Spread:
    """Returns index and verdict of one distribution, with the share of each bin in training and now."""
    index, total = stability_index(expected, counts), math.fsum(counts) or 1.0
    bins = [
        BinShare(label, holds[place] if place < BINS else label, round(share, 6), round(count / total, 6))
        for place, (label, share, count) in enumerate(zip(LABELS, expected, counts, strict=False))
        if share is not None
    ]
    return Spread(None if index is None else round(index, 6), verdict(index), bins)

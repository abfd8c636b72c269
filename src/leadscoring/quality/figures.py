"""All metrics of model quality, each with one definition and a bootstrap interval.

Intervals are percentile bootstrap intervals over leads (Efron and Tibshirani 1993). A resample is a
vector of integer weights, so that the scores are sorted only once for all resamples.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from leadscoring.model.card import TIERS
from leadscoring.quality.figure import Figure

Vector = npt.NDArray[np.float64]

BINS = 10
RESAMPLES = 500
COVERAGE = 0.95
Z = 1.959964
"""The quantile of the normal distribution for ``COVERAGE``."""

CELLS = 1000
"""Outcomes are simulated for this many groups of leads with nearly equal probabilities; a multiple of ``BINS``.

So many groups are resampled, too, of more than ``EXACT`` leads.
"""

EXACT = 10_000
"""Up to this number of leads, every lead is resampled by itself."""

CLIP = 1e-15
"""Probabilities are clipped to this distance from 0 and 1 in the log-loss, which would otherwise be infinite."""


class Tenth(msgspec.Struct, frozen=True):
    """One tenth of the leads by score, the best first.

    ``conversion`` is its share of positives, ``lift`` the ratio to the overall share; ``gain`` is the share of all
    positives in this tenth and those above it.
    """

    tenth: int
    leads: int
    positives: int
    mean_probability: float
    conversion: Figure
    lift: Figure
    gain: Figure


class TierQuality(msgspec.Struct, frozen=True):
    """The leads of one tier, and the confusion matrix if this tier and those above are predicted positive."""

    tier: str
    leads: int
    positives: int
    share: Figure
    conversion: Figure
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    precision: Figure
    recall: Figure
    false_positive_rate: Figure


class CalibrationBin(msgspec.Struct, frozen=True):
    """One of ``BINS`` bins of equal mass: mean predicted probability and observed share."""

    leads: int
    predicted: float
    observed: Figure


class Quality(msgspec.Struct, frozen=True):
    """All metrics of one set of scored leads.

    ``calibration_error`` is the expected calibration error over 10 bins of equal mass (ties broken by
    rank): the mean, weighted by leads, of |mean probability - share of positives| (Naeini et al. 2015).
    It is never 0, because a share of few leads varies by chance: ``perfect_calibration_error`` is what a perfectly
    calibrated model with the same probabilities would show, the mean and interval over simulated outcomes.
    """

    rows: int
    positives: int
    base_rate: Figure
    roc_auc: Figure
    pr_auc: Figure
    log_loss: Figure
    brier: Figure
    calibration_error: Figure
    perfect_calibration_error: Figure
    tenths: tuple[Tenth, ...]
    tiers: tuple[TierQuality, ...]
    bins: tuple[CalibrationBin, ...]

    def summary(self) -> dict[str, Any]:
        """Returns the metrics as plain data for JSON; values without leads are null."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return plain


def measure(
    y: npt.ArrayLike, p: npt.ArrayLike, tiers: Sequence[float] = (), *, resamples: int = RESAMPLES, seed: int = 0
) -> Quality:
    """Measures probabilities ``p`` against outcomes ``y`` (0 or 1), both of shape (leads,).

    ``tiers`` are the thresholds of A to D on the probability; without them there are no tier metrics.
    Raises ``ValueError`` if the shapes differ, a value is not finite, or there is only one outcome.
    """
    scored = Scored(np.asarray(y, dtype=np.float64), np.asarray(p, dtype=np.float64), tuple(tiers))
    values = scored.statistics(np.ones(scored.rows))
    if scored.rows > EXACT:
        drawn = values + bootstrap_in_cells(scored, resamples, seed)
    else:
        drawn = bootstrap(scored.statistics, scored.rows, resamples, seed)
    tail = 100.0 * (1.0 - COVERAGE) / 2.0
    drawn = np.where(np.isnan(drawn), np.nan_to_num(values), drawn)  # undefined in some resamples
    low, high = np.percentile(drawn, [tail, 100.0 - tail], axis=0)
    figures = [
        Figure(float(value), float(min(one, value)), float(max(two, value)))
        for value, one, two in zip(values, low, high, strict=True)
    ]
    simulated = scored.simulated_errors(resamples, seed)
    low, high = np.percentile(simulated, [tail, 100.0 - tail])
    return scored.arrange(figures, Figure(float(simulated.mean()), float(low), float(high)))


def bootstrap(statistics: Callable[[Vector], Vector], rows: int, resamples: int, seed: int) -> Vector:
    """Computes the statistics of ``resamples`` draws with replacement, shape (resamples, statistics)."""
    random = np.random.default_rng(seed)
    return np.stack(
        [
            statistics(np.bincount(random.integers(rows, size=rows), minlength=rows).astype(np.float64))
            for _ in range(resamples)
        ]
    )


def bootstrap_in_cells(scored: "Scored", resamples: int, seed: int) -> Vector:
    """Computes how the statistics of ``resamples`` draws differ from those of the leads, shape (resamples, statistics).

    Leads of a cell, with nearly equal probabilities and the same outcome, count as equal: their numbers in a resample
    are multinomial. Cells shift every statistic a little, by the same amount in each draw, which the difference leaves
    out.
    """
    cells, leads = scored.in_cells()
    shares = leads / leads.sum()
    drawn = np.random.default_rng(seed).multinomial(scored.rows, shares, resamples).astype(np.float64)
    return np.stack([cells.statistics(weights) for weights in drawn]) - cells.statistics(leads)


class Ranked:
    """Outcomes and probabilities, best first; computes all statistics for given weights of the rows.

    A row is a lead, or several with nearly equal probabilities. Rows from one of ``starts`` to the next are ties;
    ``loss`` and ``square`` are the terms of log-loss and Brier score.
    """

    y: Vector
    p: Vector
    loss: Vector
    square: Vector
    starts: npt.NDArray[np.int64]
    bin: npt.NDArray[np.int64]
    tier: npt.NDArray[np.int64]
    thresholds: tuple[float, ...]

    def statistics(self, weights: Vector) -> Vector:
        """Computes all statistics as one vector, in the order that ``arrange`` expects."""
        positive = weights * self.y
        total, positives = weights.sum(), positive.sum()
        tied, tied_positive = np.add.reduceat(weights, self.starts), np.add.reduceat(positive, self.starts)
        seen, found_positive = np.cumsum(tied), np.cumsum(tied_positive)
        with np.errstate(divide="ignore", invalid="ignore"):
            negatives = total - positives
            above = found_positive - 0.5 * tied_positive
            roc = (above * (tied - tied_positive)).sum() / (positives * negatives)
            precision = np.divide(found_positive, seen, out=np.zeros_like(found_positive), where=seen > 0)
            average = (tied_positive * precision).sum() / positives
            head = [positives / total, roc, average, weights @ self.loss / total, weights @ self.square / total]
            tenths = self.tenths(np.r_[0.0, seen], np.r_[0.0, found_positive], total, positives)
            tiers = self.tiers(weights, positive)
        values: Vector = np.concatenate([np.array(head), self.calibration(weights, total), *tenths, *tiers])
        return values

    def calibration(self, weights: Vector, total: float) -> Vector:
        """Computes the expected calibration error, followed by the observed share of each bin."""
        mass = np.bincount(self.bin, weights)
        predicted = np.bincount(self.bin, weights * self.p)
        observed = np.bincount(self.bin, weights * self.y)
        shares = np.divide(observed, mass, out=np.full_like(mass, np.nan), where=mass > 0)
        return np.concatenate([[np.abs(predicted - observed).sum() / total], shares])

    def tenths(
        self, seen: Vector, found_positive: Vector, total: float, positives: float
    ) -> tuple[Vector, Vector, Vector]:
        """Computes conversion, lift and gain of each tenth; leads with equal scores are split proportionally."""
        reached = np.interp(np.arange(11) * total / 10.0, seen, found_positive)
        conversion = np.diff(reached) / (total / 10.0)
        return conversion, conversion / (positives / total), reached[1:] / positives

    def tiers(self, weights: Vector, positive: Vector) -> tuple[Vector, ...]:
        """Computes share and conversion of each tier; precision, recall and false positive rate from it upwards."""
        if not self.thresholds:
            return ()
        leads = np.bincount(self.tier, weights, minlength=len(TIERS))
        won = np.bincount(self.tier, positive, minlength=len(TIERS))
        up, hit = np.cumsum(leads), np.cumsum(won)
        return leads / up[-1], won / leads, hit / up, hit / hit[-1], (up - hit) / (up[-1] - hit[-1])


class Scored(Ranked):
    """Outcomes and probabilities of leads, sorted once, best first."""

    def __init__(self, y: Vector, p: Vector, thresholds: tuple[float, ...]) -> None:
        if y.shape != p.shape or y.ndim != 1 or not np.isfinite(p).all() or not np.isin(y, (0.0, 1.0)).all():
            raise ValueError("measure needs as many outcomes (0 or 1) as finite probabilities")
        if len(np.unique(y)) < 2:
            raise ValueError("measure needs leads of both outcomes")
        order = np.argsort(-p, kind="stable")
        self.y, self.p = y[order], p[order]
        self.rows = len(y)
        self.starts = np.flatnonzero(np.r_[True, np.diff(self.p) != 0.0])
        clipped = np.clip(self.p, CLIP, 1.0 - CLIP)
        self.loss = -(self.y * np.log(clipped) + (1.0 - self.y) * np.log1p(-clipped))
        self.square = (self.p - self.y) ** 2
        self.bin = (np.arange(self.rows) * min(BINS, self.rows)) // self.rows
        self.thresholds = thresholds
        self.tier = (
            np.searchsorted(-np.asarray(thresholds), -self.p, side="left")
            if thresholds
            else np.zeros(0, dtype=np.int64)
        )

    def in_cells(self) -> tuple[Ranked, Vector]:
        """Returns groups of leads of nearly equal probability and the same outcome, and how many leads each has.

        No group crosses a bin or a tier. Ties are in one cell, unless a bin divides them.
        """
        even = (np.arange(CELLS) * self.rows) // CELLS
        tied = self.starts[np.searchsorted(self.starts, even, side="right") - 1]
        begins = np.zeros(self.rows, dtype=bool)
        begins[tied] = True
        begins[1:] |= np.diff(self.bin) != 0
        if self.thresholds:
            begins[1:] |= np.diff(self.tier) != 0
        row = 2 * (np.cumsum(begins) - 1) + (self.y > 0)
        row, leads = np.unique(row, return_inverse=True)[1], np.unique(row, return_counts=True)[1].astype(np.float64)
        first = np.unique(row, return_index=True)[1]
        cells = Ranked()
        for name in ("y", "p", "loss", "square"):
            setattr(cells, name, np.bincount(row, getattr(self, name)) / leads)
        cells.bin, cells.thresholds = self.bin[first], self.thresholds
        cells.tier = self.tier[first] if self.thresholds else self.tier
        # a row starts ties of its own if it is in a cell that begins with a new probability
        cell = (np.cumsum(begins) - 1)[first]
        is_new = np.zeros(self.rows, dtype=bool)
        is_new[self.starts] = True
        fresh = is_new[np.flatnonzero(begins)][cell]
        cells.starts = np.flatnonzero(np.r_[True, (np.diff(cell) != 0) & fresh[1:]])
        return cells, leads

    def simulated_errors(self, draws: int, seed: int) -> Vector:
        """Computes the calibration error for outcomes drawn from the probabilities themselves, shape (draws,)."""
        cells = min(CELLS, self.rows)
        cell = (np.arange(self.rows) * cells) // self.rows
        leads = np.bincount(cell)
        expected = np.bincount(cell, self.p)
        positives = np.random.default_rng(seed).binomial(leads, np.clip(expected / leads, 0.0, 1.0), (draws, cells))
        starts = cell[np.flatnonzero(np.r_[True, np.diff(self.bin) != 0])]
        gaps = np.add.reduceat(expected - positives, starts, axis=1)
        errors: Vector = np.abs(gaps).sum(axis=1) / self.rows
        return errors

    def arrange(self, figures: list[Figure], perfect: Figure) -> Quality:
        """Arranges the vector of ``statistics``, with intervals, and the simulated error into named metrics."""
        (rate, roc, average, loss, brier, error), rest = figures[:6], figures[6:]
        count = int(self.bin[-1]) + 1
        observed, conversion, lift, gain, tiers = (
            *(rest[:count], rest[count : count + 10], rest[count + 10 : count + 20], rest[count + 20 : count + 30]),
            rest[count + 30 :],
        )
        means = np.bincount(self.bin, self.p) / np.bincount(self.bin)
        return Quality(
            self.rows,
            int(self.y.sum()),
            *(rate, roc, average, loss, brier, error, perfect),
            tenths=tuple(self.tenth(k, conversion[k], lift[k], gain[k]) for k in range(10)),
            tiers=tuple(self.tier_quality(k, tiers[k :: len(TIERS)]) for k in range(len(TIERS))) if tiers else (),
            bins=tuple(
                CalibrationBin(leads := int((self.bin == k).sum()), float(means[k]), bounded(observed[k], leads))
                for k in range(count)
            ),
        )

    def tenth(self, k: int, conversion: Figure, lift: Figure, gain: Figure) -> Tenth:
        """Returns tenth number ``k + 1``."""
        edges = np.round(np.arange(11) * self.rows / 10.0).astype(int)
        inside = self.p[edges[k] : edges[k + 1]]
        mean = float(inside.mean()) if len(inside) else float("nan")
        leads = len(inside)
        won = round(conversion.value * self.rows / 10.0)
        return Tenth(k + 1, leads, won, mean, bounded(conversion, leads), lift, gain)

    def tier_quality(self, k: int, figures: Sequence[Figure]) -> TierQuality:
        """Returns the metrics of tier number ``k``, where A is 0."""
        inside, up = self.tier == k, self.tier <= k
        share, conversion, precision, recall, false_rate = figures
        return TierQuality(
            *(TIERS[k], int(inside.sum()), int(self.y[inside].sum()), share, bounded(conversion, int(inside.sum()))),
            true_positives=int(self.y[up].sum()),
            false_positives=int((1.0 - self.y[up]).sum()),
            false_negatives=int(self.y[~up].sum()),
            true_negatives=int((1.0 - self.y[~up]).sum()),
            precision=bounded(precision, int(up.sum())),
            recall=recall,
            false_positive_rate=false_rate,
        )


def bounded(rate: Figure, leads: int) -> Figure:
    """Returns a share of leads with an interval also where none or all of them are positive.

    No resample of such leads shows another share; Wilson's interval (1927) says what so few can show.
    """
    if leads == 0 or rate.low != rate.high or rate.value not in {0.0, 1.0}:
        return rate
    reach = Z**2 / (leads + Z**2)
    return Figure(0.0, 0.0, reach) if rate.value == 0.0 else Figure(1.0, 1.0 - reach, 1.0)


def roc_auc(y: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Returns the probability that a positive outranks a negative, ties counting half (Hanley and McNeil 1982)."""
    outcome, ranks = np.asarray(y, dtype=np.float64), np.unique(np.asarray(score), return_inverse=True)[1]
    mass, won = np.bincount(ranks), np.bincount(ranks, outcome)
    below = np.cumsum(mass - won) - 0.5 * (mass - won)
    return float((won * below).sum() / (won.sum() * (mass - won).sum()))


def log_loss(y: npt.ArrayLike, p: npt.ArrayLike) -> float:
    """Returns the mean negative log-likelihood of the outcomes, in nats."""
    outcome, clipped = np.asarray(y, dtype=np.float64), np.clip(np.asarray(p, dtype=np.float64), CLIP, 1.0 - CLIP)
    return float(-(outcome * np.log(clipped) + (1.0 - outcome) * np.log1p(-clipped)).mean())

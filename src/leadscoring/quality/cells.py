"""The figures of leads that are counted in cells, in plain Python: a serving installation has no numpy.

The definitions are those of ``figures.py``, which measures leads one by one; leads of a cell are ties. Intervals have
closed forms, since resampling would take longer than a keeper may.
"""

from collections.abc import Iterable, Sequence
from math import log, log1p, nan, pi, sqrt

import msgspec

from leadscoring.quality.figure import Figure
from leadscoring.quality.proportion import Z, share_of

BINS = 10
CLIP = 1e-15


class Cell(msgspec.Struct, frozen=True, gc=False):
    """Leads with the same probability: how many there are, and how many of them converted."""

    probability: float
    leads: float
    won: float


class Promised(msgspec.Struct, frozen=True):
    """The figures that the probabilities promise of themselves: their expectation if every probability is right.

    It is an estimate of how good scores can be on these leads, and never a verdict on how good they are.
    """

    roc_auc: float
    log_loss: float
    calibration_error: float
    lift: float


def ranked(cells: Iterable[Cell]) -> list[Cell]:
    """Returns the cells, the best first; those of the same probability become one."""
    counts: dict[float, list[float]] = {}
    for one in cells:
        count = counts.setdefault(one.probability, [0.0, 0.0])
        count[0] += one.leads
        count[1] += one.won
    return [Cell(probability, *counts[probability]) for probability in sorted(counts, reverse=True)]


def roc_auc(cells: Sequence[Cell]) -> Figure:
    """Returns the ROC-AUC of cells, the best first, with DeLong's interval (1988); NaN without both outcomes.

    A lead's placement is the share of leads of the other outcome that it is ordered rightly with, ties counting half.
    """
    won, lost = sum(one.won for one in cells), sum(one.leads - one.won for one in cells)
    if won <= 0 or lost <= 0:
        return Figure(nan, nan, nan)
    of_won, of_lost, above, below = [], [], 0.0, lost
    for one in cells:
        others = one.leads - one.won
        below -= others
        of_won.append((one.won, (below + others / 2.0) / lost))
        of_lost.append((others, (above + one.won / 2.0) / won))
        above += one.won
    area = sum(count * share for count, share in of_won) / won
    error = sqrt(spread(of_won, area) / won + spread(of_lost, area) / lost)
    return Figure(area, max(0.0, area - Z * error), min(1.0, area + Z * error))


def spread(placed: Sequence[tuple[float, float]], mean: float) -> float:
    """Returns the variance of values, each of so many leads, around their known mean."""
    leads = sum(count for count, _ in placed)
    return sum(count * (value - mean) ** 2 for count, value in placed) / max(1.0, leads - 1.0)


def log_loss(cells: Sequence[Cell]) -> Figure:
    """Returns the mean negative log-likelihood of the outcomes in nats, with its normal interval."""
    losses = [
        loss
        for one in cells
        for loss in (
            (one.won, -log(clipped(one.probability))),
            (one.leads - one.won, -log1p(-clipped(one.probability))),
        )
    ]
    leads = sum(one.leads for one in cells)
    mean = sum(count * loss for count, loss in losses) / leads
    error = sqrt(spread(losses, mean) / leads)
    return Figure(mean, max(0.0, mean - Z * error), mean + Z * error)


def clipped(probability: float) -> float:
    """Returns a probability at ``CLIP`` or more from 0 and 1."""
    return min(1.0 - CLIP, max(CLIP, probability))


def divided(cells: Sequence[Cell], parts: int = BINS) -> list[list[Cell]]:
    """Divides cells, the best first, into parts of equally many leads; a cell between two is in both, in proportion."""
    room = sum(one.leads for one in cells) / parts
    found: list[list[Cell]] = [[]]
    left = room
    for one in cells:
        rest = one.leads
        while rest > left + 1e-9 * room and len(found) < parts:
            found[-1].append(share_of_cell(one, left))
            rest -= left
            found.append([])
            left = room
        if rest > 0:
            found[-1].append(share_of_cell(one, rest))
            left -= rest
    return found


def share_of_cell(one: Cell, leads: float) -> Cell:
    """Returns so many leads of a cell, of which as many converted as in all of it."""
    return Cell(one.probability, leads, one.won * leads / one.leads)


def totals(cells: Sequence[Cell]) -> tuple[float, float, float]:
    """Returns the sums of leads, of probabilities and of conversions."""
    return (
        sum(one.leads for one in cells),
        sum(one.leads * one.probability for one in cells),
        sum(one.won for one in cells),
    )


def calibration_error(cells: Sequence[Cell]) -> float:
    """Returns the mean gap between predicted and observed rate over ten groups of equally many leads."""
    sums = [totals(part) for part in divided(cells)]
    return sum(abs(predicted - won) for _, predicted, won in sums) / sum(leads for leads, *_ in sums)


def lift(cells: Sequence[Cell]) -> Figure:
    """Returns how many times as often as all leads the best tenth converts, with interval; NaN without conversions."""
    leads, _, won = totals(cells)
    if won <= 0:
        return Figure(nan, nan, nan)
    count, _, best = totals(divided(cells)[0])
    share, rate = share_of(best, count), won / leads
    return Figure(share.value / rate, share.low / rate, share.high / rate)


def promised(cells: Sequence[Cell]) -> Promised:
    """Computes what the probabilities promise, as the method CBPE of NannyML does: each outcome by its chance."""
    chances = [Cell(one.probability, one.leads, one.leads * one.probability) for one in cells]
    leads, expected, _ = totals(chances)
    entropy = sum(
        one.leads * (one.probability * log(clipped(one.probability)) + rest * log1p(-clipped(one.probability)))
        for one in cells
        for rest in (1.0 - one.probability,)
    )
    chance = sum(
        sqrt(2.0 / pi * sum(one.leads * one.probability * (1.0 - one.probability) for one in part))
        for part in divided(cells)
    )
    best = totals(divided(chances)[0])
    return Promised(
        roc_auc=roc_auc(chances).value,
        log_loss=-entropy / leads,
        calibration_error=chance / leads,
        lift=best[1] / best[0] / (expected / leads) if expected else nan,
    )

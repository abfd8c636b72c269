"""Pairs of columns that together determine the outcome, while neither does alone: joint values, ratios, products."""

from itertools import combinations

import numpy as np

from leadscoring.quality.figures import roc_auc
from leadscoring.training.quick import Quick
from leadscoring.training.rates import BINS, bins, rated
from leadscoring.training.reading.series import Vector
from leadscoring.training.split import Indices

TELLS = 0.95
"""Minimum ROC-AUC of a pair that determines the outcome."""

GAIN = 0.1
"""Minimum gain over the better of the two."""

MOST = 2000
"""Maximum number of leads that are looked at."""

RARE = 10
"""Minimum number of leads of each outcome among them."""

FEWEST = 0.5
"""Minimum share of the leads that have both numbers."""


LOOK, ENOUGH, FAR = 500, 50, 0.85
"""A pair that tells less than ``FAR`` of so many leads, with enough of both outcomes, does not reach ``TELLS`` of all.

At 50 leads of the rarer outcome that is five standard errors from ``TELLS``.
"""


def telling_pairs(quick: Quick, places: list[int], alone: dict[int, float]) -> list[tuple[int, int, float, str]]:
    """The pairs of some columns that determine the outcome, the most telling first.

    ``alone`` is the ROC-AUC of each column. Returns both places, the ROC-AUC, and how they determine it.
    """
    x, y, fold = quick.x[:MOST].astype(np.float64), quick.y[:MOST], quick.fold[:MOST]
    if min(y.sum(), len(y) - y.sum()) < RARE:
        return []
    binned = {place: bins(x[:, place], quick.texts[place]) for place in places}
    found = []
    for one, two in combinations(places, 2):
        ways = computed(quick, x, y, one, two) if near(quick, x, y, one, two) else (0.5, "")
        best = max((joint(binned[one], binned[two], y, fold), "together"), ways)
        if best[0] >= max(TELLS, max(alone[one], alone[two]) + GAIN):
            found.append((one, two, *best))
    return sorted(found, key=lambda pair: -pair[2])


def joint(one: Indices, two: Indices, y: Vector, fold: Indices) -> float:
    """The cross-validated ROC-AUC of the conversion rate of each combination of two codes."""
    return rated(one * (BINS + 1) + two, y, fold)


def near(quick: Quick, x: Vector, y: Vector, one: int, two: int) -> bool:
    """Whether what is computed from two numbers may tell the outcome, by the first leads."""
    won = y[:LOOK].sum()
    few = len(y) <= LOOK or min(won, LOOK - won) < ENOUGH
    return few or computed(quick, x[:LOOK], y[:LOOK], one, two)[0] >= FAR


def computed(quick: Quick, x: Vector, y: Vector, one: int, two: int) -> tuple[float, str]:
    """The ROC-AUC of the best of difference, ratio and product of two numbers, and its name."""
    if quick.texts[one] or quick.texts[two]:
        return 0.5, ""
    both = ~np.isnan(x[:, one]) & ~np.isnan(x[:, two])
    outcome = y[both]
    if both.mean() < FEWEST or outcome.min(initial=1.0) >= outcome.max(initial=0.0):
        return 0.5, ""
    a, b = x[both, one], x[both, two]
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = {"their difference": a - b, "their ratio": np.nan_to_num(a / b), "their product": a * b}
    ranked = [(roc_auc(outcome, values), words) for words, values in ways.items()]
    return max((max(auc, 1.0 - auc), words) for auc, words in ranked)

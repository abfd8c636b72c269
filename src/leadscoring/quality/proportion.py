"""Observed shares: their intervals, and whether they differ from what was predicted by more than chance explains.

Of very many leads chance explains next to nothing, and every difference is beyond it. So a share is off only if the
difference is also material: one that a plan would notice.
"""

import math
from collections.abc import Sequence
from typing import Literal

from leadscoring.quality.figure import Figure

Z = 1.9599639845400536
"""The 97.5 % quantile of the normal distribution."""

Compared = Literal["as predicted", "more than predicted", "fewer than predicted"]

ALARMS = 0.05
"""The chance that any of several shares is reported as off although every prediction is right."""

PART = 0.1
"""Minimum difference, as a part of the predicted rate, that is material."""

POINTS, MANIFOLD = 0.02, 0.5
"""It also has to be so large, or so large a part of the predicted rate, where conversions are rare."""


def share_of(positives: float, leads: float) -> Figure:
    """Returns an observed share with its 95 % score interval (Wilson 1927); NaN without leads.

    It holds for few leads too, and never is a single point.
    """
    if leads <= 0:
        return Figure(math.nan, math.nan, math.nan)
    share, spread = positives / leads, Z**2 / leads
    middle = (share + spread / 2.0) / (1.0 + spread)
    half = Z * math.sqrt(share * (1.0 - share) / leads + spread / (4.0 * leads)) / (1.0 + spread)
    return Figure(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def surprise(positives: float, leads: float, predicted: float) -> float:
    """Returns the chance of a share at least as far off as this one, if ``predicted`` is right.

    It is the signed root of the deviance, with a continuity correction, which unlike a z-score is right for rare
    conversions. Leads whose probabilities differ vary less than is assumed here, so that it errs to the safe side.
    """
    if leads <= 0 or not 0.0 < predicted < 1.0:
        return 1.0
    gap = positives - leads * predicted
    nearer = (positives - math.copysign(min(0.5, abs(gap)), gap)) / leads
    root = math.sqrt(max(0.0, 2.0 * leads * divergence(nearer, predicted)))
    return min(1.0, math.erfc(root / math.sqrt(2.0)))


def divergence(observed: float, predicted: float) -> float:
    """Returns the Kullback-Leibler divergence of two shares, in nats."""
    pairs = ((observed, predicted), (1.0 - observed, 1.0 - predicted))
    return sum(one * math.log(one / other) for one, other in pairs if one > 0.0)


def beyond_chance(chances: Sequence[float], alarms: float = ALARMS) -> list[bool]:
    """Returns which of several surprises are real, with at most ``alarms`` false ones over all (Holm 1979)."""
    order = sorted(range(len(chances)), key=chances.__getitem__)
    found = [False] * len(chances)
    for place, number in enumerate(order):
        if chances[number] * (len(chances) - place) >= alarms:
            break
        found[number] = True
    return found


def verdicts(groups: Sequence[tuple[float, float, float]]) -> list[Compared]:
    """Compares groups of (conversions, leads, mean prediction): ``as predicted``, or ``more`` or ``fewer``.

    A group is off if the difference is both beyond chance and material.
    """
    off = beyond_chance([surprise(*group) for group in groups])
    return [
        ("more than predicted" if positives > leads * predicted else "fewer than predicted")
        if wrong and is_material(positives / leads, predicted)
        else "as predicted"
        for (positives, leads, predicted), wrong in zip(groups, off, strict=True)
    ]


def is_material(observed: float, expected: float) -> bool:
    """Whether a rate differs from the expected one by enough to change a plan."""
    gap = abs(observed - expected)
    return gap >= PART * expected and (gap >= POINTS or gap >= MANIFOLD * expected)

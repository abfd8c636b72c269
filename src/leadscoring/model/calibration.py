"""Maps margins to probabilities: a monotone piecewise-linear table, or the logistic function.

The trees rank the leads; the calibration turns the ranking into reliable probabilities. The table is plain data, so
that anyone can verify an answer with ``numpy.interp``. Source: Zadrozny and Elkan 2002 (calibration by a monotone map
of the score).
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from leadscoring.errors import CardInvalid


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Knots of the map from margin (log-odds of the trees) to calibrated probability.

    ``margins`` strictly increase, ``probabilities`` never decrease and lie in 0..1. The map is linear between knots
    and constant beyond the first and the last. Without knots it is the logistic function of the margin, uncalibrated.
    Raises ``CardInvalid`` for knots that violate this.
    """

    margins: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()
    method: str = "logistic"

    def __post_init__(self) -> None:
        xs, ps = self.margins, self.probabilities
        if len(xs) != len(ps) or len(xs) == 1:
            raise CardInvalid(
                "a calibration needs as many margins as probabilities, and none or at least 2, "
                f"not {len(xs)} and {len(ps)}"
            )
        if not all(map(math.isfinite, xs)) or any(a >= b for a, b in pairwise(xs)):
            raise CardInvalid("the margins of a calibration must be finite and strictly increase")
        if any(not 0.0 <= p <= 1.0 for p in ps) or any(a > b for a, b in pairwise(ps)):
            raise CardInvalid("the probabilities of a calibration must lie in 0..1 and never decrease")

    def probability(self, margin: float) -> float:
        """The calibrated probability, 0..1, of a margin in log-odds."""
        xs, ps = self.margins, self.probabilities
        if not xs:
            return logistic(margin)
        right = bisect_right(xs, margin)
        if right == 0:
            return ps[0]
        if right == len(xs):
            return ps[-1]
        x0, p0 = xs[right - 1], ps[right - 1]
        between = p0 + (ps[right] - p0) * (margin - x0) / (xs[right] - x0)
        return min(between, ps[right])  # rounding must not exceed the next knot

    def all(self, margins: Sequence[float]) -> list[float]:
        """The calibrated probabilities of many margins, in the same order."""
        return [self.probability(margin) for margin in margins]


def logistic(margin: float) -> float:
    """The logistic function, without overflow."""
    if margin >= 0.0:
        return 1.0 / (1.0 + math.exp(-margin))
    odds = math.exp(margin)
    return odds / (1.0 + odds)

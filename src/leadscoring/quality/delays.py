"""How long conversions take: the share of eventual conversions by age, estimated from leads of which many are open."""

from collections.abc import Sequence
from itertools import accumulate

import msgspec

WINDOW = 180
"""Days: leads that were scored within them count."""

FEWEST = 50
"""The minimum number of conversions of an estimate."""


class Delays(msgspec.Struct, frozen=True):
    """The share of eventual conversions within each age in days, from 0; it reaches 1 at the last age.

    A lead that has not converted at the last age counts as one that never will.
    """

    shares: tuple[float, ...]
    conversions: int

    def before(self, age: int) -> float:
        """Returns the share of eventual conversions before an age."""
        return self.shares[min(age, len(self.shares)) - 1] if age > 0 else 0.0

    def hazard(self, probability: float, age: int) -> float:
        """Returns the chance that an open lead converts at this age: p f(a) / (1 - p F(a - 1)); 0 beyond the last age.

        ``probability`` is that of converting at any age, of a lead whose outcome is unknown. Whoever lost it so far
        knows nothing of its rest, so that lost leads count as open ones.
        """
        before = self.before(age)
        share = self.before(age + 1) - before
        return probability * share / (1.0 - probability * before) if share > 0.0 else 0.0


def delays(converted: Sequence[float], at_risk: Sequence[float]) -> Delays | None:
    """Estimates delays from the leads that converted, and those that could have, at each age in days.

    The estimator is that of Kaplan and Meier (1958), divided by its value at the last age. Returns ``None`` if no lead
    has reached the last age, or fewer than ``FEWEST`` have converted.
    """
    conversions = round(sum(converted))
    if conversions < FEWEST or not at_risk or at_risk[-1] <= 0.0:
        return None
    hazards = (won / leads if leads else 0.0 for won, leads in zip(converted, at_risk, strict=True))
    open_still = list(accumulate((1.0 - hazard for hazard in hazards), lambda share, part: share * part))
    within = 1.0 - open_still[-1]
    return Delays((*((1.0 - share) / within for share in open_still[:-1]), 1.0), conversions)


class Ages:
    """Counts conversions and leads at risk by age, over the leads that were scored in the last ``WINDOW`` days.

    Days are closed one after the other: each adds one age of every day of scores.
    """

    def __init__(self, horizon: int, window: int = WINDOW) -> None:
        self.horizon, self.window = horizon, max(window, horizon + 1)
        self.converted = [0.0] * (horizon + 1)
        self.at_risk = [0.0] * (horizon + 1)
        self._by_day: dict[int, list[tuple[float, float]]] = {}

    def close(self, day: int, counts: Sequence[tuple[int, float, float]]) -> None:
        """Adds what happened on a day: for each day of scores its number, the leads at risk and the conversions.

        A day of scores must be closed without a gap, from its own on.
        """
        for scored, leads, won in counts:
            age = day - scored
            self.at_risk[age] += leads
            self.converted[age] += won
            self._by_day.setdefault(scored, []).append((leads, won))
        for age, (leads, won) in enumerate(self._by_day.pop(day - self.window, [])):
            self.at_risk[age] -= leads
            self.converted[age] -= won

    def delays(self) -> Delays | None:
        """Returns the estimate from the days so far; ``None`` while there is too little for one."""
        return delays(self.converted, self.at_risk)

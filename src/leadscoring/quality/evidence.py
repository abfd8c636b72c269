"""Whether conversions come as predicted, every day and without a table of significance: evidence by betting.

Each day somebody bets against the probabilities, at fair odds if these are right; what the stake has become is the
evidence. Where the probabilities hold, it reaches ``ALARM`` in at most one of ``ALARM`` periods (Ville 1939), however
often anybody looks.
"""

from collections.abc import Iterable
from math import exp, log
from typing import Literal

import msgspec

RATES = (0.5, 0.625, 0.8, 1.25, 1.6, 2.0)
"""The alternatives that are bet on: so many times as many conversions as expected."""

PERIOD = 100
"""Days after which the evidence begins anew, so that the past does not weigh for ever."""

ALARM = 100.0

STANDS = 100
"""Days for which an alarm stands after the evidence was last high enough for one."""

Direction = Literal["fewer", "more"]

SAYS = {
    "fewer": "fewer conversions than expected: a lower rate or slower sales",
    "more": "more conversions than expected: a higher rate or faster sales",
}
"""What an alarm says. Rate and speed look alike until outcomes are mature; mature cohorts decide."""


class Expected(msgspec.Struct, frozen=True):
    """The conversions that were expected and observed on a day, given as days since 1970."""

    day: int
    expected: float
    observed: int


class Evidence(msgspec.Struct, frozen=True):
    """The evidence at the end of a day; ``expected`` and ``observed`` are sums since the period began.

    ``direction`` is that of the alternatives that gained most.
    """

    day: int
    value: float
    expected: float
    observed: int
    direction: Direction


class Alarm(msgspec.Struct, frozen=True):
    """An alarm that stands: the day on which it began, the highest evidence since, and what it says."""

    since: int
    value: float
    direction: Direction
    says: str


def evidence(days: Iterable[Expected]) -> list[Evidence]:
    """Computes the evidence at the end of each day, in order.

    With the conversions O observed and E expected, a bet on the rate r multiplies its stake by r^O e^(-(r-1)E) each
    day: the likelihood ratio of a Poisson process, which is fair for independent leads with small chances and
    unfavourable for others. The stake is divided evenly among ``RATES`` and among the days of a period: each day a new
    bet begins, since nobody knows on which day conversions change. What is not yet bet is kept.
    """
    found: list[Evidence] = []
    stakes, expected, observed = [-float("inf")] * len(RATES), 0.0, 0
    for number, day in enumerate(days):
        begun = number % PERIOD
        if begun == 0:
            stakes, expected, observed = [-float("inf")] * len(RATES), 0.0, 0
        expected, observed = expected + day.expected, observed + day.observed
        gains = [day.observed * log(rate) - (rate - 1.0) * day.expected for rate in RATES]
        stakes = [plus(stake, -log(PERIOD)) + gain for stake, gain in zip(stakes, gains, strict=True)]
        fewer, more = (
            sum(exp(min(700.0, stakes[k])) for k, r in enumerate(RATES) if (r < 1.0) == low) for low in (1, 0)
        )
        value = (fewer + more) / len(RATES) + 1.0 - (begun + 1) / PERIOD
        found.append(Evidence(day.day, value, expected, observed, "fewer" if fewer > more else "more"))
    return found


def plus(one: float, other: float) -> float:
    """Adds two numbers of which the logarithms are given; returns the logarithm of the sum."""
    high, low = max(one, other), min(one, other)
    return high + log(1.0 + exp(low - high))


def alarm(found: Iterable[Evidence], today: int, least: float = ALARM) -> Alarm | None:
    """Returns the alarm that stands on a day; ``None`` if none does.

    It stands for ``STANDS`` days after the evidence was last at ``least``, so that it does not end because a new period
    begins.
    """
    high = [one for one in found if one.value >= least]
    if not high or today - high[-1].day > STANDS:
        return None
    start = len(high) - 1
    while start and high[start].day - high[start - 1].day <= STANDS:
        start -= 1
    latest = high[-1]
    return Alarm(high[start].day, max(one.value for one in high[start:]), latest.direction, SAYS[latest.direction])

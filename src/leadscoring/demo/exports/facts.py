"""Draws the facts of deals that are known when a deal is created: what the true probability depends on.

Values are rounded as an export shows them, so that whoever reads the export knows exactly what the truth knows.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from leadscoring.demo.exports.levels import (
    CAMPAIGNS,
    COUNTRY,
    FUNCTION,
    INDUSTRY,
    MAIL,
    MESSAGE,
    PRODUCTS,
    SENIORITY,
    SOURCE,
    TYPE,
    WEEKDAY,
    Codes,
    Vector,
)
from leadscoring.demo.exports.words import VARIANTS

Flags = npt.NDArray[np.bool_]

FIRST_DAY = date(2024, 1, 1)
DAYS = 731
"""Deals are created on the days of 2024 and 2025, in time order."""

FIRST = int(np.datetime64(FIRST_DAY, "s").astype(np.int64))
LAST = FIRST + DAYS * 86_400
"""The moment of the export, in seconds since 1970."""

DAY, MINUTE = 86_400, 60
HOURS = np.array([*[1] * 7, 5, 12, 20, 22, 20, 12, 16, 20, 20, 16, 10, 6, 4, 3, 3, 2, 1], dtype=np.float64)
"""How many deals are created in each hour of a day, relatively."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of some deals; arrays of shape (deals,).

    Moments are in seconds since 1970, UTC. ``account_age`` are the days from the sign-up to the creation, NaN where
    nobody had signed up by then; ``amount`` is NaN where nobody entered it; ``opened`` is the share of e-mails opened,
    NaN where none was sent. ``products`` has shape (deals, products). Categories are codes of ``levels``.
    """

    created: Codes
    account_age: Vector
    titled: Flags
    seniority: Codes
    function: Codes
    variant: Codes
    mail: Codes
    industry: Codes
    source: Codes
    campaign: Codes
    country: Codes
    type: Codes
    message: Codes
    amount: Vector
    employees: Codes
    pages: Codes
    opened: Vector
    products: Flags
    phoned: Flags

    @property
    def weekday(self) -> Codes:
        """The weekday of the creation, 0 = Monday."""
        return (self.created // DAY + 3) % 7  # 1970 began on a Thursday

    @property
    def hour(self) -> Vector:
        """The time of day of the creation, in hours."""
        return np.asarray(self.created % DAY / 3_600)


def draw(rng: np.random.Generator, passed: Vector) -> Facts:
    """Draws the facts of one deal for each share of the period that has passed, 0..1, shape (deals,)."""
    count = len(passed)
    source = SOURCE.draw(rng, count)
    return Facts(
        created=moments(rng, passed),
        account_age=account_ages(rng, count),
        titled=rng.random(count) > 0.08,
        seniority=SENIORITY.draw(rng, count),
        function=FUNCTION.draw(rng, count),
        variant=rng.integers(VARIANTS, size=count),
        mail=MAIL.draw(rng, count),
        industry=INDUSTRY.draw(rng, count),
        source=source,
        campaign=campaigns(rng, source),
        country=COUNTRY.draw(rng, count),
        type=TYPE.draw(rng, count),
        message=MESSAGE.draw(rng, count),
        amount=amounts(rng, count),
        employees=np.clip(np.exp(rng.normal(4.8, 1.6, count)), 1, 250_000).astype(np.int64),
        pages=rng.poisson(rng.gamma(0.9, 9.0, count)).astype(np.int64),
        opened=np.where(rng.random(count) < 0.18, np.nan, np.round(rng.beta(1.6, 2.6, count), 3)),
        products=rng.random((count, len(PRODUCTS.rows))) < np.array([level.share for level in PRODUCTS.rows]),
        phoned=rng.random(count) < 0.6,
    )


def moments(rng: np.random.Generator, passed: Vector) -> Codes:
    """When each deal was created, to the minute: mostly on working days, and in the daytime."""
    first = FIRST_DAY.weekday()
    weights = WEEKDAY.shares[(np.arange(DAYS) + first) % 7]
    elapsed = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    day = np.clip(np.searchsorted(elapsed, passed, side="right") - 1, 0, DAYS - 1)
    hour = np.searchsorted(np.cumsum(HOURS)[:-1] / HOURS.sum(), rng.random(len(passed)), side="right")
    return FIRST + day * DAY + hour * 3_600 + rng.integers(60, size=len(passed)) * MINUTE


def amounts(rng: np.random.Generator, count: int) -> Vector:
    """Amounts with two decimals, 10,000 at the median; one in twenty is unknown."""
    drawn = np.round(10 ** np.clip(rng.normal(4.0, 0.5, count), 2.0, 6.5), 2)
    return np.where(rng.random(count) < 0.05, np.nan, drawn)


def account_ages(rng: np.random.Generator, count: int) -> Vector:
    """Days from sign-up to deal, in whole minutes; three in ten had not signed up by then."""
    minutes = np.round(np.minimum(np.exp(rng.normal(3.6, 1.3, count)), 1_000.0) * 1_440)
    return np.where(rng.random(count) < 0.3, np.nan, minutes / 1_440)


def campaigns(rng: np.random.Generator, source: Codes) -> Codes:
    """A campaign of each deal's source, as a position among all campaigns."""
    drawn, first = np.zeros(len(source), dtype=np.int64), 0
    for code, name in enumerate(SOURCE.texts):
        mine = np.flatnonzero(source == code)
        drawn[mine] = first + CAMPAIGNS[name].draw(rng, len(mine))
        first += len(CAMPAIGNS[name].rows)
    return drawn

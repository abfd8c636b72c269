"""The true probability that a deal is won: a known function of the facts at its creation.

The log-odds are ``INTERCEPT`` and ``SCALE`` times the sum of ``effects``. Effects of continuous facts are smooth.
Nothing hidden decides, and nothing that happens later.
"""

import numpy as np

from leadscoring.demo.exports.facts import Facts
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
    Vector,
)

INTERCEPT = -2.65
SCALE = 1.15

CAMPAIGN = np.concatenate([CAMPAIGNS[name].effects for name in SOURCE.texts])


def probability(facts: Facts) -> Vector:
    """The true probability of each deal, shape (deals,)."""
    margin = INTERCEPT + SCALE * np.sum(list(effects(facts).values()), axis=0)
    return np.asarray(1.0 / (1.0 + np.exp(-margin)))


def effects(facts: Facts) -> dict[str, Vector]:
    """The log-odds of each fact, each of shape (deals,)."""
    rank = SENIORITY.effects[facts.seniority]
    small = 1.0 / (1.0 + facts.employees / 40.0)
    return {
        "account age": known(2.4 * np.exp(-facts.account_age / 45.0) - 0.7, -0.2),
        "title": np.where(facts.titled, rank + FUNCTION.effects[facts.function], -0.3),
        "small companies with high titles": np.where(facts.titled & (rank > 0.5), -0.6 * small, 0.0),
        "mail": MAIL.effects[facts.mail],
        "industry": INDUSTRY.effects[facts.industry],
        "source": SOURCE.effects[facts.source],
        "campaign": CAMPAIGN[facts.campaign],
        "country": COUNTRY.effects[facts.country],
        "type": TYPE.effects[facts.type],
        "message": MESSAGE.effects[facts.message],
        "amount": known(0.4 - hump(np.log10(facts.amount) - 3.8), 0.0),
        "employees": 0.6 * np.tanh((np.log10(facts.employees) - 2.0) / 0.8),
        "pages": 1.1 * np.tanh(np.log1p(facts.pages) / 2.0) - 0.75,
        "opened": known(2.2 * (facts.opened - 0.38), -0.25),
        "products": facts.products @ PRODUCTS.effects,
        "phone": np.where(facts.phoned, 0.25, -0.25),
        "weekday": WEEKDAY.effects[facts.weekday],
        "hour": 0.15 * np.cos((facts.hour - 11.0) * np.pi / 12.0),
    }


def hump(distance: Vector) -> Vector:
    """The cost of a distance from the best amount: quadratic at first, and level far out."""
    return np.asarray(1.5 * distance**2 / (1.0 + distance**2 / 2.0))


def known(effect: Vector, unknown: float) -> Vector:
    """Replaces the effect of an unknown value, which is NaN."""
    return np.where(np.isnan(effect), unknown, effect)

"""Ground truth of the demo data: each lead's true probability of converting.

The log-odds are ``INTERCEPT``, plus one effect for each feature in ``EFFECTS``, plus the pairwise ``INTERACTIONS``.
There are no hidden variables: the probability depends on the observed features only, so that a model's calibration
and reasons can be checked against it. A feature that is absent or ``None`` is unknown, which has its own effect.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

Features = Mapping[str, float | None]
"""A lead's features by name, as a client sends them; ``None`` or absent means unknown."""

INTERCEPT = -3.8
"""Log-odds of a lead with zero effects; results in a conversion rate of about 13 %."""


class Slope(NamedTuple):
    """A straight line through zero at ``centre``, constant outside ``low``..``high``.

    With ``decades``, the line is over the common logarithm of 1 + value, for amounts that span orders of magnitude.
    """

    weight: float
    centre: float
    low: float
    high: float
    unknown: float = 0.0
    decades: bool = False

    def __call__(self, value: float | None) -> float:
        """The log-odds of a value."""
        if value is None:
            return self.unknown
        at = math.log10(1.0 + value) if self.decades else value
        return self.weight * (min(max(at, self.low), self.high) - self.centre)


class Levels(NamedTuple):
    """One effect per whole number, starting at ``first``."""

    effects: tuple[float, ...]
    first: int = 0
    unknown: float = 0.0

    def __call__(self, value: float | None) -> float:
        """The log-odds of a value."""
        return self.unknown if value is None else self.effects[int(value) - self.first]


class Hump(NamedTuple):
    """A parabola over the common logarithm with its maximum at ``10 ** centre``."""

    weight: float
    centre: float
    unknown: float = 0.0

    def __call__(self, value: float | None) -> float:
        """The log-odds of a value."""
        return self.unknown if value is None else -self.weight * (math.log10(value) - self.centre) ** 2


class Both(NamedTuple):
    """An effect of leads of which every value is known, and within its bounds, both included."""

    effect: float
    bounds: dict[str, tuple[float, float]]

    def __call__(self, features: Features) -> float:
        """The log-odds of a lead."""
        return self.effect * all(
            (value := features.get(name)) is not None and low <= value <= high
            for name, (low, high) in self.bounds.items()
        )


Effect = Slope | Levels | Hump
"""Maps the value of one feature to log-odds."""


def _decades(weight: float, centre: float, low: float, high: float, *, unknown: float = 0.0) -> Slope:
    return Slope(weight, centre, low, high, unknown, decades=True)


def _count(weight: float, most: int, *, unknown: float = 0.0) -> Slope:
    """The same weight for each unit, up to ``most`` units."""
    return Slope(weight, 0.0, 0.0, most, unknown)


def _levels(*effects: float, first: int = 0, unknown: float = 0.0) -> Levels:
    return Levels(effects, first, unknown)


EFFECTS: dict[str, Effect] = {
    "company_revenue": _decades(0.20, 7.0, 5.0, 9.0),
    "company_employee_count": Hump(0.25, 2.4),
    "company_funding_total": _decades(0.20, 6.0, 5.0, 8.0, unknown=-0.10),
    "company_growth_rate": Slope(1.00, 0.1, -0.5, 1.0),
    "industry_tech_score": Slope(0.90, 0.5, 0.0, 1.0),
    "geographic_tier": _levels(0.25, 0.0, -0.35, first=1),
    "parent_company_exists": _levels(0.0, -0.10),
    "website_visits_30d": _decades(0.50, 0.8, 0.0, 1.8),
    "page_views_30d": _decades(0.25, 1.2, 0.0, 2.5),
    "avg_session_duration_sec": Slope(0.0015, 120.0, 0.0, 300.0),
    "bounce_rate": Slope(-0.90, 0.45, 0.0, 1.0),
    "pricing_page_visits": _count(0.22, 5, unknown=0.10),
    "demo_page_visits": _count(0.18, 4, unknown=0.05),
    "documentation_views": _count(0.05, 10, unknown=0.05),
    "email_open_rate": Slope(0.60, 0.3, 0.0, 1.0, unknown=-0.15),
    "email_click_rate": Slope(2.00, 0.06, 0.0, 0.3, unknown=-0.10),
    "whitepaper_downloads": _count(0.12, 3),
    "webinar_attendance": _count(0.20, 3),
    "customer_success_interactions": _count(0.08, 5),
    "support_ticket_count": _count(-0.06, 6),
    "days_since_first_touch": Slope(-0.002, 60.0, 0.0, 365.0),
    "days_since_last_touch": Slope(-0.022, 14.0, 0.0, 60.0),
    "total_touchpoints": _decades(0.35, 1.0, 0.0, 2.0),
    "multi_channel_engagement": _levels(0.0, 0.20),
    "decision_maker_contacted": _levels(0.0, 0.45),
    "champion_identified": _levels(0.0, 0.50, unknown=0.05),
    "budget_confirmed": _levels(-0.20, 0.60),
    "timeline_confirmed": _levels(-0.10, 0.40),
    "competitor_evaluation": _levels(0.10, -0.30),
    "technical_evaluation_started": _levels(0.0, 0.40),
    "contract_reviewed": _levels(0.0, 0.80),
    "security_questionnaire_completed": _levels(0.0, 0.45),
    "roi_calculator_used": _levels(0.0, 0.25),
    "custom_demo_requested": _levels(0.0, 0.45),
    "integration_questions_asked": _count(0.05, 5),
    "lead_source_quality": Slope(1.60, 0.5, 0.0, 1.0),
    "paid_channel_source": _levels(0.0, -0.25),
    "referral_source": _levels(0.0, 0.50),
    "event_source": _levels(0.0, 0.10),
    "product_tier_interest": _levels(-0.10, 0.05, 0.15, first=1),
    "use_case_alignment": Slope(2.20, 0.5, 0.0, 1.0),
    "integration_requirements": _count(-0.06, 6),
    "deployment_preference": _levels(0.10, 0.0, -0.30),
}
"""Log-odds of each feature alone. Features of the contract that are not listed have no effect."""


_YES = (1.0, 1.0)
_PAIRS = (
    # A confirmed budget, and a contact who may spend it.
    Both(0.45, {"budget_confirmed": _YES, "decision_maker_contacted": _YES}),
    # Visits to the pricing page matter more shortly after a contact.
    Both(0.40, {"pricing_page_visits": (2.0, math.inf), "days_since_last_touch": (0.0, 7.0)}),
    # A champion offsets a competitor.
    Both(0.35, {"champion_identified": _YES, "competitor_evaluation": _YES}),
    # Very small companies cannot afford the top tier.
    Both(-0.70, {"product_tier_interest": (3.0, 3.0), "company_employee_count": (1.0, 20.0)}),
)
INTERACTIONS: dict[tuple[str, ...], Both] = {tuple(pair.bounds): pair for pair in _PAIRS}
"""Log-odds of pairs of features, in addition to the effect of each alone."""


def true_effects(features: Features) -> dict[str, float]:
    """The log-odds of each feature alone; 0 for a feature without an effect.

    The result also has the features in ``EFFECTS`` that ``features`` lacks, as unknown.
    """
    names = [name for name in features if name not in EFFECTS]
    return {name: effect(features.get(name)) for name, effect in EFFECTS.items()} | dict.fromkeys(names, 0.0)


def true_interactions(features: Features) -> dict[tuple[str, ...], float]:
    """The log-odds of each pair of features in ``INTERACTIONS``."""
    return {names: effect(features) for names, effect in INTERACTIONS.items()}


def true_margin(features: Features) -> float:
    """The log-odds of converting: the sum of intercept, effects and interactions."""
    return math.fsum((INTERCEPT, *true_effects(features).values(), *true_interactions(features).values()))


def true_probability(features: Features) -> float:
    """The probability of converting, 0..1."""
    return 1.0 / (1.0 + math.exp(-true_margin(features)))

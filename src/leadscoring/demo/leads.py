"""Synthetic leads for demos, with realistic dependencies between features and a known true probability.

Each lead is generated from three latent traits: the size of its company, its intent, and how well the product fits.
The traits drive the observed features, so that features correlate as they do in a CRM; what sales has not asked yet
is missing, mostly at early stages. The outcome is then drawn with the probability of ``demo.truth``, which depends on
the observed features only.

Only the standard library is needed, so that a serving installation can generate demo data.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.truth import true_probability

Values = dict[str, float | None]

FIRST_DAY = date(2024, 1, 1)
DAYS = 730
"""The leads are spread evenly, in time order, over the two years from ``FIRST_DAY``."""


@dataclass(frozen=True, slots=True)
class DemoLead:
    """A synthetic lead, its outcome, and the probability that the outcome was drawn with."""

    lead_id: str
    created_at: date
    features: Values
    converted: bool
    probability: float


@dataclass(frozen=True, slots=True)
class _Traits:
    """Latent traits: standard normal numbers, and the stage of the sale, 0 to 5."""

    size: float
    intent: float
    fit: float
    stage: int


def demo_leads(rows: int, seed: int = 1) -> Iterator[DemoLead]:
    """Generates ``rows`` leads of the default contract, deterministically for the same ``rows`` and ``seed``."""
    rng = random.Random(seed)  # noqa: S311 - synthetic leads must be repeatable, not secret
    for row in range(rows):
        passed = row / rows
        values = _values(rng, _traits(rng, passed))
        features = {name: values[name] for name in CONTRACT.names}
        probability = true_probability(features)
        yield DemoLead(
            lead_id=f"lead-{row + 1:06d}",
            created_at=FIRST_DAY + timedelta(days=int(passed * DAYS)),
            features=features,
            converted=rng.random() < probability,
            probability=probability,
        )


def _traits(rng: random.Random, passed: float) -> _Traits:
    """The latent traits of one lead; ``passed`` is the elapsed share of the two years, 0..1.

    Later leads have slightly higher intent, as when a product becomes better known.
    """
    intent = rng.gauss(0.2 * passed, 1.0)
    stage = min(max(round(1.4 + 1.1 * intent + rng.gauss(0.0, 0.8)), 0), 5)
    return _Traits(size=rng.gauss(0.0, 1.0), intent=intent, fit=rng.gauss(0.0, 1.0), stage=stage)


def _values(rng: random.Random, traits: _Traits) -> Values:
    return (
        _firmographics(rng, traits)
        | _visits(rng, traits)
        | _mails_and_events(rng, traits)
        | _contacts(rng, traits)
        | _funnel(rng, traits)
        | _attribution(rng, traits)
        | _product(rng, traits)
    )


def _firmographics(rng: random.Random, traits: _Traits) -> Values:
    size = traits.size
    employees = max(1, round(math.exp(4.6 + 1.6 * size)))
    funded = rng.random() < _logistic(-0.3 - 0.7 * size)
    return {
        "company_employee_count": employees,
        "company_revenue": float(round(employees * math.exp(rng.gauss(11.9, 0.6)), -3)),
        "company_age_years": round(math.exp(2.3 + 0.4 * size + rng.gauss(0.0, 0.6)), 1),
        "company_funding_total": float(round(math.exp(rng.gauss(15.0 + 0.6 * size, 1.2)), -3)) if funded else None,
        "company_growth_rate": round(max(-0.9, rng.gauss(0.14 - 0.04 * size + 0.05 * traits.fit, 0.25)), 3),
        "industry_tech_score": _share(rng, 0.2 + 0.7 * traits.fit, 4.0),
        "geographic_tier": rng.choices((1, 2, 3), (45, 35, 20))[0],
        "company_public_status": _flag(rng, -3.2 + 1.1 * size),
        "parent_company_exists": _flag(rng, -1.6 + 0.4 * size),
        "subsidiary_count": None if rng.random() < 0.3 else _poisson(rng, math.exp(-0.7 + 0.9 * size)),
    }


def _visits(rng: random.Random, traits: _Traits) -> Values:
    """Website activity; page counts are missing without consent to tracking."""
    intent = traits.intent
    visits = _scattered(rng, math.exp(1.7 + 0.6 * intent), 2.0)
    pages = visits + _scattered(rng, visits * math.exp(0.6 + 0.2 * intent), 3.0)
    tracked = rng.random() > 0.12

    def seen(log_mean: float, slope: float) -> int | None:
        return min(_poisson(rng, math.exp(log_mean + slope * intent)), pages) if tracked else None

    return {
        "website_visits_30d": visits,
        "page_views_30d": pages,
        "avg_session_duration_sec": round(math.exp(4.7 + 0.2 * intent + rng.gauss(0.0, 0.5)), 1) if visits else 0.0,
        "bounce_rate": _share(rng, -0.2 - 0.5 * intent, 6.0) if visits else 0.0,
        "pricing_page_visits": seen(-0.5, 0.7),
        "demo_page_visits": seen(-0.9, 0.7),
        "documentation_views": seen(0.3, 0.5),
    }


def _mails_and_events(rng: random.Random, traits: _Traits) -> Values:
    """Emails, events and the response to them. Both email rates are unknown if no email was received."""
    intent = traits.intent
    mails = _poisson(rng, 4.5) if rng.random() > 0.25 else 0
    opened = _share(rng, -0.9 + 0.6 * intent, 7.0)
    clicked = round(opened * _share(rng, -1.3 + 0.4 * intent, 6.0), 3)
    return {
        "emails_received": None if rng.random() < 0.03 else mails,
        "email_open_rate": opened if mails else None,
        "email_click_rate": clicked if mails else None,
        "whitepaper_downloads": _sometimes(rng, 0.95, math.exp(-1.0 + 0.5 * intent)),
        "webinar_attendance": _sometimes(rng, 0.93, math.exp(-1.4 + 0.5 * intent)),
        "social_media_engagement": _sometimes(rng, 0.75, math.exp(0.2 + 0.3 * intent)),
        "customer_success_interactions": _sometimes(rng, 0.85, math.exp(-1.2 + 0.3 * traits.stage)),
        "support_ticket_count": _sometimes(rng, 0.85, 0.5),
    }


def _contacts(rng: random.Random, traits: _Traits) -> Values:
    """When, how often and through how many channels the lead was contacted."""
    first = round(math.exp(3.6 + 0.2 * traits.stage + rng.gauss(0.0, 0.8)), 1)
    last = round(first * rng.betavariate(0.8, 2.0 * math.exp(0.4 * traits.intent)), 1)
    touches = 1 + _scattered(rng, math.exp(1.5 + 0.25 * traits.stage), 3.0)
    return {
        "days_since_first_touch": first,
        "days_since_last_touch": last,
        "total_touchpoints": touches,
        "multi_channel_engagement": _flag(rng, -1.4 + 0.5 * traits.stage) if touches >= 3 else 0,
        "attribution_touchpoints": 1 + min(_poisson(rng, 0.3 * touches), touches - 1),
    }


# The probability of each step of the sale: log-odds at stage 0, and their increase per stage.
FUNNEL = {
    "champion_identified": (-3.0, 0.8),
    "budget_confirmed": (-3.2, 0.9),
    "timeline_confirmed": (-3.0, 0.8),
    "competitor_evaluation": (-1.2, 0.2),
    "technical_evaluation_started": (-3.6, 1.0),
    "contract_reviewed": (-7.0, 1.4),
    "security_questionnaire_completed": (-5.5, 1.2),
    "roi_calculator_used": (-2.6, 0.5),
    "custom_demo_requested": (-2.8, 0.7),
}


def _funnel(rng: random.Random, traits: _Traits) -> Values:
    """The progress of the sale; what has not been asked is unknown, mostly at early stages."""
    stage = traits.stage
    asked = _logistic(0.0 + 0.8 * stage)
    values: Values = {"decision_maker_contacted": _flag(rng, -2.0 + 0.8 * stage)}
    for name, (start, step) in FUNNEL.items():
        values[name] = _flag(rng, start + step * stage) if rng.random() < asked else None
    values["integration_questions_asked"] = _sometimes(rng, asked, math.exp(-1.2 + 0.4 * stage))
    return values


def _attribution(rng: random.Random, traits: _Traits) -> Values:
    source = rng.choices(("paid", "referral", "event", "organic"), (34, 14, 14, 38))[0]
    quality = {"paid": -0.5, "referral": 0.9, "event": 0.2, "organic": 0.1}[source]
    return {
        "lead_source_quality": _share(rng, quality + 0.2 * traits.intent, 8.0),
        "paid_channel_source": int(source == "paid"),
        "referral_source": None if rng.random() < 0.06 else int(source == "referral"),
        "event_source": None if rng.random() < 0.06 else int(source == "event"),
    }


def _product(rng: random.Random, traits: _Traits) -> Values:
    wish = 1.8 + 0.4 * traits.size + rng.gauss(0.0, 0.6)
    stays_home = 18.0 * math.exp(0.4 * traits.size)
    return {
        "product_tier_interest": min(max(round(wish), 1), 3),
        "feature_requests_count": _sometimes(rng, 0.8, 0.6),
        "use_case_alignment": _share(rng, 0.1 + 0.9 * traits.fit, 8.0),
        "integration_requirements": _sometimes(rng, 0.85, math.exp(0.5 + 0.3 * traits.size)),
        "deployment_preference": rng.choices((0, 1, 2), (60.0, 22.0, stays_home))[0],
    }


def _logistic(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


def _flag(rng: random.Random, log_odds: float) -> int:
    return int(rng.random() < _logistic(log_odds))


def _share(rng: random.Random, log_odds: float, strength: float) -> float:
    """A beta-distributed share with mean ``logistic(log_odds)``; a larger ``strength`` means less variance."""
    mean = _logistic(log_odds)
    return round(rng.betavariate(strength * mean, strength * (1.0 - mean)), 3)


def _poisson(rng: random.Random, mean: float) -> int:
    """A Poisson-distributed count with this mean."""
    count, passed = 0, rng.expovariate(1.0)
    while passed < mean:
        count += 1
        passed += rng.expovariate(1.0)
    return count


def _scattered(rng: random.Random, mean: float, shape: float) -> int:
    """A negative binomial count: Poisson with a gamma-distributed mean, so that it varies more than Poisson."""
    return _poisson(rng, rng.gammavariate(shape, mean / shape)) if mean else 0


def _sometimes(rng: random.Random, known: float, mean: float) -> int | None:
    """A Poisson count that is known with probability ``known``, else ``None``."""
    count = _poisson(rng, mean)
    return count if rng.random() < known else None

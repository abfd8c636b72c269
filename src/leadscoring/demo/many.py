"""The leads of ``demo.leads`` as arrays, for files too large to make lead by lead.

The same traits drive the same features with the same distributions, and the true probability is the same function;
but other random numbers are drawn, so that the leads are others. Unknown values are NaN.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.leads import DAYS, FIRST_DAY, FUNNEL
from leadscoring.demo.truth import EFFECTS, INTERACTIONS, INTERCEPT, Both, Effect, Hump, Levels

Vector = npt.NDArray[np.float64]
Columns = dict[str, Vector]

CHUNK = 50_000
"""Leads made at a time."""

SCHEMA: dict[str, pl.DataType] = {
    "lead_id": pl.String(),
    "created_at": pl.Date(),
    **{one.name: pl.Float64() if one.form.accepts(one, 0.5) else pl.Int64() for one in CONTRACT.features},
    "converted": pl.Int64(),
    "true_probability": pl.Float64(),
}
"""The columns of the frames."""


def many_leads(rows: int, seed: int = 1) -> Iterator[pl.DataFrame]:
    """Generates ``rows`` leads in frames of up to ``CHUNK``, deterministically for the same ``rows`` and ``seed``."""
    for number, first in enumerate(range(0, rows, CHUNK)):
        draw = Draw(np.random.default_rng([seed % 2**64, number]), min(CHUNK, rows - first))
        places = np.arange(first, first + draw.count)
        passed = places / rows
        columns = values(draw, passed)
        probability = probabilities(columns)
        yield pl.DataFrame(
            {
                "lead_id": [f"lead-{place + 1:06d}" for place in places.tolist()],
                "created_at": np.datetime64(FIRST_DAY) + (passed * DAYS).astype(np.int64).astype("timedelta64[D]"),
                **{name: pl.Series(columns[name], nan_to_null=True) for name in CONTRACT.names},
                "converted": draw.uniform() < probability,
                "true_probability": probability,
            }
        ).cast(pl.Schema(SCHEMA))


class Draw:
    """Draws one value for each of ``count`` leads; parameters are numbers, or arrays of shape (count,)."""

    def __init__(self, rng: np.random.Generator, count: int) -> None:
        self.rng, self.count = rng, count

    def uniform(self) -> Vector:
        """Numbers of 0..1."""
        return self.rng.random(self.count)

    def normal(self, mean: Vector | float, deviation: float) -> Vector:
        """Normally distributed numbers."""
        return self.rng.normal(mean, deviation, self.count)

    def flag(self, log_odds: Vector | float) -> Vector:
        """0 or 1."""
        return np.asarray(self.uniform() < logistic(log_odds), np.float64)

    def share(self, log_odds: Vector, strength: float) -> Vector:
        """Beta-distributed shares with mean ``logistic(log_odds)``; a larger ``strength`` means less variance."""
        mean = logistic(log_odds)
        return rounded(self.rng.beta(strength * mean, strength * (1.0 - mean)), 3)

    def poisson(self, mean: Vector | float) -> Vector:
        """Poisson-distributed counts."""
        return self.rng.poisson(mean, self.count).astype(np.float64)

    def scattered(self, mean: Vector, shape: float) -> Vector:
        """Negative binomial counts: Poisson with a gamma-distributed mean."""
        return self.poisson(self.rng.gamma(shape, mean / shape))

    def sometimes(self, known: Vector | float, mean: Vector | float) -> Vector:
        """Poisson counts that are known with probability ``known``."""
        return self.known(known, self.poisson(mean))

    def known(self, share: Vector | float, column: Vector) -> Vector:
        """The same values, of which a share is known."""
        return np.where(self.uniform() < share, column, np.nan)

    def one_of(self, *weights: Vector | float) -> Vector:
        """Positions among the weights, drawn with probabilities in proportion to them."""
        steps = np.cumsum([np.broadcast_to(weight, self.count) for weight in weights], axis=0)
        return np.asarray((self.uniform() * steps[-1] >= steps[:-1]).sum(axis=0), np.float64)


def rounded(numbers: Vector, digits: int) -> Vector:
    """Numbers rounded to so many decimals."""
    return np.asarray(np.round(numbers, digits), np.float64)


def logistic(log_odds: Vector | float) -> Vector:
    """Probabilities of log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(log_odds))))


def values(draw: Draw, passed: Vector) -> Columns:
    """The features of leads; ``passed`` is the elapsed share of the two years for each, 0..1."""
    intent = draw.normal(0.2 * passed, 1.0)
    stage = np.clip(np.rint(1.4 + 1.1 * intent + draw.normal(0.0, 0.8)), 0, 5)
    size, fit = draw.normal(0.0, 1.0), draw.normal(0.0, 1.0)
    return (
        firmographics(draw, size, fit)
        | visits(draw, intent)
        | mails_and_events(draw, intent, stage)
        | contacts(draw, intent, stage)
        | funnel(draw, stage)
        | attribution(draw, intent)
        | product(draw, size, fit)
    )


def firmographics(draw: Draw, size: Vector, fit: Vector) -> Columns:
    """Facts about the company."""
    employees = np.maximum(1.0, np.rint(np.exp(4.6 + 1.6 * size)))
    return {
        "company_employee_count": employees,
        "company_revenue": rounded(employees * np.exp(draw.normal(11.9, 0.6)), -3),
        "company_age_years": rounded(np.exp(2.3 + 0.4 * size + draw.normal(0.0, 0.6)), 1),
        "company_funding_total": draw.known(
            logistic(-0.3 - 0.7 * size), rounded(np.exp(draw.normal(15.0 + 0.6 * size, 1.2)), -3)
        ),
        "company_growth_rate": rounded(np.maximum(-0.9, draw.normal(0.14 - 0.04 * size + 0.05 * fit, 0.25)), 3),
        "industry_tech_score": draw.share(0.2 + 0.7 * fit, 4.0),
        "geographic_tier": 1.0 + draw.one_of(45, 35, 20),
        "company_public_status": draw.flag(-3.2 + 1.1 * size),
        "parent_company_exists": draw.flag(-1.6 + 0.4 * size),
        "subsidiary_count": draw.sometimes(0.7, np.exp(-0.7 + 0.9 * size)),
    }


def visits(draw: Draw, intent: Vector) -> Columns:
    """Website activity; page counts are missing without consent to tracking."""
    seen = draw.scattered(np.exp(1.7 + 0.6 * intent), 2.0)
    pages = seen + draw.scattered(seen * np.exp(0.6 + 0.2 * intent), 3.0)
    tracked = draw.known(0.88, pages)
    return {
        "website_visits_30d": seen,
        "page_views_30d": pages,
        "avg_session_duration_sec": np.where(
            seen > 0, rounded(np.exp(4.7 + 0.2 * intent + draw.normal(0.0, 0.5)), 1), 0.0
        ),
        "bounce_rate": np.where(seen > 0, draw.share(-0.2 - 0.5 * intent, 6.0), 0.0),
        "pricing_page_visits": np.minimum(draw.poisson(np.exp(-0.5 + 0.7 * intent)), tracked),
        "demo_page_visits": np.minimum(draw.poisson(np.exp(-0.9 + 0.7 * intent)), tracked),
        "documentation_views": np.minimum(draw.poisson(np.exp(0.3 + 0.5 * intent)), tracked),
    }


def mails_and_events(draw: Draw, intent: Vector, stage: Vector) -> Columns:
    """Emails, events and the response to them. Both email rates are unknown if no email was received."""
    mails = np.nan_to_num(draw.sometimes(0.75, 4.5))
    opened = np.where(mails > 0, draw.share(-0.9 + 0.6 * intent, 7.0), np.nan)
    return {
        "emails_received": draw.known(0.97, mails),
        "email_open_rate": opened,
        "email_click_rate": rounded(opened * draw.share(-1.3 + 0.4 * intent, 6.0), 3),
        "whitepaper_downloads": draw.sometimes(0.95, np.exp(-1.0 + 0.5 * intent)),
        "webinar_attendance": draw.sometimes(0.93, np.exp(-1.4 + 0.5 * intent)),
        "social_media_engagement": draw.sometimes(0.75, np.exp(0.2 + 0.3 * intent)),
        "customer_success_interactions": draw.sometimes(0.85, np.exp(-1.2 + 0.3 * stage)),
        "support_ticket_count": draw.sometimes(0.85, 0.5),
    }


def contacts(draw: Draw, intent: Vector, stage: Vector) -> Columns:
    """When, how often and through how many channels the lead was contacted."""
    first = rounded(np.exp(3.6 + 0.2 * stage + draw.normal(0.0, 0.8)), 1)
    touches = 1.0 + draw.scattered(np.exp(1.5 + 0.25 * stage), 3.0)
    return {
        "days_since_first_touch": first,
        "days_since_last_touch": rounded(first * draw.rng.beta(0.8, 2.0 * np.exp(0.4 * intent)), 1),
        "total_touchpoints": touches,
        "multi_channel_engagement": draw.flag(-1.4 + 0.5 * stage) * (touches >= 3),
        "attribution_touchpoints": 1.0 + np.minimum(draw.poisson(0.3 * touches), touches - 1.0),
    }


def funnel(draw: Draw, stage: Vector) -> Columns:
    """The progress of the sale; what has not been asked is unknown, mostly at early stages."""
    asked = logistic(0.8 * stage)
    return {
        "decision_maker_contacted": draw.flag(-2.0 + 0.8 * stage),
        **{name: draw.known(asked, draw.flag(start + step * stage)) for name, (start, step) in FUNNEL.items()},
        "integration_questions_asked": draw.sometimes(asked, np.exp(-1.2 + 0.4 * stage)),
    }


def attribution(draw: Draw, intent: Vector) -> Columns:
    """Where the lead came from: paid, referral, event or organic."""
    source = draw.one_of(34, 14, 14, 38)
    quality = np.array([-0.5, 0.9, 0.2, 0.1])[source.astype(np.int64)]
    return {
        "lead_source_quality": draw.share(quality + 0.2 * intent, 8.0),
        "paid_channel_source": np.asarray(source == 0, np.float64),
        "referral_source": draw.known(0.94, np.asarray(source == 1, np.float64)),
        "event_source": draw.known(0.94, np.asarray(source == 2, np.float64)),
    }


def product(draw: Draw, size: Vector, fit: Vector) -> Columns:
    """What the lead wants, and how well it fits."""
    return {
        "product_tier_interest": np.clip(np.rint(1.8 + 0.4 * size + draw.normal(0.0, 0.6)), 1, 3),
        "feature_requests_count": draw.sometimes(0.8, 0.6),
        "use_case_alignment": draw.share(0.1 + 0.9 * fit, 8.0),
        "integration_requirements": draw.sometimes(0.85, np.exp(0.5 + 0.3 * size)),
        "deployment_preference": draw.one_of(60.0, 22.0, 18.0 * np.exp(0.4 * size)),
    }


def probabilities(columns: Columns) -> Vector:
    """``truth.true_probability`` of each lead, to the last few bits."""
    margin = np.full(len(columns["company_revenue"]), INTERCEPT)
    for name, effect in EFFECTS.items():
        margin += effects(effect, columns[name])
    for pair in INTERACTIONS.values():
        margin += interactions(pair, columns)
    return logistic(margin)


def effects(effect: Effect, column: Vector) -> Vector:
    """The log-odds of the values of one feature."""
    if isinstance(effect, Levels):
        known = np.array(effect.effects)[np.nan_to_num(column - effect.first).astype(np.int64)]
    elif isinstance(effect, Hump):
        known = -effect.weight * (np.log10(column) - effect.centre) ** 2
    else:
        at = np.log10(1.0 + column) if effect.decades else column
        known = effect.weight * (np.clip(at, effect.low, effect.high) - effect.centre)
    return np.where(np.isnan(column), effect.unknown, known)


def interactions(pair: Both, columns: Columns) -> Vector:
    """The log-odds of one pair of features."""
    within = [(columns[name] >= low) & (columns[name] <= high) for name, (low, high) in pair.bounds.items()]
    return np.asarray(pair.effect * np.logical_and.reduce(within))

"""The truth behind the demo data: effects and interactions add up to the margin."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.leads import demo_leads
from leadscoring.demo.truth import (
    EFFECTS,
    INTERACTIONS,
    INTERCEPT,
    true_effects,
    true_interactions,
    true_margin,
    true_probability,
)


def test_only_features_of_the_contract_decide() -> None:
    """Effects and interactions name features that a lead can hold."""
    assert set(EFFECTS) < set(CONTRACT.names)
    assert {name for pair in INTERACTIONS for name in pair} <= set(CONTRACT.names)


@given(st.integers(0, 2**32))
def test_effects_and_interactions_add_up_to_the_margin(seed: int) -> None:
    """Intercept, effects and interactions are all that there is, for any lead."""
    features = next(demo_leads(1, seed)).features
    parts = [INTERCEPT, *true_effects(features).values(), *true_interactions(features).values()]
    assert true_margin(features) == pytest.approx(sum(parts), abs=1e-12)
    assert true_probability(features) == pytest.approx(1 / (1 + math.exp(-sum(parts))))


def test_every_feature_has_an_effect_in_the_answer() -> None:
    """A feature that decides nothing is in the answer with 0, so that reasons can be compared by name."""
    effects = true_effects(next(demo_leads(1)).features)
    assert set(effects) == set(CONTRACT.names)
    assert {name for name in effects if name not in EFFECTS} == {
        "attribution_touchpoints",
        "company_age_years",
        "company_public_status",
        "emails_received",
        "feature_requests_count",
        "social_media_engagement",
        "subsidiary_count",
    }
    assert effects["subsidiary_count"] == 0.0


def test_absent_and_null_are_the_same_unknown() -> None:
    """Leaving a feature out says the same as sending null."""
    features = next(demo_leads(1)).features
    absent = {name: value for name, value in features.items() if name != "email_open_rate"}
    assert true_margin(absent) == true_margin(features | {"email_open_rate": None})


def test_unknown_is_not_zero() -> None:
    """Not knowing whether there is a budget is better than knowing that there is none."""
    features = next(demo_leads(1)).features
    assert true_margin(features | {"budget_confirmed": None}) > true_margin(features | {"budget_confirmed": 0})


@pytest.mark.parametrize(
    ("shown", "hidden", "expected"),
    [
        ({"budget_confirmed": 1, "decision_maker_contacted": 1}, {"decision_maker_contacted": 0}, 0.45),
        ({"pricing_page_visits": 2, "days_since_last_touch": 7.0}, {"days_since_last_touch": 7.1}, 0.40),
        ({"champion_identified": 1, "competitor_evaluation": 1}, {"champion_identified": None}, 0.35),
        ({"product_tier_interest": 3, "company_employee_count": 20}, {"company_employee_count": 21}, -0.70),
    ],
)
def test_an_interaction_needs_both(
    shown: dict[str, float | None], hidden: dict[str, float | None], expected: float
) -> None:
    """Each interaction counts when both of its features say so, and not otherwise."""
    assert sum(true_interactions(shown).values()) == pytest.approx(expected)
    assert sum(true_interactions(shown | hidden).values()) == 0.0

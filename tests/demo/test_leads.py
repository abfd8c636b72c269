"""Demo leads: they keep to their contract, repeat, and convert as their true probability says."""

import math
from itertools import pairwise

import pytest

from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.leads import DemoLead, demo_leads
from leadscoring.demo.truth import true_probability

ROWS = 20_000


@pytest.fixture(scope="module")
def leads() -> list[DemoLead]:
    """Enough leads to hold shares against, made once."""
    return list(demo_leads(ROWS, seed=3))


def known(leads: list[DemoLead], name: str) -> list[float]:
    """The values of one feature where it is known."""
    return [value for lead in leads if (value := lead.features[name]) is not None]


def correlation(leads: list[DemoLead], one: str, other: str) -> float:
    """The rank-free, plain correlation of two features, where both are known."""
    pairs = [
        (x, y) for lead in leads if (x := lead.features[one]) is not None and (y := lead.features[other]) is not None
    ]
    xs, ys = zip(*pairs, strict=True)
    middle_x, middle_y = sum(xs) / len(xs), sum(ys) / len(ys)
    together = math.fsum((x - middle_x) * (y - middle_y) for x, y in pairs)
    return together / math.sqrt(math.fsum((x - middle_x) ** 2 for x in xs) * math.fsum((y - middle_y) ** 2 for y in ys))


def test_every_value_keeps_to_the_contract(leads: list[DemoLead]) -> None:
    """Kinds, bounds and order of the contract hold for every lead."""
    for lead in leads:
        assert list(lead.features) == CONTRACT.names
    for feature in CONTRACT.features:
        values = known(leads, feature.name)
        assert feature.minimum is None or min(values) >= feature.minimum, feature.name
        assert feature.maximum is None or max(values) <= feature.maximum, feature.name
        assert all(map(math.isfinite, values)), feature.name
        if feature.kind != "number":
            assert all(isinstance(value, int) for value in values), feature.name


def test_required_features_are_never_missing_and_the_others_are(leads: list[DemoLead]) -> None:
    """What the contract lets out is really out at times."""
    for feature in CONTRACT.features:
        missing = ROWS - len(known(leads, feature.name))
        assert (missing == 0) == feature.required, feature.name


def test_no_feature_is_constant(leads: list[DemoLead]) -> None:
    """A trainer would drop a constant column, and then the contract would not be whole."""
    for name in CONTRACT.names:
        values = known(leads, name)
        assert max(values.count(value) for value in set(values[:200])) < 0.97 * len(values), name


def test_the_same_seed_makes_the_same_leads() -> None:
    """Whoever makes the demo data gets this demo data."""
    assert list(demo_leads(50, seed=9)) == list(demo_leads(50, seed=9))
    assert list(demo_leads(50, seed=9)) != list(demo_leads(50, seed=10))


def test_a_little_more_than_one_lead_in_ten_converts(leads: list[DemoLead]) -> None:
    """The share that a sales team would recognise."""
    assert 0.12 < sum(lead.converted for lead in leads) / ROWS < 0.15


def test_the_probability_is_the_truth_of_what_is_observed(leads: list[DemoLead]) -> None:
    """Nothing hidden decides: the features alone give the probability."""
    for lead in leads[:500]:
        assert lead.probability == true_probability(lead.features)


def test_as_many_convert_as_the_probability_says(leads: list[DemoLead]) -> None:
    """In each tenth by probability, within four standard deviations of the binomial."""
    ranked = sorted(leads, key=lambda lead: lead.probability)
    tenth = ROWS // 10
    for start in range(0, ROWS, tenth):
        part = ranked[start : start + tenth]
        expected = math.fsum(lead.probability for lead in part)
        spread = math.sqrt(math.fsum(lead.probability * (1 - lead.probability) for lead in part))
        assert abs(sum(lead.converted for lead in part) - expected) < 4 * spread


def test_the_probability_tells_leads_apart(leads: list[DemoLead]) -> None:
    """The best possible ROC-AUC lies where a useful model of real leads would."""
    ranked = sorted(leads, key=lambda lead: lead.probability)
    positives = sum(lead.converted for lead in leads)
    ranks = sum(rank for rank, lead in enumerate(ranked, 1) if lead.converted)
    auc = (ranks - positives * (positives + 1) / 2) / (positives * (ROWS - positives))
    assert 0.86 < auc < 0.91


def test_features_hang_together(leads: list[DemoLead]) -> None:
    """Large companies earn more, frequent visitors see more pages, mails that are opened are followed."""
    assert correlation(leads, "company_employee_count", "company_revenue") > 0.5
    assert correlation(leads, "website_visits_30d", "page_views_30d") > 0.5
    assert correlation(leads, "email_open_rate", "email_click_rate") > 0.4
    assert correlation(leads, "technical_evaluation_started", "contract_reviewed") > 0.1


def test_what_cannot_be_is_not(leads: list[DemoLead]) -> None:
    """No page without a visit, no mail rate without a mail, no latest contact before the first."""
    for lead in leads:
        at = {name: value or 0 for name, value in lead.features.items()}
        assert at["page_views_30d"] >= max(at["website_visits_30d"], at["pricing_page_visits"])
        assert at["days_since_last_touch"] <= at["days_since_first_touch"]
        assert 1 <= at["attribution_touchpoints"] <= at["total_touchpoints"]
        if lead.features["emails_received"] == 0:
            assert lead.features["email_open_rate"] is None
            assert lead.features["email_click_rate"] is None


def test_less_is_known_early_on(leads: list[DemoLead]) -> None:
    """Whether there is a budget is unknown more often where nobody who decides has been spoken to."""

    def unknown(contacted: int) -> float:
        part = [lead for lead in leads if lead.features["decision_maker_contacted"] == contacted]
        return sum(lead.features["budget_confirmed"] is None for lead in part) / len(part)

    assert unknown(0) > 1.5 * unknown(1)


def test_leads_come_in_time_order_over_two_years(leads: list[DemoLead]) -> None:
    """So that a split by time has something to split."""
    days = [lead.created_at for lead in leads]
    assert all(before <= after for before, after in pairwise(days))
    assert (days[-1] - days[0]).days == 729
    assert len({lead.lead_id for lead in leads}) == ROWS


def test_no_rows_make_no_leads() -> None:
    """Nothing asked, nothing made."""
    assert list(demo_leads(0)) == []

"""The facts of deals: in time order, within their bounds, and rounded as they are exported."""

import numpy as np
import pytest

from leadscoring.demo.exports.facts import DAY, FIRST, LAST, Facts, draw
from leadscoring.demo.exports.levels import CAMPAIGNS, SOURCE

ROWS = 40_000


@pytest.fixture(scope="module")
def facts() -> Facts:
    """Enough deals to hold shares against."""
    return draw(np.random.default_rng(4), np.arange(ROWS) / ROWS)


def test_deals_are_created_in_order_of_days_over_two_years(facts: Facts) -> None:
    """From the first day to the last, to the minute."""
    days = (facts.created - FIRST) // DAY
    assert np.all(np.diff(days) >= 0)
    assert (days[0], days[-1]) == (0, (LAST - FIRST) // DAY - 1)
    assert np.all(facts.created % 60 == 0)


def test_weekends_and_nights_are_quiet(facts: Facts) -> None:
    """As in an office."""
    share = np.bincount(facts.weekday, minlength=7) / ROWS
    assert share[5] + share[6] < 0.12 < share[:5].min()
    assert np.mean((facts.hour >= 8) & (facts.hour < 18)) > 0.75


def test_weekday_is_that_of_the_calendar(facts: Facts) -> None:
    """As numpy counts it: 1970-01-01 was a Thursday."""
    days = facts.created[:50].astype("datetime64[s]").astype(object)
    assert [day.weekday() for day in days] == facts.weekday[:50].tolist()


def test_a_campaign_belongs_to_its_source(facts: Facts) -> None:
    """Positions count the campaigns source by source."""
    of = np.repeat(np.arange(len(SOURCE.rows)), [len(CAMPAIGNS[name].rows) for name in SOURCE.texts])
    assert np.array_equal(of[facts.campaign], facts.source)


def test_values_are_those_that_an_export_shows(facts: Facts) -> None:
    """Cents, whole minutes and tenths of a percent; some of each are unknown."""
    for values, unit in ((facts.amount, 0.01), (facts.account_age, 1 / 1_440), (facts.opened, 0.001)):
        shown = values[~np.isnan(values)]
        assert 0.5 * ROWS < len(shown) < 0.97 * ROWS
        assert np.allclose(shown / unit, np.round(shown / unit), atol=1e-3)
    assert facts.employees.min() >= 1
    assert facts.pages.min() == 0

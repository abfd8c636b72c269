"""The course of deals: calibrated, open ones at random among the young, and everything later tells the outcome."""

import numpy as np
import pytest

from leadscoring.demo.exports.course import Course, follow
from leadscoring.demo.exports.facts import LAST, Facts, draw
from leadscoring.demo.exports.truth import probability

ROWS = 60_000
EXPORT = np.datetime64(LAST, "s")


@pytest.fixture(scope="module")
def facts() -> Facts:
    """Enough deals to hold shares against."""
    return draw(np.random.default_rng(6), np.arange(ROWS) / ROWS)


@pytest.fixture(scope="module")
def course(facts: Facts) -> Course:
    """What became of them."""
    return follow(np.random.default_rng(7), facts, probability(facts))


def test_deals_are_won_as_often_as_the_truth_says(course: Course) -> None:
    """In each tenth by probability, among the decided deals, within four standard deviations of the binomial."""
    decided = np.flatnonzero(~course.is_open)
    for part in np.array_split(decided[np.argsort(course.probability[decided])], 10):
        p = course.probability[part]
        assert abs(course.won[part].sum() - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())


def test_young_deals_are_open_and_old_ones_decided(course: Course) -> None:
    """Nearly all of the last week, hardly any of the first year."""
    age = (EXPORT - course.created) / np.timedelta64(1, "D")
    assert course.is_open[age < 7].mean() > 0.9
    assert course.is_open[age > 365].mean() < 0.01


def test_an_open_deal_has_no_close(course: Course) -> None:
    """And a decided one has, between its creation and the export."""
    assert np.array_equal(np.isnat(course.closed), course.is_open)
    closed = course.closed[~course.is_open]
    assert np.all(closed >= course.created[~course.is_open])
    assert np.all(closed < EXPORT)


def test_nothing_happened_after_the_export(course: Course) -> None:
    """But for what is expected."""
    for moments in (course.created, course.last_activity, course.modified, course.signed_up):
        assert moments[~np.isnat(moments)].max() < EXPORT
    assert course.expected.max() > EXPORT
    assert np.all(course.modified >= course.last_activity)


def test_won_deals_stay_active(course: Course) -> None:
    """The latest activity lies after the close of a won deal, and before that of a lost one."""
    won, lost = course.won & ~course.is_open, ~course.won & ~course.is_open
    assert np.mean(course.last_activity[won] > course.closed[won]) > 0.9
    assert np.mean(course.last_activity[lost] <= course.closed[lost]) > 0.99


def test_a_sign_up_after_the_deal_tells_the_outcome(facts: Facts, course: Course) -> None:
    """About one in ten comes after it, three times as often at customers; those before it are the truth's."""
    age = (course.created - course.signed_up) / np.timedelta64(1, "D")
    before = ~np.isnan(facts.account_age)
    assert np.allclose(age[before], facts.account_age[before], atol=1e-3)
    later = ~before & ~np.isnat(course.signed_up)
    assert age[later].max() < -1
    assert 0.06 < later.mean() < 0.15
    unknown = ~before & ~course.is_open
    assert later[unknown & course.won].mean() > 3 * later[unknown & ~course.won].mean()

"""What is said of live quality is what is known on the day, and no more."""

from datetime import UTC, datetime, timedelta

import pytest

from leadscoring.ledger.judged import Judged
from leadscoring.quality.live import Facts, ModelName, known_at, latest_model, live

NAMES = {1: ModelName("lead-scoring", "1.0.0", "00"), 2: ModelName("lead-scoring", "2.0.0", "11")}
FIRST = 20_454
"""The first of January 2026."""


def of(judged: list[Judged], day: int) -> Facts:
    """These leads, with two models."""
    assert day >= FIRST
    return Facts(judged, NAMES, {1: {"roc_auc": {"value": 0.9}}}, 30, "lost")


def at(day: int) -> datetime:
    """Some time on a day."""
    return datetime(1970, 1, 1, 13, tzinfo=UTC) + timedelta(days=day)


def test_what_comes_later_is_not_known() -> None:
    """Neither scores nor outcomes of the day itself or after it."""
    leads = [Judged(FIRST, 1, "A", 0.5, 3, "won", 4), Judged(FIRST + 5, 1, "A", 0.5, 2, "open")]
    assert known_at(leads, FIRST + 5) == [leads[0]]
    assert known_at(leads, FIRST + 4) == [Judged(FIRST, 1, "A", 0.5, 3, "open")]
    assert known_at(leads, FIRST) == []


def test_the_model_that_scores_now_is_judged() -> None:
    """With most leads of the latest day; each lead belongs to the model of its first score."""
    leads = [
        Judged(FIRST, 1, "A", 0.5, 900, "open"),
        Judged(FIRST + 9, 1, "A", 0.5, 3, "open"),
        Judged(FIRST + 9, 2, "A", 0.5, 7, "open"),
    ]
    assert latest_model(leads) == 2
    found = live(of(leads, FIRST + 10), at(FIRST + 10)).live
    assert found.model == NAMES[2]
    assert (found.leads, found.training) == (7, {})


def test_too_few_leads_name_the_day_of_the_first_verdict() -> None:
    """When five hundred will be mature, if they have been scored."""
    leads = [Judged(FIRST + day, 1, "C", 0.2, 100, "open") for day in range(5)]
    found = live(of(leads, FIRST + 10), at(FIRST + 10)).live
    assert (found.verdict, found.mature, found.verdict_from) == ("too few", 0, "2026-02-05")
    few = live(of(leads[:2], FIRST + 10), at(FIRST + 10)).live
    assert few.verdict_from is None


def test_the_days_shown_add_up() -> None:
    """Expected and observed of each day are parts of the sums of the period."""
    leads = [
        Judged(FIRST + day, 1, "C", 0.2, count, kind, after)  # type: ignore[arg-type]  # one of three
        for day in range(100)
        for count, kind, after in ((8, "open", None), (1, "won", 5), (1, "won", 12))
    ]
    found = live(of(leads, FIRST + 100), at(FIRST + 100)).live
    assert found.expected == pytest.approx(sum(one.expected for one in found.days))
    assert found.observed == sum(one.observed for one in found.days)
    assert found.days[0].day == "2026-02-04"  # the first after fifty conversions

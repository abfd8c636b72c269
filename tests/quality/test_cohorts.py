"""Only mature leads are judged, by the month and tier of their first score."""

import numpy as np
import pytest

from leadscoring.ledger.judged import Judged
from leadscoring.quality.cohorts import by_month, by_week, mature, overall
from leadscoring.quality.delays import Delays

HORIZON = 10
TODAY = 20_600


def lead(day: int, p: float, kind: str = "open", after: int | None = None, tier: str = "C", leads: int = 1) -> Judged:
    """Leads of one day."""
    return Judged(day, 1, tier, p, leads, kind, after)  # type: ignore[arg-type]  # one of three


def drawn(day: int, leads: int, odds: float = 1.0) -> list[Judged]:
    """Leads whose outcomes are drawn."""
    random = np.random.default_rng(day)
    every = []
    for p in random.beta(1.5, 6.0, leads):
        chance = p * odds / (1.0 - p + p * odds)
        every.append(
            lead(
                day, float(p), *(("won", 3) if random.random() < chance else ("lost", 2)), tier="B" if p > 0.2 else "D"
            )
        )
    return every


def test_a_lead_is_mature_when_its_horizon_is_over() -> None:
    """An early loss makes none mature; silence counts as configured."""
    leads = [
        lead(TODAY - HORIZON, 0.5, "lost", 1),
        lead(TODAY - HORIZON - 1, 0.5),
        lead(TODAY - HORIZON - 2, 0.5, "won", 3),
    ]
    assert mature(leads, HORIZON, TODAY, "lost") == leads[1:]
    assert mature(leads, HORIZON, TODAY, "unknown") == leads[2:]


def test_a_conversion_after_the_horizon_is_none() -> None:
    """It counts as known, and as not converted in time."""
    found = overall([lead(1, 0.5, "won", HORIZON + 1), lead(1, 0.5, "won", HORIZON)], HORIZON)
    assert found is not None
    assert (found.won, found.leads, found.known) == (1, 2, 1.0)


def test_months_that_hold_and_months_that_do_not() -> None:
    """Each with its verdict, its figures, and what the probabilities promise."""
    found = by_month([*drawn(20_454, 1500), *drawn(20_490, 1500, odds=0.4)], HORIZON)
    assert [(one.start, one.leads, one.verdict) for one in found] == [
        ("2026-01", 1500, "as predicted"),
        ("2026-02", 1500, "fewer than predicted"),
    ]
    good = found[0]
    assert good.roc_auc is not None
    assert good.promised is not None
    assert good.roc_auc.low <= good.promised.roc_auc <= good.roc_auc.high
    assert [one.tier for one in good.tiers] == ["B", "D"]
    assert sum(one.leads for one in good.tiers) == 1500


def test_few_leads_get_no_verdict() -> None:
    """And no ranking, if all have the same outcome."""
    found = overall([lead(1, 0.1, leads=40)], HORIZON)
    assert found is not None
    assert (found.verdict, found.roc_auc, found.promised, found.known) == (None, None, None, 0.0)
    assert overall([], HORIZON) is None


def test_young_weeks_expect_what_is_still_to_come() -> None:
    """So far, and the chances of open leads; weeks that are mature do not."""
    delays = Delays((*(age / 10 for age in range(1, 10)), 1.0, 1.0), 100)
    monday = TODAY - 4 - (TODAY - 4 + 3) % 7
    open_leads = [lead(monday, 0.5, leads=80), lead(monday, 0.5, "won", 1, leads=20)]
    found = by_week([lead(monday - 70, 0.2, leads=50), *open_leads], HORIZON, monday + 5, "lost", delays)
    assert [(one.mature, one.so_far.value) for one in found] == [(True, 0.0), (False, 0.2)]
    assert found[0].in_the_end is None
    rest = 0.8 * 0.5 * 0.5 / (1.0 - 0.5 * 0.5)
    assert found[1].in_the_end == pytest.approx(0.2 + rest)
    assert by_week(open_leads, HORIZON, monday + 5, "lost", None)[0].in_the_end is None

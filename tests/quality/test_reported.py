"""A ledger whose probabilities are known is judged rightly, and the report is kept for the day."""

from pathlib import Path

import pytest
from live_ledger import DAYS, HORIZON, PER_DAY, empty, filled, now

from leadscoring.ledger import matured
from leadscoring.quality.published import published
from leadscoring.quality.reported import compute, keep, latest, rehearsal, renew, tend
from leadscoring.settings import read_settings


def test_a_ledger_in_which_nothing_is_wrong(tmp_path: Path) -> None:
    """Leads convert as predicted, no alarm stands, and figures stand beside those of training."""
    ledger = filled(tmp_path / "ledger.db")
    live = compute(ledger, HORIZON, "lost", now()).live
    ledger.close()
    assert (live.verdict, live.alarm, live.leads) == ("as predicted", None, DAYS * PER_DAY)
    assert live.mature == (DAYS - HORIZON) * PER_DAY
    assert live.overall is not None
    assert live.overall.promised is not None
    assert live.overall.roc_auc is not None
    assert live.overall.roc_auc.low <= live.overall.promised.roc_auc <= live.overall.roc_auc.high
    assert live.training["roc_auc"]["value"] == pytest.approx(0.88, abs=0.01)
    assert live.delays is not None
    assert 4 <= live.delays.half_after <= 7
    assert all(one.verdict == "as predicted" for one in live.months)


def test_a_change_is_seen_before_outcomes_are_mature(tmp_path: Path) -> None:
    """Odds tripled after 100 days raise the alarm within 30, when every mature lead is of before."""
    ledger = filled(tmp_path / "ledger.db", odds=3.0, changes_after=100)
    before, after = (compute(ledger, HORIZON, "lost", now(day)).live for day in (100, 130))
    ledger.close()
    assert before.alarm is None
    assert after.alarm is not None
    assert after.alarm.direction == "more"
    assert after.verdict == "as predicted"


def test_the_report_of_a_day_is_computed_once(tmp_path: Path) -> None:
    """Who asks again gets the kept one; the next day has its own; sums of days stay."""
    ledger = filled(tmp_path / "ledger.db")
    assert latest(ledger) is None
    first = renew(ledger, HORIZON, "lost", now(100))
    assert renew(ledger, HORIZON, "unknown", now(100)) == first == latest(ledger)
    second = renew(ledger, HORIZON, "lost", now(101))
    assert second.at > first.at
    with ledger.reading() as connection:
        days = matured.kept_days(connection, 1)
    ledger.close()
    assert sum(one.expected for one in days) == pytest.approx(sum(one.expected for one in second.days))
    assert sum(one.won for one in days) == sum(one.observed for one in second.days)


def test_the_keeper_renews_and_publishes(tmp_path: Path) -> None:
    """In one turn, however often it comes."""
    ledger = filled(tmp_path / "ledger.db")
    settings = read_settings({"OUTCOME_DAYS": str(HORIZON), "LEDGER_TAPE_PATH": str(tmp_path / "tape")})
    for _ in range(2):
        tend(ledger, settings, now(100))
    kept = latest(ledger)
    ledger.close()
    assert kept is not None
    assert published(tmp_path / "tape").evidence == kept.evidence


def test_a_ledger_without_leads_says_so(tmp_path: Path) -> None:
    """There is nothing to judge, and the report can be kept all the same."""
    ledger = empty(tmp_path / "ledger.db", 0)
    computed = compute(ledger, 90, "lost", now())
    keep(ledger, computed, "test", now())
    kept = latest(ledger)
    ledger.close()
    assert kept == computed.live
    assert (kept.model, kept.verdict, kept.leads, kept.weeks) == (None, "too few", 0, ())


def test_a_file_without_figures_has_none() -> None:
    """A model that is none of ours, or a card without a rehearsal."""
    assert rehearsal(b"no model") == {}

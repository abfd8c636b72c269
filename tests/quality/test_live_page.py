"""The page says what is true of the report, with and without figures."""

import re
from pathlib import Path

import msgspec
import pytest
from live_ledger import HORIZON, empty, filled, now

from leadscoring.quality.groups import Groups
from leadscoring.quality.live import Live
from leadscoring.quality.live_page import headline, page, shown
from leadscoring.quality.reported import compute


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Live:
    """Live quality after the odds have fallen."""
    ledger = filled(tmp_path_factory.mktemp("changed") / "ledger.db", odds=0.3, changes_after=60)
    live = compute(ledger, HORIZON, "lost", now()).live
    ledger.close()
    return live


def test_the_page_says_what_is_wrong(changed: Live) -> None:
    """The verdict of mature leads first, then the alarm, then every part."""
    text = page(changed)
    assert "Conversions are fewer than predicted" in text
    assert "a lower rate or slower sales" in text
    anchors = set(re.findall(r'<section class="card[^>]* id="(\w+)"', text))
    assert anchors == {"verdict", "weeks", "tiers", "evidence", "ranking", "months", "figures", "delays"}
    assert 'style="' not in text
    assert "nan" not in text.lower().replace("finance", "")


def test_each_chart_is_there_for_both_widths(changed: Live) -> None:
    """And says in a sentence what it shows."""
    text = page(changed)
    assert text.count('class="chart only-wide"') == text.count('class="chart only-narrow"') == 4
    assert len(re.findall(r'role="img" aria-label="[A-Z][^"]{20,}"', text)) >= 8


def test_the_page_of_an_empty_ledger_says_what_is_missing(tmp_path: Path) -> None:
    """And has no empty parts."""
    ledger = empty(tmp_path / "ledger.db", 0)
    text = page(compute(ledger, 90, "lost", now()).live)
    ledger.close()
    assert "Too few mature leads for a verdict: 0 of 500" in text
    assert "No lead with an id has been scored" in text
    assert text.count('<section class="card') == 1


def test_the_headline_has_the_alarm_unless_the_verdict_says_more(changed: Live) -> None:
    """An alarm on young leads, while mature ones still hold."""
    assert headline(changed)[0] == "bad"
    held = msgspec.structs.replace(changed, verdict="as predicted")
    assert headline(held) == (
        "look",
        "Fewer conversions than expected: a lower rate or slower sales; mature leads still converted as predicted",
    )
    assert headline(msgspec.structs.replace(held, alarm=None)) == ("ok", "Leads convert as predicted")
    early = msgspec.structs.replace(changed, verdict="too few", mature=20, verdict_from="2026-09-01")
    assert headline(early)[1].endswith(
        "too few mature leads for a verdict: 20 of 500; the first is possible on 2026-09-01"
    )


def test_the_headline_says_that_groups_are_off(changed: Live) -> None:
    """Leads as a whole may convert as predicted while a group does not; mature leads may be too few."""
    steady = msgspec.structs.replace(changed, verdict="as predicted", alarm=None, groups=Groups(43, 1, ()))
    assert headline(steady) == ("look", "Leads as a whole convert as predicted, but 1 of 43 groups is off")
    early = msgspec.structs.replace(steady, verdict="too few", mature=20, verdict_from=None, groups=Groups(43, 2, ()))
    assert headline(early) == ("look", "2 of 43 groups are off; too few mature leads for a verdict: 20 of 500")


def test_leads_that_are_left_out_are_named(changed: Live) -> None:
    """All that are left have an outcome, and say too much of those that won."""
    assert "are left out. Where losses" not in page(changed)
    text = page(msgspec.structs.replace(changed, outcome_silence="unknown"))
    assert "Mature leads without an outcome are left out. Where losses are reported less often" in text
    assert "100%</b><p>of the mature leads have an outcome" not in text


def test_names_of_models_stay_text(changed: Live) -> None:
    """Whatever a file says."""
    assert changed.model is not None
    named = msgspec.structs.replace(changed, model=msgspec.structs.replace(changed.model, name="<script>"))
    assert "<script>" not in page(named)


def test_evidence_of_any_size_is_short() -> None:
    """It multiplies, and may be of any size."""
    assert [shown(value) for value in (0.5, 123.4, 5e20)] == ["0.50", "123", "over a million"]

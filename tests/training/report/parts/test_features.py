"""What the score looks at is shown by feature, group and period."""

import json
from typing import Any

from past_leads import trained

from leadscoring.training.report.parts.features import effects, over_time, period, segments, signed

FIGURE = {"value": 0.2, "low": 0.1, "high": 0.3}


def data(**more: Any) -> dict[str, Any]:
    """The report of made-up leads."""
    copy: dict[str, Any] = json.loads(json.dumps(trained(2000).report))
    return copy | more


def test_a_curve_is_drawn_of_what_has_an_order() -> None:
    """Of visits, not of sources; the values of both are listed."""
    text = effects(data())
    assert text.count('class="effect"') == 3
    assert all(f"<bdi>{value}</bdi>" in text for value in ("web", "event", "partner", "unknown"))
    assert signed(-0.5) == "\N{MINUS SIGN}0.50"


def test_groups_that_are_off_come_first() -> None:
    """With a verdict in words; of a page without groups, nothing."""
    one = {"feature": "source", "leads": 100, "predicted": 0.2, "observed": FIGURE, "roc_auc": None}
    every = [
        one | {"value": "fine", "verdict": "as predicted"},
        one | {"value": "off", "verdict": "more than predicted"},
    ]
    text = segments(data(segments=every))
    assert text.index("<bdi>off</bdi>") < text.index("<bdi>fine</bdi>")
    assert "more than predicted" in text
    assert segments(data(segments=[])) == ""


def test_periods_are_drawn_and_listed() -> None:
    """Those that were not predicted say so; one period is no course."""
    one = {"leads": 100, "observed": FIGURE, "from": "2025-01-02", "to": "2025-01-30"}
    every = [one | {"predicted": None, "verdict": None}, one | {"predicted": 0.2, "verdict": "as predicted"}]
    text = over_time(data(over_time=every))
    assert "0 of 1 periods are off by more than chance" in text
    assert "trained on" in text
    assert over_time(data(over_time=every[:1])) == ""
    assert (period(one), period(one | {"to": "2025-01-04"})) == ("Jan 2025", "2 Jan 2025")

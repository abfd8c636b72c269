"""The parts by which a team decides say what the data say."""

import json
from typing import Any

import pytest
from past_leads import trained

from leadscoring.training.report.parts.deciding import (
    amount,
    check,
    comparison,
    cutoff,
    following,
    heading,
    sign_of,
    verdict,
    warnings,
)


def data(**more: Any) -> dict[str, Any]:
    """The report of made-up leads."""
    copy: dict[str, Any] = json.loads(json.dumps(trained(2000).report))
    return copy | more


@pytest.mark.parametrize(
    ("level", "sign", "shown"),
    [
        ("good", "look", "ok"),
        ("usable", "ok", "ok"),
        ("usable", "look", "look"),
        ("weak", "ok", "look"),
        ("unusable", "ok", "bad"),
    ],
)
def test_a_verdict_has_the_sign_of_its_level(level: str, sign: str, shown: str) -> None:
    """A usable model that of its points."""
    assert sign_of({"level": level, "checks": [{"sign": sign}]}) == shown


def test_the_verdict_has_its_points_and_figures() -> None:
    """Each point with a sentence; the figures with what they are compared with."""
    text = verdict(data())
    assert text.count('class="check"') == len(data()["verdict"]["points"])
    assert text.count('class="kpi"') == 4
    assert "0.5 is chance, 1 is perfect" in text


def test_a_warning_is_not_repeated() -> None:
    """If it is among the points of the verdict."""
    point = data()["verdict"]["points"][0]
    assert warnings(data(warnings=[point])) == ""
    assert warnings(data(warnings=["<look>"])).count("&lt;look&gt;") == 1


def test_leaks_do_not_push_the_cut_off_out_of_sight() -> None:
    """They are one point of the verdict, with a link to their evidence; many warnings are folded away."""
    dropped = {f"c{k}": "a probable leak: late" for k in range(9)}
    leaks = [f"'c{k}' was left out: a probable leak: late" for k in range(9)]
    about = "9 columns were left out as known, or changed, only after the outcome: 'c0'"
    columns = data()["columns"] | {"dropped": dropped}
    assert warnings(data(columns=columns, warnings=[about, *leaks])) == ""
    many = warnings(data(columns=columns, warnings=[*leaks, *(f"look {k}" for k in range(6))]))
    assert many.index("Look 3") < many.index("<summary>2 more</summary>") < many.index("Look 4")
    linked = check({"sign": "ok", "title": "Leaks", "text": "were left out", "part": "left-out"})
    assert '<a href="#left-out">Evidence</a>' in linked


def test_cut_offs_are_a_month_where_that_is_known() -> None:
    """Else of 1,000 leads; small numbers have a decimal."""
    assert "Leads of 1,000" in cutoff(data())
    rows = [row | {"leads_per_month": 12.34, "conversions_per_month": 5.0} for row in data()["cutoffs"]]
    assert "Leads a month" in cutoff(data(cutoffs=rows))
    assert ">12.3<" in cutoff(data(cutoffs=rows))
    assert [amount(one) for one in (3.14, 19.96, 20.4, 12345.6)] == ["3.1", "20.0", "20", "12,346"]


def test_better_is_to_the_right() -> None:
    """Of a figure of which less is better, too; without a served model there is nothing."""
    figure = {"name": "log-loss", "better": "less", "served": 0.3, "candidate": 0.2, "verdict": "better"}
    figure |= {"difference": {"value": -0.1, "low": -0.12, "high": -0.08}}
    said = {"model": {"name": "old", "version": "1"}, "leads": 9, "overlap": "fair to both", "figures": [figure]}
    text = comparison(data(comparison=said))
    assert float(text.split('cx="')[1].split("%")[0]) > 50
    assert "\N{MINUS SIGN}0.1000" in text
    assert comparison(data()) == ""


def test_commands_are_shown_to_be_copied() -> None:
    """As they are, with the reason; without any there is no part."""
    text = following(data(next=[{"command": "leadscoring score 'a b' & c", "why": "because"}]))
    assert "<code>leadscoring score &#x27;a b&#x27; &amp; c</code>" in text
    assert "<bdi>Because</bdi>:" in text
    assert following(data(next=[])) == ""


def test_the_heading_says_what_it_was_trained_on() -> None:
    """Or evaluated on."""
    assert "Trained on 2,000 leads" in heading(data(), "made-up 1.0.0")
    assert "Evaluated on" in heading(data(kind="evaluate"), "made-up 1.0.0")

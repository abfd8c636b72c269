"""The figures of quality stand with their intervals."""

import json
from typing import Any

from past_leads import trained

from leadscoring.training.report.parts.quality import calibration, figures, rate, scores, tiers


def data(**more: Any) -> dict[str, Any]:
    """The report of made-up leads."""
    copy: dict[str, Any] = json.loads(json.dumps(trained(2000).report))
    return copy | more


def test_calibration_stands_beside_that_of_a_perfect_model() -> None:
    """A gap of 3 % is read rightly only by who knows what chance does; each group is drawn."""
    text = calibration(data())
    assert text.count("A perfectly calibrated model would show") == 1
    assert text.count("c-dot") == 2 * len(data()["held_out"]["bins"]) + 1


def test_scores_are_drawn_by_outcome() -> None:
    """Both, for a wide and a narrow screen."""
    assert scores(data()).count("of those that converted") > 0
    assert "did not convert" in scores(data())


def test_a_tier_has_its_leads_and_what_came_of_them() -> None:
    """The definitions of the model file are folded away; a tier without leads says so."""
    text = tiers(data())
    assert all(f"<span>{row['leads']:,}</span>" in text for row in data()["held_out"]["tiers"])
    assert "As the model file defines them" in text
    assert rate({"value": None, "low": None, "high": None}) == "no leads"


def test_all_figures_are_there() -> None:
    """Held out and out of fold; of an evaluation, what was evaluated."""
    assert "Out of fold" in figures(data())
    evaluated = data(kind="evaluate")
    del evaluated["out_of_fold"]
    assert "Evaluated" in figures(evaluated)
    assert "Results by tenth" in figures(data())


def test_tiers_of_the_file_that_differ_from_those_above_say_why() -> None:
    """They are of the model of all leads; those of an evaluated file are the same, and say nothing."""
    both = data()
    assert "the file has the model" not in tiers(both | {"measured_thresholds": both["tiers"]["thresholds"]})
    moved = [value + 0.01 for value in both["tiers"]["thresholds"]]
    assert "the file has the model of all leads" in tiers(both | {"measured_thresholds": moved})

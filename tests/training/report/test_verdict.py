"""The verdict follows from what is known of a generated truth, and no doubtful model is called good."""

from typing import Any

import numpy as np
import pytest
from past_leads import leads, trained

from leadscoring.quality.figures import Quality, measure
from leadscoring.training.evaluate import evaluate
from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions
from leadscoring.training.report.verdict import LEVELS, Seen, level_of, verdict

TIERS = (0.5, 0.35, 0.2, 0.1)


def quality(rows: int, seed: int = 0, *, noise: bool = False, off: float = 0.0, sharp: float = 1.6) -> Quality:
    """The figures of leads whose probabilities are true, are noise, or are off by ``off`` log-odds."""
    random = np.random.default_rng(seed)
    margin = random.normal(-1.6, sharp, rows)
    p = 1.0 / (1.0 + np.exp(-margin))
    y = (random.random(rows) < (0.2 if noise else p)).astype(float)
    return measure(y, 1.0 / (1.0 + np.exp(-margin - off)), TIERS, resamples=200)


def level(figures: Quality, **more: Any) -> str:
    """The level of some figures."""
    return level_of(Seen(quality=figures, **more))


def signs(**seen: Any) -> dict[str, str]:
    """The sign of each point."""
    return {check["title"]: check["sign"] for check in verdict(Seen(**seen))["checks"]}


def test_an_honest_good_model_is_good() -> None:
    """Its headline says what it brings, in words that need no statistics."""
    figures = quality(4000)
    said = verdict(Seen(quality=figures, later=True))
    assert said["level"] == "good"
    assert said["headline"].startswith("Good enough to decide whom to call: the best tenth of the leads converts ")
    assert f"{figures.tenths[0].lift.value:.1f} times as often as average" in said["headline"]
    assert [check["sign"] for check in said["checks"]][:2] == ["ok", "ok"]
    assert said["points"][0].startswith("Ranks well: in ")


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_never_good(seed: int) -> None:
    """Nor usable, however the dice fall."""
    assert level(quality(2000, seed, noise=True)) in {"unusable", "weak"}


def test_few_leads_are_not_enough_for_good() -> None:
    """The verdict names them as too few; if chance could do the same, the model is not usable, but not bad either."""
    assert level(quality(120)) in {"usable", "weak", "unusable"}
    assert level(quality(150, 1, sharp=3.0)) in {"usable", "weak"}
    tiny = Seen(quality=quality(60, 0, noise=True))
    assert "too few leads" in verdict(tiny)["headline"]
    assert signs(quality=quality(120))["Few leads"] == "look"


def test_percentages_that_are_off_leave_the_order() -> None:
    """So do those that so few leads cannot judge."""
    said = verdict(Seen(quality=quality(4000, off=0.8)))
    assert said["level"] == "usable"
    assert "for the order of the calls, not for the percentages" in said["headline"]
    assert signs(quality=quality(4000, off=0.8))["The percentages are off"] == "look"
    assert signs(quality=quality(400))["The percentages cannot be judged"] == "look"


def test_what_is_too_good_is_not_to_be_used() -> None:
    """As is what is nearly so, if there is a doubt."""
    assert level(quality(3000, sharp=40.0), doubts=["too good"]) == "unusable"
    nearly = quality(3000, sharp=9.0)
    assert 0.95 < nearly.roc_auc.value < 0.99
    assert level(nearly, doubts=["'duration' alone"]) == "weak"
    assert level(nearly) == "good"


@pytest.mark.parametrize("more", [{"doubts": ["'stage': judging by the name"]}, {"remembered": True}])
@pytest.mark.parametrize("seed", range(5))
def test_no_model_with_a_doubt_is_good(more: dict[str, Any], seed: int) -> None:
    """Nor one that was measured on what it remembers; the doubt is named where the verdict is."""
    said = verdict(Seen(quality=quality(4000, seed), **more))
    assert LEVELS.index(said["level"]) <= LEVELS.index("usable")
    assert all(doubt in " ".join(said["points"]) for doubt in more.get("doubts", []))


def test_tiers_in_the_wrong_order_are_weak() -> None:
    """Whatever the other figures are."""
    random = np.random.default_rng(0)
    p = random.uniform(0.02, 0.6, 4000)
    y = (random.random(4000) < np.where(p > 0.5, 0.15, p)).astype(float)
    said = verdict(Seen(quality=measure(y, p, TIERS, resamples=50)))
    assert (said["level"], said["headline"][:5]) == ("weak", "Weak:")


def test_changes_and_groups_are_pointed_out() -> None:
    """Each with what is the case."""
    observed = measure([0.0, 1.0] * 50, [0.3] * 100, resamples=50).base_rate
    group = {
        "feature": "source",
        "value": "fair",
        "predicted": 0.3,
        "observed": observed,
        "verdict": "more than predicted",
    }
    period = {"from": "2025-01-01", "to": "2025-01-31", "verdict": "fewer than predicted"}
    figures = quality(4000)
    assert signs(quality=figures, segments=[group])["Off for some groups"] == "look"
    fitting = {**group, "verdict": "as predicted"}
    assert signs(quality=figures, segments=[fitting])["One group compared"] == "note"
    assert signs(quality=figures, segments=[fitting] * 2)["As good for every group"] == "ok"
    assert signs(quality=figures, moved=["it rose"])["Changes over time"] == "look"
    assert signs(quality=figures, over_time=[period])["Changes over time"] == "look"
    assert signs(quality=figures, left_out=["stage"])["Leaks were left out"] == "ok"
    assert signs(quality=figures)["Not tested over time"] == "note"


def test_a_trained_leak_is_not_good() -> None:
    """A column that was written after the outcome, and kept, is doubted."""
    frame = leads(1500)
    late = 3.0 * (frame["won"] == "yes").to_numpy() + np.random.default_rng(3).normal(size=1500)
    report = train(
        frame.with_columns(duration=late), TrainOptions(target="won", keep=("duration",), because=("x",))
    ).report
    assert report["verdict"]["level"] in {"weak", "unusable"}
    assert "'duration'" in " ".join(report["verdict"]["points"])
    assert "--ignore duration" in report["next"][0]["command"]
    assert "--keep" not in report["next"][0]["command"]


def test_the_leads_of_the_training_show_nothing(tmp_path: Any) -> None:
    """Whatever the figures are."""
    leads(400).write_csv(tmp_path / "past.csv")
    train(tmp_path / "past.csv", TrainOptions(target="won")).save(tmp_path / "m.json")
    said = evaluate(tmp_path / "m.json", tmp_path / "past.csv", "won")["verdict"]
    assert said["level"] != "good"
    assert "trained on" in " ".join(said["points"])
    assert trained().report["verdict"]["points"][-1].startswith("What not to believe: ")


def test_the_headline_of_few_leads_has_its_interval() -> None:
    """A factor of few leads is read as what it is; that of many needs none."""
    figures = quality(150, 1, sharp=3.0)
    lift = figures.tenths[0].lift
    assert (
        f"times as often as average (95%: {lift.low:.1f} to {lift.high:.1f})"
        in verdict(Seen(quality=figures))["headline"]
    )
    assert "(95%" not in verdict(Seen(quality=quality(4000)))["headline"]

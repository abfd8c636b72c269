"""The summary of a training or an evaluation: what matters stands first and last."""

from typing import Any

from past_leads import trained

from leadscoring.cli.summary import next_steps, summary

VERDICT = {"level": "usable", "headline": "Good enough to order a call list.", "points": ["few leads", "two leaks"]}


def texts(**more: Any) -> list[str]:
    """The lines of a summary."""
    return [line.text for line in summary(trained().report | more)]


def test_it_says_what_was_inferred() -> None:
    """Features, figures and tiers."""
    text = "\n".join(texts())
    for words in ("visits: integer, from 0, required", "ROC-AUC", "won: the target", "A  the best tenth"):
        assert words in text


def test_the_calibration_error_stands_beside_that_of_chance() -> None:
    """A gap of 3 % is read rightly only by who knows what a perfect model shows on as many leads."""
    line = next(line for line in texts() if "calibration error" in line)
    assert "a perfectly calibrated model would show " in line


def test_what_needs_attention_stands_above_what_is_noted() -> None:
    """Who reads three lines should have read the warnings."""
    lines = texts(warnings=["look here"], aside=["left out"], notes=["by the way"], reading=[])
    assert lines[1:4] == ["warning: look here", "excluded column: left out", "note: by the way"]


def test_a_leak_is_described_once() -> None:
    """Among the columns that were excluded, first of them; one warning names them all."""
    columns = trained().report["columns"] | {
        "dropped": {"won": "the target", "tags": "a probable leak: it says too much"}
    }
    warnings = ["1 column was left out: 'tags'", "'tags' was left out: a probable leak: it says too much"]
    lines = texts(columns=columns, warnings=warnings)
    assert [line for line in lines if "it says too much" in line] == ["  tags: a probable leak: it says too much"]
    assert lines.index("  tags: a probable leak: it says too much") < lines.index("  won: the target")


def test_the_verdict_and_the_next_commands_stand_at_the_end() -> None:
    """Where somebody looks who has waited for it; reports without them are printed too."""
    lines = texts(verdict=VERDICT)
    assert lines[-3:] == ["Verdict: usable. Good enough to order a call list.", "  - few leads", "  - two leaks"]
    assert not any("Verdict" in line for line in texts(verdict=None))
    steps = next_steps({"next": [{"command": "leadscoring serve", "why": "it scores new leads"}]})
    assert [(line.text, line.style) for line in steps[1:]] == [
        ("Next:", "heading"),
        ("  leadscoring serve", "command"),
        ("      it scores new leads", ""),
    ]
    assert next_steps({}) == []


def test_the_served_model_stands_beside_the_new_one() -> None:
    """With the words of the comparison, and what may make it unfair."""
    interval = {"value": 0.01, "low": 0.0, "high": 0.02}
    figure = {"name": "ROC-AUC", "served": {"value": 0.8, "low": 0.7, "high": 0.9}, "candidate": 0.81}
    comparison = {
        "model": {"name": "leads", "version": "1.0.0"},
        "overlap": "it may have been trained on some of them",
        "figures": [figure | {"difference": interval, "verdict": "better"}],
    }
    lines = texts(comparison=comparison)
    assert "Compared with leads 1.0.0 on the same leads:" in lines
    assert any(line.startswith("  ROC-AUC ") and line.endswith("0.800 to 0.810: better") for line in lines)
    assert "  it may have been trained on some of them" in lines


def test_what_flatters_the_served_model_stands_before_the_figures() -> None:
    """And what is worse is so with that reservation."""
    figure = {"name": "ROC-AUC", "served": 0.9, "candidate": 0.8, "verdict": "worse"}
    known = "the served model was trained on this very file, these leads included, which flatters it in this comparison"
    comparison = {"model": {"name": "leads", "version": "1.0.0"}, "overlap": known, "figures": [figure]}
    lines = texts(comparison=comparison)
    place = lines.index(f"  {known}")
    assert lines[place + 1].endswith("0.900 to 0.800: worse, as far as leads can say that the served model may know")
    fair = comparison | {"overlap": "the served model was trained on earlier leads only"}
    assert texts(comparison=fair)[place + 1].endswith("0.900 to 0.800: worse")


def test_an_evaluation_has_the_tiers_of_its_own_leads() -> None:
    """Not those of training, which say nothing of these."""
    held_out = trained().report["held_out"] | {
        "tiers": [{"tier": "A", "leads": 1200, "positives": 600}, {"tier": "B", "leads": 0, "positives": 0}]
    }
    lines = texts(kind="evaluate", held_out=held_out)
    assert lines[lines.index("Tiers of these leads:") + 1] == "  A  600 of 1,200 leads converted (50.0%)"
    assert "  B  0 of 0 leads converted" in lines
    assert not any("past leads" in line for line in lines)


def test_other_scores_of_the_file_are_explained() -> None:
    """The tiers of the model file begin elsewhere than those that were measured, which is no fault of either."""
    thresholds = trained().report["tiers"]["thresholds"]
    assert any("the file has the model of all leads" in line for line in texts(measured_thresholds=[0.9, 0.5]))
    assert not any("begin at slightly" in line for line in texts(measured_thresholds=thresholds))

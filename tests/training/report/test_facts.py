"""The facts of a report are plain data, and what is doubtful in them is said."""

import json
import math

import msgspec
import numpy as np
import pytest
from past_leads import trained

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.quality.figures import Quality, measure
from leadscoring.training.report.facts import (
    HISTOGRAM_BINS,
    as_plain,
    cautions,
    column_facts,
    histogram,
    model_facts,
    moved_rates,
)


def test_a_base_rate_that_moves_is_warned_of() -> None:
    """A change along time beyond chance is told, a steady rate is not."""
    random, time = np.random.default_rng(0), np.arange(2000.0)
    assert moved_rates((random.random(2000) < 0.1 + time / 5000).astype(float), time)
    assert not moved_rates((random.random(2000) < 0.3).astype(float), time)


def test_a_report_is_data_that_json_gives_back() -> None:
    """No number in it is none."""
    report = trained().report
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert as_plain({"a": math.nan, "b": np.float64(0.5).item(), "c": Feature("x", "number")})["a"] is None


def test_the_histogram_counts_every_lead_once_by_its_outcome() -> None:
    """Those at both ends too."""
    p = np.array([0.0, 0.049, 0.05, 0.5, 1.0])
    found = histogram(np.array([1.0, 0.0, 1.0, 0.0, 1.0]), p)
    assert len(found["edges"]) == HISTOGRAM_BINS + 1
    assert (sum(found["converted"]), sum(found["not_converted"])) == (3, 2)
    assert (found["converted"][:2], found["converted"][-1]) == ([1, 1], 1)


def test_a_column_is_told_by_what_its_kind_has() -> None:
    """A category by its values, others by their bounds."""
    number = column_facts(Feature("visits", "integer", required=True, minimum=0))
    assert number == {"name": "visits", "kind": "integer", "required": True, "minimum": 0, "maximum": None}
    category = column_facts(Feature("source", "category", values=("web",), other=True))
    assert (category["values"], category["other"]) == (["web"], True)
    date = column_facts(Feature("created", "date", aspects=(Aspect("age"), Aspect("since", "seen")), planned=True))
    assert (date["columns"], date["planned"]) == (["age", "since seen"], True)
    assert model_facts(None)["version"] == ""


def quality(y: np.ndarray, p: np.ndarray) -> Quality:
    """The figures of some leads."""
    return measure(y, p, (0.9, 0.6, 0.4, 0.2), resamples=100)


@pytest.mark.parametrize(
    ("rows", "off", "words"),
    [(2000, 0.2, ["predicted and observed"]), (300, 0.2, ["predicted and observed"]), (2000, 0.0, [])],
)
def test_probabilities_that_are_off_are_doubted(rows: int, off: float, words: list[str]) -> None:
    """Where the error is larger than chance explains for as many leads."""
    random = np.random.default_rng(1)
    p = random.uniform(0.05, 0.75, rows)
    y = (random.random(rows) < p).astype(float)
    said = [words for words in cautions(quality(y, p + off)) if "few to evaluate on" not in words]
    assert len(said) == len(words)
    assert all(word in one for word, one in zip(words, said, strict=True))


def test_a_ranking_that_is_chance_is_doubted() -> None:
    """Whatever the probabilities are worth."""
    random = np.random.default_rng(1)
    y = (random.random(2000) < 0.3).astype(float)
    figures = quality(y, random.uniform(0.29, 0.31, 2000))
    assert any("ROC-AUC" in words for words in cautions(figures))
    better = msgspec.structs.replace(figures, roc_auc=msgspec.structs.replace(figures.roc_auc, value=0.8))
    assert cautions(better) == []


def test_figures_of_few_leads_come_with_how_uncertain_they_are() -> None:
    """What chance could have made is not read as the quality of the model."""
    random = np.random.default_rng(1)
    p = random.uniform(0.05, 0.75, 60)
    figures = quality((random.random(60) < p).astype(float), p)
    words = next(words for words in cautions(figures) if "are few to evaluate on" in words)
    assert words.startswith(f"60 leads, of which {figures.positives} converted")
    assert f"between {figures.roc_auc.low:.2f} and {figures.roc_auc.high:.2f}" in words

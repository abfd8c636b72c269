"""Leads of later files are seen as of the same moment, whether or not their outcomes are looked at."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from leadscoring.model.file import open_model
from leadscoring.training.drift import drift_of
from leadscoring.training.evaluate import evaluate
from leadscoring.training.fit import train
from leadscoring.training.later_files import dates_of, moments_in
from leadscoring.training.leads import gather
from leadscoring.training.options import TrainOptions
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.table import read_source

ROWS = 400
FUTURE = "were not known then, and were read as missing"


def deals(seed: int = 0) -> pl.DataFrame:
    """Deals with a date that comes after some outcomes, and no column that is the moment."""
    random = np.random.default_rng(seed)
    created = [date(2025, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 300, ROWS)]
    visits = random.poisson(4, ROWS)
    won = random.random(ROWS) < 1.0 / (1.0 + np.exp(2.0 - 0.5 * visits))

    def later(most: int) -> list[str]:
        days = random.integers(0, most, ROWS).tolist()
        return [(day + timedelta(days=more)).isoformat() for day, more in zip(created, days, strict=True)]

    closed = later(60)
    return pl.DataFrame(
        {
            "Created": [day.isoformat() for day in created],
            "Webinar": later(80),
            "Visits": visits,
            "Close Date": closed,
            "Stage": np.where(won, "Won", "Lost"),
        }
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose card names no column for the moment."""
    path = tmp_path_factory.mktemp("later") / "m.json"
    train(deals(), TrainOptions(target="Stage", positive="Won")).save(path)
    return path


@pytest.mark.parametrize("without", [(), ("Close Date",), ("Webinar", "Created")])
def test_drift_sees_a_lead_as_of_the_moment_of_evaluate(model: Path, without: tuple[str, ...]) -> None:
    """Also a file that lacks the date of the outcome, or the dates that would be the moment."""
    card, table = open_model(model).card, read_source(deals(3).drop(without))
    assert card.read_as.dated.as_of == ""
    evaluated = gather(table, "Stage", MissingTokens(), positive=("Won",), dated=dates_of(card, table)).as_of
    np.testing.assert_equal(moments_in(card, table), evaluated)


def test_dates_after_the_moment_are_warned_of_as_in_training(model: Path) -> None:
    """By both, with the same count; the warning of training says the same."""
    fresh = deals(3)
    evaluated, drifted = (
        [words for words in report["warnings"] if FUTURE in words]
        for report in (evaluate(model, fresh, "Stage"), drift_of(model, fresh))
    )
    assert len(evaluated) == 1
    assert evaluated[0].startswith("'Webinar' holds ")
    assert drifted == evaluated
    trained = train(fresh, TrainOptions(target="Stage", positive="Won")).report["warnings"]
    assert evaluated[0] in trained

"""Outcomes come from dates where these say more than a stage does."""

import numpy as np
import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import Dated
from leadscoring.training.outcome_dates import FILLED, Decided, before, decided
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.table import read_source

FRAME = pl.DataFrame(
    {
        "Stage": ["Won", "Lost", "Open", "Lost"],
        "Won on": ["2025-01-05", None, None, "2025-01-02"],
        "Lost on": [None, "2025-01-07", None, "2025-01-09"],
    }
)


def found(target: str, frame: pl.DataFrame = FRAME, positive: tuple[str, ...] = (), **dated: str) -> Decided:
    """The outcomes of a frame."""
    return decided(read_source(frame), target, positive, (), MissingTokens(), {}, Dated(**dated))  # type: ignore[arg-type]  # columns only


def test_a_date_in_the_target_means_converted() -> None:
    """Without dates of loss the others did not, and a warning counts them."""
    result = found("Won on")
    assert result.outcome.column.to_list() == [1.0, 0.0, 0.0, 1.0]
    assert result.outcome.positive == (FILLED,)
    assert "2 leads without a date in 'Won on' count as not converted" in result.outcome.warnings[0]
    assert found("Won on", positive=(FILLED,)).outcome.column.to_list() == [1.0, 0.0, 0.0, 1.0]


def test_dates_of_loss_tell_lost_from_open() -> None:
    """The later date of a lead counts, and a lead with neither is open."""
    result = found("Won on", lost="Lost on")
    assert result.outcome.column.to_list() == [1.0, 0.0, None, 0.0]
    assert result.outcome.waiting == 1
    assert result.outcome.warnings == ()
    assert result.when is not None
    assert np.isnan(result.when).tolist() == [False, False, True, False]
    assert set(result.named) == {"Lost on"}


def test_a_stage_may_have_dates_beside_it() -> None:
    """The stage decides, the dates say when."""
    result = found("Stage", won="Won on", lost="Lost on")
    assert result.outcome.column.to_list() == [1.0, 0.0, None, 0.0]
    assert result.outcome.undecided is not None
    assert result.outcome.undecided.to_list() == [False, False, True, False]
    assert set(result.named) == {"Won on", "Lost on"}


@pytest.mark.parametrize(
    ("target", "won", "words"),
    [
        ("Stage", "Stage", "--won-date needs a column of dates.*'Won'"),
        ("Stage", "W", "--won-date names the column 'W'"),
    ],
)
def test_a_column_of_no_dates_is_refused(target: str, won: str, words: str) -> None:
    """With what it holds, or what there is."""
    with pytest.raises(TrainingDataError, match=words):
        found(target, won=won)


def test_a_target_with_a_date_in_every_row_is_refused() -> None:
    """It is a plan, most likely: the way out is named."""
    with pytest.raises(TrainingDataError, match="planned date"):
        found("Won on", FRAME.with_columns(pl.col("Won on").fill_null("2026-01-01")))


def test_an_outcome_before_the_moment_is_a_warning() -> None:
    """With a horizon or without; the moment is then no honest one. Unknown dates do not count."""
    (words,) = before(np.array([1.0, 9.0, np.nan]), np.array([5.0, 5.0, 5.0]))
    assert words.startswith("1 of 2 leads have an outcome before the moment")
    assert (
        before(np.array([5.0]), np.array([5.0])) == before(None, np.array([5.0])) == before(np.array([1.0]), None) == ()
    )

"""What a random split hides about later leads is measured and reported."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from leaky import leads_of

from leadscoring.training.leads import Leads
from leadscoring.training.order import drifts, with_order
from leadscoring.training.reading.missing import MissingTokens

ROWS = 2000
RANDOM = np.random.default_rng(6)
STEADY = pl.DataFrame({f"x{k}": RANDOM.normal(size=ROWS) for k in range(3)})
Y = (RANDOM.random(ROWS) < 1 / (1 + np.exp(1 - STEADY["x0"].to_numpy()))).astype(float)
TURN = np.arange(ROWS) > 0.6 * ROWS
TURNED = (RANDOM.random(ROWS) < 1 / (1 + np.exp(1 - np.where(TURN, -2.0, 2.0) * STEADY["x0"].to_numpy()))).astype(float)
DAYS = pl.Series("Created", [str(datetime(2025, 1, 1) + timedelta(hours=k)) for k in range(ROWS)])  # noqa: DTZ001 - as in exports


def ordered(y: np.ndarray[tuple[int], np.dtype[np.float64]], *dates: pl.Series, **more: object) -> Leads:
    """The leads with what their order says."""
    made = leads_of(STEADY.with_columns(*dates), y)
    for name, value in more.items():
        made = Leads(made.frame, made.y, made.outcome, made.named, **{name: value})  # type: ignore[arg-type]  # a field
    return with_order(made, STEADY, MissingTokens(), 1)


def test_a_date_that_could_be_the_time_is_named() -> None:
    """With the figures of both splits, as a note where they hardly differ."""
    found = ordered(Y, DAYS)
    (note,) = found.notes
    assert note.startswith("'Created' could be the time of the leads: quick models reach a ROC-AUC of 0.")
    assert "on the latest 30% by 'Created'" in note
    assert note.endswith("--time 'Created' holds out the latest leads")
    assert found.warnings == ()


def test_a_random_split_that_flatters_is_a_warning() -> None:
    """Where what leads mean has turned."""
    (warning,) = ordered(TURNED, DAYS).warnings
    assert (
        "The figures of this training are those of random leads: --time 'Created' holds out the latest leads" in warning
    )


def test_with_a_time_the_difference_is_a_note() -> None:
    """The figures are those of later leads then."""
    found = ordered(TURNED, time=np.arange(ROWS, dtype=float))
    (note,) = found.notes
    assert "on the latest 30% by time" in note
    assert found.warnings == ()


def test_dates_of_the_outcome_are_not_the_time() -> None:
    """Nor those of a change."""
    assert ordered(Y, DAYS.rename("Close Date"), DAYS.rename("Last Modified Date")).notes == ()


def test_rows_in_time_order_are_noticed_without_a_time() -> None:
    """By a conversion rate that moves along the file."""
    rising = (RANDOM.random(ROWS) < np.linspace(0.05, 0.5, ROWS)).astype(float)
    (warning,) = ordered(rising).warnings
    assert warning.startswith("the rows seem to be in time order: the conversion rate moves from ")
    assert "in the order of the rows" in warning


def test_other_files_are_not_taken_for_ordered() -> None:
    """A steady one, and one that is sorted by the outcome."""
    assert ordered(Y).warnings == ()
    assert not drifts(np.sort(Y))
    assert not any(drifts((np.random.default_rng(seed).random(500) < 0.3).astype(float)) for seed in range(200))

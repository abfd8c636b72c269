"""A horizon judges every lead by the same time."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.errors import TrainingDataError
from leadscoring.training.horizon import DAY, parse_days, within
from leadscoring.training.outcome import Outcome


def outcome(y: list[float | None], undecided: list[bool] | None = None) -> Outcome:
    """Outcomes before the horizon."""
    still = None if undecided is None else pl.Series(undecided)
    return Outcome(pl.Series("won", y, dtype=pl.Float64), ("Won",), (), undecided=still)


def days(values: Sequence[float | None]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Days as moments."""
    return np.array([np.nan if value is None else value for value in values]) * DAY


@pytest.mark.parametrize(("text", "count"), [("90d", 90), ("12w", 84), ("30 days", 30), ("2 weeks", 14)])
def test_a_horizon_is_days_or_weeks(text: str, count: int) -> None:
    """As people write them."""
    assert parse_days(text) == count


@pytest.mark.parametrize("text", ["", "0d", "-3d", "90", "3m", "soon"])
def test_another_horizon_is_refused(text: str) -> None:
    """A month is no number of days."""
    with pytest.raises(TrainingDataError, match="90d or 12w"):
        parse_days(text)


def test_every_lead_is_judged_by_the_same_time() -> None:
    """In time, later, lost, open for long; young ones and those without a date are out and counted."""
    y = [1.0, 1.0, 0.0, None, 1.0, None, 1.0]
    result = within(
        outcome(y, [False, False, False, True, False, True, False]),
        days([5, 50, 9, None, 101, None, None]),
        days([1, 1, 1, 1, 100, 100, 1]),
        30,
    )
    assert result.column.to_list() == [1.0, 0.0, 0.0, 0.0, None, None, None]
    late, young, undated = result.notes
    assert "1 leads did; 1 converted later and 1 have no outcome" in late
    assert "2 leads were left out: they are younger than 30 days on 1970-04-12" in young
    assert "1 rows were left out: they converted, but have no date" in undated


def test_a_horizon_needs_dates() -> None:
    """Of the outcome and of the lead; and leads that are old enough."""
    with pytest.raises(TrainingDataError, match="--won-date"):
        within(outcome([1.0]), None, days([1]), 30)
    with pytest.raises(TrainingDataError, match="--as-of"):
        within(outcome([1.0]), days([1]), None, 30)
    with pytest.raises(TrainingDataError, match="no lead is 30 days old on 1970-01-03"):
        within(outcome([1.0]), days([2]), days([1]), 30)


@given(st.lists(st.tuples(st.integers(0, 300), st.one_of(st.none(), st.integers(0, 200))), min_size=1, max_size=40))
def test_no_lead_is_judged_before_its_time(leads: list[tuple[int, int | None]]) -> None:
    """Whatever the leads: one that is judged is old enough, and converted exactly if it did so in time."""
    start = days([first for first, _ in leads] + [0])
    when = days([None if wait is None else first + wait for first, wait in leads] + [400])
    y = [None if wait is None else 1.0 for _, wait in leads] + [1.0]
    result = within(outcome(y, [value is None for value in y]), when, start, 60).column.to_list()
    end = np.nanmax(np.r_[start, when])
    for judged, first, then in zip(result, start, when, strict=True):
        if judged is None:
            assert first + 60 * DAY > end
        else:
            assert bool(judged) == bool(then <= first + 60 * DAY)

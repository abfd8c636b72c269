"""What lies after the moment of a lead does not count, nor what was computed from it."""

import numpy as np
import polars as pl
import pytest

from leadscoring.training.later import DAY, computed, ranked, seen

ROWS = 1000
RANDOM = np.random.default_rng(4)
AS_OF = np.sort(RANDOM.uniform(0, 1000, ROWS)).round() * DAY
LASTS = np.exp(RANDOM.normal(3.7, 0.7, ROWS))
CLOSED = AS_OF + LASTS * DAY
LATER = {"Finished": CLOSED}
EXPORT = 1200 * DAY


@pytest.mark.parametrize(
    "values",
    [
        np.floor(LASTS),
        (LASTS * 24).round(1),
        np.where(RANDOM.random(ROWS) < 0.3, np.nan, LASTS / 7),
        ((EXPORT - CLOSED) / DAY).round(),
        100.0 - np.floor(LASTS),
    ],
    ids=["days", "hours", "weeks, with gaps", "days since", "days left of 100"],
)
def test_a_number_computed_from_a_later_date_is_seen(values: np.ndarray) -> None:
    """A duration in any unit, and the time that has passed since."""
    assert "'Finished', which is after" in computed(pl.Series("c", values).fill_nan(None), AS_OF, LATER)


@pytest.mark.parametrize(
    "values",
    [
        ((EXPORT - AS_OF) / DAY).round(),
        AS_OF / DAY,
        RANDOM.normal(size=ROWS),
        LASTS * np.exp(RANDOM.normal(size=ROWS)),
        RANDOM.integers(0, 2, ROWS).astype(float),
        np.full(ROWS, np.nan),
    ],
    ids=["days since the beginning", "the calendar", "noise", "what makes deals last", "a flag", "nothing"],
)
def test_a_number_that_was_known_at_the_moment_is_not_mistaken_for_one(values: np.ndarray) -> None:
    """Even where it says something about how long a deal lasts."""
    assert computed(pl.Series("c", values).fill_nan(None), AS_OF, LATER) == ""


def test_a_date_computed_from_a_later_one_is_seen() -> None:
    """A warranty that begins with the sale; not a plan, which misses it."""
    copy = pl.Series("c", (CLOSED + 30 * DAY).astype(np.int64))
    plan = pl.Series("c", (AS_OF + (LASTS * np.exp(RANDOM.normal(0.0, 0.5, ROWS))) * DAY).astype(np.int64))
    assert computed(copy, AS_OF, LATER)
    assert not computed(plan, AS_OF, LATER)


def test_dates_are_seen_as_they_were_known() -> None:
    """Their age at the moment; of those after it, nothing, but for planned ones."""
    days = {"Seen": [8 * DAY, 12 * DAY, None], "Due Date": [8 * DAY, 12 * DAY, None]}
    frame = pl.DataFrame({name: pl.Series(name, values, pl.Int64) for name, values in days.items()} | {"n": [1.0] * 3})
    known = seen(frame, np.full(3, 10.0 * DAY))
    assert known["Seen"].to_list() == [2.0, None, None]
    assert known["Due Date"].to_list() == [2.0, -2.0, None]
    assert known["n"].to_list() == [1.0] * 3
    assert seen(frame, None) is frame


def test_few_leads_have_no_correlation() -> None:
    """Chance would do."""
    few = np.arange(20.0)
    assert ranked(few, few) == 0.0

"""Date columns are known by their values, and what their names imply."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from leadscoring.training.dates import date_columns, date_of, is_before_outcome, is_of_beginning, is_of_outcome
from leadscoring.training.reading.how import How
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.moments import moments

DAY = 86_400e6


def test_dates_of_a_text_and_of_parquet_are_the_same() -> None:
    """In microseconds of UTC, with gaps."""
    text = date_of(pl.Series("d", ["1970-01-02", None, "1970-01-03 12:00"]), MissingTokens())
    typed = date_of(pl.Series("d", [date(1970, 1, 2), None]), MissingTokens())
    stamped = date_of(pl.Series("d", [datetime(1970, 1, 3, 12)]), MissingTokens())  # noqa: DTZ001 - as in Parquet
    assert text is not None
    assert typed is not None
    assert stamped is not None
    np.testing.assert_array_equal(text, [DAY, np.nan, 2.5 * DAY])
    np.testing.assert_array_equal(typed, [DAY, np.nan])
    np.testing.assert_array_equal(stamped, [2.5 * DAY])


def test_other_columns_are_no_dates() -> None:
    """Numbers, texts and empty ones; of a table, the dates remain."""
    frame = pl.DataFrame({"n": [1, 2], "t": ["a", "b"], "e": [None, None], "d": ["2025-01-01", "unknown"]})
    frame = frame.with_columns(pl.col("e").cast(pl.String))
    assert list(date_columns(frame, MissingTokens())) == ["d"]
    assert date_columns(frame, MissingTokens(), {"d": How(kind="category")}) == {}
    assert date_columns(frame, MissingTokens(), besides=("d",)) == {}


@pytest.mark.parametrize("name", ["Close Date", "closedate", "Converted Date", "Won Time", "lostAt", "Date signed"])
def test_dates_of_the_outcome_are_known_by_name(name: str) -> None:
    """They bound the moment of a lead, and never are it."""
    assert is_of_outcome(name)
    assert not is_before_outcome(name)


@pytest.mark.parametrize(
    "name", ["Last Modified Date", "Last Activity", "Next Step Due", "Birthdate", "Close Date", "Deadline"]
)
def test_dates_that_come_later_are_not_the_moment(name: str) -> None:
    """What later events overwrite, plans, and persons."""
    assert not is_before_outcome(name)


@pytest.mark.parametrize("name", ["Created Date", "createdate", "Erstellt am", "Sign-up date", "Date", "Lead received"])
def test_dates_of_arrival_are_known_by_name(name: str) -> None:
    """The plain ones of CRMs."""
    assert is_of_beginning(name)
    assert is_before_outcome(name)


@pytest.mark.parametrize("text", ["7", " 12.5", "-3", "999.125", "red", "", "+1.5"])
def test_what_is_passed_over_without_a_look_is_no_date(text: str) -> None:
    """Texts without digits and short plain numbers are not read as dates in any way."""
    assert np.isnan(moments(pl.Series([text])).values).all()
    assert date_of(pl.Series("c", [text] * 3), MissingTokens()) is None

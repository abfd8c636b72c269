"""Each lead is seen as of a moment that its outcome had not come by."""

import numpy as np
import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training.as_of import AsOf, as_of
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.table import read_source

DAY = 86_400e6
FRAME = pl.DataFrame(
    {
        "Created": ["1970-01-02", "1970-01-03", "1970-01-04"],
        "Sign-up": ["1970-01-05", None, "1970-01-20"],
        "Close Date": ["1970-01-09", "1970-01-08", "1970-01-10"],
        "Last Modified": ["1970-02-09", "1970-02-08", "1970-02-10"],
        "source": ["a", "b", "c"],
        "day": [1, 2, 3],
    }
)


def moment(named: str | None = None, time: str | None = None, frame: pl.DataFrame = FRAME) -> AsOf:
    """The moments of the leads of a frame."""
    return as_of(read_source(frame), named, time, MissingTokens())


def days(found: AsOf) -> list[float]:
    """Moments in days since 1970."""
    assert found.values is not None
    values: list[float] = (found.values / DAY).tolist()
    return values


def test_the_named_column_is_the_moment() -> None:
    """Whatever else there is."""
    assert days(moment("Close Date", "Created")) == [8, 7, 9]


def test_the_time_is_the_moment_where_none_is_named() -> None:
    """Not so a time of plain numbers: then the latest date is it, and that is noted."""
    assert days(moment(time="Created")) == [1, 2, 3]
    found = moment(time="day")
    assert days(found) == [4, 2, 3]
    assert found.column is None
    assert "the latest date among 'Created', 'Sign-up'" in found.notes[0]


def test_a_time_or_a_named_moment_may_be_numbers_of_excel_or_of_unix() -> None:
    """The age of dates would else be counted to another moment, without a word."""
    numbers = FRAME.with_columns(pl.Series("Created", ["45658", "45659,5", "45660"]))
    for found in (moment(time="Created", frame=numbers), moment("Created", frame=numbers)):
        assert days(found) == [20089, 20090.5, 20091]
        assert found.column == "Created"
        assert found.notes == ("'Created': numbers, read as days since 1900, as in Excel",)


def test_else_the_latest_date_before_the_outcome_is_the_moment() -> None:
    """Never the outcome's own date or a change; that is noted, with what came after the outcome."""
    found = moment()
    assert days(found) == [4, 2, 3]
    (note,) = found.notes
    assert "the latest date among 'Created', 'Sign-up' that is not after the outcome" in note
    assert "1 leads have dates after their outcome" in note


def test_without_dates_there_is_no_moment() -> None:
    """Nothing is noted then."""
    assert moment(frame=FRAME.select("source", "day")) == AsOf()


@pytest.mark.parametrize(
    ("name", "words"),
    [("source", "needs a column of dates.*'a'"), ("nope", "not in the data"), ("gap", "1 of 3 rows have no readable")],
)
def test_a_column_without_dates_is_refused(name: str, words: str) -> None:
    """With what it holds."""
    frame = FRAME.with_columns(gap=pl.Series(["1970-01-01", None, "1970-01-02"]))
    with pytest.raises(TrainingDataError, match=words):
        moment(name, frame=frame)


def test_a_lead_whose_dates_are_all_late_is_seen_at_the_first() -> None:
    """It has to be seen sometime."""
    late = FRAME.with_columns(Created=pl.lit("1970-03-01"), **{"Sign-up": pl.lit("1970-03-02")})
    assert days(moment(frame=late)) == [59, 59, 59]
    assert np.isfinite(days(moment(frame=late))).all()

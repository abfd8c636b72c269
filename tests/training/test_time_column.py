import datetime

import numpy as np
import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.how import How
from leadscoring.training.reading.missing import MissingTokens
from leadscoring.training.reading.table import Table
from leadscoring.training.time_column import Times, times


def read(values: list[object], how: How | None = None) -> Times:
    """A column as times."""
    return times(Table(pl.DataFrame({"when": values}, strict=False)), "when", MissingTokens(), how)


@pytest.mark.parametrize(
    "values",
    [
        ["2026-01-02", "2026-02-01", "2026-03-01"],
        ["2026-01-02 10:00:00", "2026-01-02T10:00:01", "2026-01-02T10:01"],
        ["2026-01-02T10:00:00+02:00", "2026-01-02T09:00:00Z", "2026-01-02T09:30:00-01:00"],
        ["31.12.2025", "01.01.2026", "02.01.2026"],
        ["12/31/2025", "01/01/2026", "01/02/2026"],
        ["9", "10", "11.5"],
        ["45658,25", "45658,5", "45659"],
        [1, 2, 3],
        [datetime.date(2025, 1, 1), datetime.date(2025, 1, 2), datetime.date(2026, 1, 1)],
        [datetime.datetime(2025, 1, 1, 1), datetime.datetime(2025, 1, 1, 2), datetime.datetime(2025, 1, 1, 3)],  # noqa: DTZ001 - a file may well hold times without a zone
    ],
)
def test_times_of_the_usual_forms_are_read_in_order(values: list[object]) -> None:
    """Each form gives numbers that rise with time."""
    found = read(values)
    assert (found.values[1:] > found.values[:-1]).all()
    assert found.period == (str(values[0]), str(values[-1]))


def test_an_unreadable_time_is_shown() -> None:
    """The message counts the rows, and shows the first."""
    with pytest.raises(TrainingDataError, match=r"1 of 3 rows have no readable time in 'when'.*row 2: 'soon'"):
        read(["2026-01-01", "soon", "2026-01-02"])


def test_few_leads_without_a_time_are_left_out_and_said() -> None:
    """Three empty dates among thousands stop nothing."""
    values: list[object] = ["2026-01-01", *["2026-01-02"] * 996, None, "", "soon"]
    found = read(values)
    assert np.isnan(found.values).sum() == 3
    assert found.warnings == ("3 rows without a readable time in 'when' were left out; the first is row 998: None",)


def test_what_stands_first_is_said_and_can_be_named() -> None:
    """Where no date tells, the month is taken, with a warning; --read says otherwise."""
    values: list[object] = ["01/02/2025", "02/01/2025"]
    assert read(values).values[0] < read(values).values[1]
    assert "--read when=day-first" in read(values).warnings[0]
    named = read(values, How(first="day-first"))
    assert named.values[0] > named.values[1]
    assert named.warnings == ()
    assert "the day first" in read(["01/02/2025", "13/01/2025"]).notes[0]


@pytest.mark.parametrize("values", [["2026-01-02"] * 3, [7, 7, 7], ["2026-01-02T10:00Z", "2026-01-02T11:00+01:00"]])
def test_equal_times_are_rejected(values: list[object]) -> None:
    """No lead is the latest then, and a random one would be held out as if it were."""
    with pytest.raises(TrainingDataError, match="every row has the same time in 'when'"):
        read(values)

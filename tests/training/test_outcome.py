import datetime

import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training.missing import MissingTokens
from leadscoring.training.outcome import outcomes, times


def positive_of(values: list[object], positive: str | None = None) -> tuple[list[float | None], str]:
    """The outcomes of a column, and what means converted."""
    column, chosen = outcomes(pl.DataFrame({"t": values}, strict=False), "t", positive, MissingTokens())
    return column.to_list(), chosen


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        (["0", "1"], "1"),
        (["no", "Yes"], "Yes"),
        ([0, 1], "1"),
        ([0.0, 1.0], "1"),
        ([False, True], "1"),
        (["lost", "won"], "won"),
    ],
)
def test_the_plain_positive_is_found(values: list[object], chosen: str) -> None:
    """Where one of two values can only mean converted, nobody needs to say so."""
    assert positive_of(values) == ([0.0, 1.0], chosen)


def test_several_values_with_a_named_positive() -> None:
    """Any value may be named; all others did not convert, and missing ones are unknown."""
    assert positive_of(["won", "lost", None, "open", "NA"], "won")[0] == [1.0, 0.0, None, 0.0, None]


@pytest.mark.parametrize(
    ("values", "positive", "words"),
    [
        (["a", "b"], None, "say which value means converted"),
        (["a", "b", "c"], None, "'a', 'b', 'c'.*--positive"),
        ([str(k) for k in range(20)], None, "and 12 more"),
        (["yes", "yes"], None, "every row has 't' = 'yes'"),
        (["no", "no"], "yes", "no row has 't' = 'yes': it holds 'no'"),
        (["won", "lost"], "Won ", "did you mean 'won'"),
        (["", None], None, "missing in every row"),
    ],
)
def test_an_unclear_target_is_refused(values: list[object], positive: str | None, words: str) -> None:
    """The message names the values that are there."""
    with pytest.raises(TrainingDataError, match=words):
        positive_of(values, positive)


def test_an_absent_target_gets_a_guess() -> None:
    """A misspelt column is guessed at."""
    with pytest.raises(TrainingDataError, match=r"'converted'.*did you mean 'Converted'"):
        outcomes(pl.DataFrame({"Converted": [0, 1]}), "converted", None, MissingTokens())


@pytest.mark.parametrize(
    "values",
    [
        ["2026-01-02", "2026-02-01", "2026-03-01"],
        ["2026-01-02 10:00:00", "2026-01-02T10:00:01", "2026-01-02T10:01"],
        ["2026-01-02T10:00:00+02:00", "2026-01-02T09:00:00Z", "2026-01-02T09:30:00-01:00"],
        ["31.12.2025", "01.01.2026", "02.01.2026"],
        ["12/31/2025", "01/01/2026", "01/02/2026"],
        ["9", "10", "11.5"],
        [1, 2, 3],
        [datetime.date(2025, 1, 1), datetime.date(2025, 1, 2), datetime.date(2026, 1, 1)],
        [datetime.datetime(2025, 1, 1, 1), datetime.datetime(2025, 1, 1, 2), datetime.datetime(2025, 1, 1, 3)],  # noqa: DTZ001 - a file may well hold times without a zone
    ],
)
def test_times_of_the_usual_forms_are_read_in_order(values: list[object]) -> None:
    """Each form gives numbers that rise with time."""
    stamps, period = times(pl.DataFrame({"when": values}), "when")
    assert (stamps[1:] > stamps[:-1]).all()
    assert period == (str(values[0]), str(values[-1]))


def test_an_unreadable_time_is_shown() -> None:
    """The message counts the rows, and shows the first."""
    with pytest.raises(TrainingDataError, match=r"1 of 3 rows have no readable time in 'when'.*row 2: 'soon'"):
        times(pl.DataFrame({"when": ["2026-01-01", "soon", "2026-01-02"]}), "when")

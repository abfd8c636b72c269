"""What a caller states as the moment of a lead is read exactly, and reported so that it can be sent again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timed import near_dates

from leadscoring.contract.moment import SECOND, is_moment, moment_of, now, unclear, written


@given(st.datetimes())
def test_a_moment_that_is_reported_is_the_same_when_it_is_sent(made: datetime) -> None:
    """To the microsecond."""
    moment = (made.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert written(moment).endswith("Z")
    assert moment_of(written(moment)) == moment


@given(near_dates())
def test_what_is_read_can_be_reported(text: str) -> None:
    """At the ends of the calendar, too."""
    if is_moment(text):
        assert moment_of(written(moment_of(text))) == moment_of(text)
    else:
        with pytest.raises(ValueError, match="not a time"):
            moment_of(text)


@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], {}])
def test_only_a_text_is_a_moment(value: object) -> None:
    """Numbers could be seconds, or milliseconds."""
    assert not is_moment(value)


def test_now_is_in_whole_seconds() -> None:
    """So that an answer states it briefly and exactly."""
    assert now() % SECOND == 0
    assert abs(datetime.fromisoformat(written(now())) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_date_in_which_day_and_month_may_be_exchanged_says_so() -> None:
    """With both dates that it may be."""
    for value, more in (
        ("02.01.2024 14:03", ": which is the month is not clear; write 2024-01-02 or 2024-02-01"),
        (" 3/4/26", ": which is the month is not clear; write 2026-04-03 or 2026-03-04"),
        ("01/01/2026", ""),
        ("31/02/2026", ""),
        ("02.01.20245", ""),
        ("soon", ""),
        (20260203, ""),
    ):
        assert unclear(value) == more

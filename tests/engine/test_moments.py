"""Dates of ISO 8601 are read exactly, and nothing else is a date."""

import math
import re
from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadscoring._engine import parse_moment
from leadscoring.training.reading.moments import moments

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:([Zz])|([+-])(\d\d)(?::?(\d\d))?)?)?",
    re.ASCII,
)


def reference(text: str) -> int | None:
    """The same in Python, by way of datetime."""
    found = ISO.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    ahead = timedelta(hours=int(found[10] or 0), minutes=int(found[11] or 0))
    if second > 60 or int(found[10] or 0) > 23 or int(found[11] or 0) > 59:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
        moment += timedelta(seconds=second, microseconds=int((found[7] or "0")[:6].ljust(6, "0")))
        moment -= -ahead if found[9] == "-" else ahead
    except (ValueError, OverflowError):
        return None
    return (moment - EPOCH) // MICROSECOND


@given(
    st.from_regex(ISO, fullmatch=True) | st.from_regex(ISO) | st.text(st.sampled_from("0123456789-:.TZ +"), max_size=30)
)
@example("9999-12-31T23:59:60Z")
@example("0001-01-01T00:00+00:01")
@example("9999-12-31T23:59:59.999999999-00:00")
def test_a_text_is_a_date_exactly_if_it_is_one_of_iso_8601(text: str) -> None:
    """With all its fields in their ranges, and within the years 1 to 9999 also in UTC."""
    assert parse_moment(text) == reference(text)


@given(
    st.datetimes(
        datetime(1, 1, 3),  # noqa: DTZ001  # the strategy adds the time zone
        datetime(9999, 12, 29),  # noqa: DTZ001
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    ),
    st.sampled_from(["T", "t", " "]),
)
def test_what_python_writes_is_read(moment: datetime, between: str) -> None:
    """With and without fractions, and with any offset."""
    assert parse_moment(moment.isoformat(between)) == (moment - EPOCH) // MICROSECOND
    assert parse_moment(moment.date().isoformat()) == reference(moment.date().isoformat()) is not None


@pytest.mark.parametrize("text", ["2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "1600-02-29T23:59:60"])
def test_leap_days_and_seconds_are_dates(text: str) -> None:
    """As are the first and the last one."""
    assert parse_moment(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        *("2023-02-29", "1900-02-29", "2026-04-31", "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32", "0000-01-01"),
        *("2026-01-31T24:00", "2026-01-31T23:60", "2026-01-31T23:59:61", "2026-01-31T10", "2026-01-31T10:00:", "x"),
        *("2026-01-31T10:00:00.", "2026-01-31T10:00.5", "2026-01-31T10:00+2", "2026-01-31T10:00+02:", "2026-01-31Z"),
        *("2026-01-31T10:00+24", "2026-01-31T10:00+02:60", "2026-01-31T10:00ZZ", "2026-01-31T10:00Z+02", "2026-1-31"),
        *("", " 2026-01-31", "2026-01-31 ", "2026-01-31T", "20260131", "31.01.2026", "2026-01-31\x00", "\uff12026-01-31", "\u0662026-01-31"),
    ],
)  # fmt: skip
def test_anything_else_is_none(text: str) -> None:
    """No field may be left open, out of its range, or in other digits."""
    assert parse_moment(text) is None


def test_fractions_are_cut_to_microseconds() -> None:
    """However many digits they have."""
    second = parse_moment("1969-12-31T23:59:59Z")
    assert second == -1_000_000
    for digits in ("9", "999999", "9999999", "9" * 100_000):
        expected = second + int(digits[:6].ljust(6, "0"))
        assert (
            parse_moment(f"1969-12-31T23:59:59.{digits}Z") == parse_moment(f"1969-12-31 23:59:59,{digits}") == expected
        )


@settings(deadline=None)
@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)),  # noqa: DTZ001  # the offset is added to the text
    st.sampled_from(["", "Z", "+02", "+0200", "-03:30"]),
    st.sampled_from(["auto", "minutes", "seconds", "milliseconds"]),
)
def test_a_file_is_read_like_a_request(moment: datetime, offset: str, timespec: str) -> None:
    """Training reads many more formats, but these as the service does."""
    text = moment.isoformat(timespec=timespec) + offset
    read = moments(pl.Series([text])).values[0]
    assert not math.isnan(read)
    # float64 holds the microseconds of these years to within 32
    assert read == pytest.approx(parse_moment(text), abs=64)

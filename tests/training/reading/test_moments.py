from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring.training.reading.moments import moments

MOMENT = st.datetimes(datetime(1971, 1, 1), datetime(2068, 1, 1)).map(lambda when: when.replace(microsecond=0))  # noqa: DTZ001 - moments are read as UTC
FORMS = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y/%m/%d %H:%M:%S UTC",
    "%d.%m.%Y %H:%M:%S",
    "%d. %B %Y, %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%b %d, %Y %I:%M:%S %p",
    "%B %d, %Y at %I:%M:%S %p",
    "%d-%b-%Y %H:%M:%S",
    "%Y-%b-%d %H:%M:%S",
    "%a %b %d %H:%M:%S UTC %Y",
    "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)",
    "%Y%m%dT%H%M%SZ",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y년 %m월 %d일 %H:%M:%S",
]


def seconds(*texts: str | None, named: str | None = None) -> list[float | None]:
    """Moments as seconds since 1970."""
    found = moments(pl.Series("when", texts, dtype=pl.String), named).values  # type: ignore[arg-type]
    return [None if np.isnan(value) else value / 1e6 for value in found]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=50, deadline=None)
@given(whens=st.lists(MOMENT, min_size=1, max_size=5))
def test_a_moment_is_the_same_however_it_is_written(form: str, whens: list[datetime]) -> None:
    """Every form gives back the second that was written."""
    assert seconds(*(when.strftime(form) for when in whens)) == [when.replace(tzinfo=UTC).timestamp() for when in whens]


@pytest.mark.parametrize(("form", "first"), [("%d/%m/%Y %H:%M", "day-first"), ("%m/%d/%Y %I:%M %p", "month-first")])
@settings(max_examples=50, deadline=None)
@given(whens=st.lists(MOMENT, min_size=1, max_size=5))
def test_the_column_decides_what_stands_first(form: str, first: str, whens: list[datetime]) -> None:
    """One day beyond the twelfth is enough; where there is none, that is known, and naming it helps."""
    texts = [when.strftime(form) for when in whens]
    found = moments(pl.Series("when", texts))
    expected = [when.replace(second=0, tzinfo=UTC).timestamp() for when in whens]
    assert found.open == all(when.day <= 12 for when in whens)
    if not found.open:
        assert found.first == first
        assert (found.values / 1e6).tolist() == expected
    assert seconds(*texts, named=first) == expected


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2025-01-13 10:00:00+02:00", 8),
        ("2025-01-13T10:00:00-0530", 15.5),
        ("2025-01-13 10:00 EST", 15),
        ("2025-01-13T10:00:00+01:00[Europe/Berlin]", 9),
        ("2025-01-13 10:00 CEST", 8),
        ("13 Jan 2025 10:00 GMT+1", 9),
        ("2025-01-13 12 AM", 0),
        ("1/13/25 12:30 PM", 12.5),
        ("2025-01-13 5:00 p.m.", 17),
    ],
)
def test_zones_and_halves_of_the_day(text: str, hours: float) -> None:
    """What a clock elsewhere shows is brought to UTC; 12 AM is midnight."""
    start = datetime(2025, 1, 13, tzinfo=UTC)
    assert seconds(text) == [(start + timedelta(hours=hours)).timestamp()]


@pytest.mark.parametrize(
    "text",
    ["2025-02-30", "2025-01-13 25:00", "soon", "5", "12:30", "2025-01-13 10:00 IST", "13 Foo 2025", "0:30 PM", ""],
)
def test_what_no_calendar_has_is_no_moment(text: str) -> None:
    """Nor is a zone whose name means several."""
    assert seconds(text) == [None]


def test_days_that_contradict_the_others_are_not_read() -> None:
    """Most dates decide; the rest are missing rather than wrong."""
    assert [value is None for value in seconds("13/01/2025", "14/01/2025", "01/15/2025")] == [False, False, True]


@pytest.mark.parametrize(
    "months",
    [
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",  # noqa: RUF001 - the letters of Turkish
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    ],
)
def test_months_have_their_names_in_other_languages(months: str) -> None:
    """As a CRM writes them to whom this is the language."""
    texts = [f"7 {name} 2025" for name in months.split()]
    assert seconds(*texts) == [datetime(2025, month, 7, tzinfo=UTC).timestamp() for month in range(1, 13)]


def test_digits_of_other_scripts_are_no_dates() -> None:
    """A regular expression counts them as digits, but nothing converts them to numbers."""
    texts = pl.Series(["2026-01-31T10:00:00.\u0660", "\u0662\u0660\u0662\u0666-01-31", "2026-01-31"])
    assert np.isnan(moments(texts).values).tolist() == [True, True, False]

"""How moments, days, amounts, shares and counts are written in each locale."""

from datetime import datetime

import polars as pl
import pytest

from leadscoring.demo.exports.crm import LOCALES, Form
from leadscoring.demo.exports.forms import FORMS, formed

AFTERNOON = datetime(2024, 3, 1, 14, 5)  # noqa: DTZ001 - as polars hands it over, without a zone


@pytest.mark.parametrize(
    ("locale", "form", "value", "text"),
    [
        ("iso", "moment", AFTERNOON, "2024-03-01 14:05"),
        ("us", "moment", AFTERNOON, "3/1/2024, 2:05 PM"),
        ("usd", "moment", AFTERNOON, "3/1/2024 2:05 PM"),
        ("eu", "moment", AFTERNOON, "01/03/2024 14:05"),
        ("iso", "day", AFTERNOON, "2024-03-01"),
        ("us", "day", AFTERNOON, "3/1/2024"),
        ("eu", "day", AFTERNOON, "01/03/2024"),
        ("iso", "money", 1200.0, "1200.00"),
        ("us", "money", 1200.0, "$1,200.00"),
        ("usd", "money", 1200.0, "USD 1,200.00"),
        ("eu", "money", 1200.0, "1.200,00 €"),
        ("us", "money", 1234567.89, "$1,234,567.89"),
        ("us", "money", 1000000.05, "$1,000,000.05"),
        ("eu", "money", 999.5, "999,50 €"),
        ("iso", "share", 0.123, "0.123"),
        ("us", "share", 0.123, "12.3%"),
        ("us", "share", 1.0, "100%"),
        ("eu", "share", 0.123, "12,3 %"),
        ("iso", "count", 1234, "1234"),
        ("us", "count", 1234, "1,234"),
        ("us", "count", 0, "0"),
        ("eu", "count", 1002003, "1.002.003"),
        ("eu", "plain", "as it is", "as it is"),
    ],
)
def test_a_value_is_written_as_the_locale_does(locale: str, form: Form, value: object, text: str) -> None:
    """The examples that owners of such files know."""
    assert formed(pl.Series([value, None]), form, LOCALES[locale]).to_list() == [text, None]


def test_every_form_keeps_what_is_empty() -> None:
    """A column without a value stays empty."""
    for form in FORMS:
        kind = pl.Datetime if form in {"moment", "day"} else pl.String if form == "plain" else pl.Float64
        assert formed(pl.Series([None, None], dtype=kind), form, LOCALES["us"]).null_count() == 2

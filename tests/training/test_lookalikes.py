"""A column that was not read as what it looks like is reported."""

import polars as pl
import pytest
from inferring import ROWS, inferred, text

MIXED = [("2024-01-%02d", "01/%02d/2024", "2024-01-%02d")[k % 3] % (k % 28 + 1) for k in range(ROWS - 40)] + [
    f"soon {k % 20}" for k in range(40)
]
STAMPS = [1_700_000_000_000 + 7_919_000 * (k * 37 % ROWS) for k in range(ROWS)]
MAILS = [f"p{k}@firm.example" if k % 5 else f"p{k}@firm.example; q@firm.example" for k in range(ROWS)]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (text(MIXED), "'c' looks like dates and was not read as such: 20 of 76 different values, such as 'soon 0'"),
        (text(STAMPS), "it holds numbers that may be milliseconds since 1970"),
        (pl.Series("c", STAMPS) * 1000, "it holds numbers that may be microseconds since 1970"),
        (text(MAILS, "E-mail"), "'E-mail' looks like e-mail addresses and was not read as such: 80 of 400"),
    ],
)
def test_what_it_looks_like_is_a_warning(column: pl.Series, words: str) -> None:
    """With a value that is in the way, but for addresses, which are of persons."""
    assert any(words in warning for warning in inferred(column).warnings)
    assert not any("q@firm" in warning for warning in inferred(column).warnings)


def test_what_the_user_asks_for_is_no_warning() -> None:
    """Addresses among others are read, and numbers are dates."""
    assert not any("looks like" in words for words in inferred(text(STAMPS), read=("c=date",)).warnings)
    found = inferred(text(MAILS, "E-mail"), read=("E-mail=email",))
    assert [feature.kind for feature in found.contract.features] == ["integer", "email"]
    assert not any("looks like" in words for words in found.warnings)


def test_other_columns_are_none() -> None:
    """Counts, codes, and texts of which a few are dates."""
    for column in (text(range(ROWS)), text(["may", "2024-01-01"] * (ROWS // 2)), text([17_000_000] * ROWS)):
        assert not any("looks like dates" in words for words in inferred(column).warnings)

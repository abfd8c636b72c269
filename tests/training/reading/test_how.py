"""A column is read as its owner says, where the words mean a way of reading."""

from typing import get_args

import pytest

from leadscoring.contract.kinds import KINDS
from leadscoring.errors import TrainingDataError
from leadscoring.model.reading import DayOrder
from leadscoring.training.reading.how import ALLOWED, How, parse_how
from leadscoring.training.reading.notation import SAMPLES

COLUMNS = ["revenue", "a=b", "day"]


@pytest.mark.parametrize("way", ALLOWED)
def test_every_way_that_is_allowed_is_one_of_three(way: str) -> None:
    """A kind, a notation, or what stands first in a date."""
    found = parse_how([f"revenue={way}"], COLUMNS)["revenue"]
    expected = How(
        kind=way if way in KINDS else None,
        notation=SAMPLES.get(way),
        first=way if way in get_args(DayOrder) else None,  # type: ignore[arg-type]  # as looked up
    )
    assert found == expected != How()


def test_a_column_may_have_the_sign_in_its_name() -> None:
    """The last one parts it from the way; blanks around that mean nothing."""
    assert list(parse_how(["a=b= category ", "day=number"], COLUMNS)) == ["a=b", "day"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("revenu=number", r"'revenu=number'.*did you mean 'revenue'\?"),
        ("revenue", "COLUMN=HOW"),
        ("=number", "COLUMN=HOW"),
        ("revenue=numbers", "'revenue' must be one of .*not 'numbers'"),
        ("revenue=", "not ''"),
    ],
)
def test_what_is_no_way_of_a_column_is_refused(given: str, words: str) -> None:
    """With what was given, and a guess or what is allowed."""
    with pytest.raises(TrainingDataError, match=words):
        parse_how([given], COLUMNS)

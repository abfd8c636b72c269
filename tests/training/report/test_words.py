"""Figures and columns are said in words that the page and the terminal share."""

import pytest
from past_leads import trained

from leadscoring.quality.figure import Figure
from leadscoring.training.report.words import calibration_text, column_text, figure_text, tokens_text


def test_the_calibration_error_stands_beside_that_of_chance() -> None:
    """A gap of 3 % is read rightly only by who knows what a perfect model shows on as many leads."""
    report = trained().report
    beside = calibration_text(report["held_out"])
    assert beside.startswith("a perfectly calibrated model would show ")
    assert beside.endswith(f"on {report['held_out']['rows']:,} leads")


def test_a_figure_comes_with_its_interval() -> None:
    """As a share of one or in percent; as a struct or as data."""
    assert figure_text(Figure(0.75, 0.7, 0.8)) == "0.750 (0.700 to 0.800)"
    assert figure_text({"value": 0.75, "low": 0.7, "high": 0.8}, percent=True) == "75.0% (70.0% to 80.0%)"
    assert figure_text({"value": None, "low": None, "high": None}) == "no leads"


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (
            {"kind": "integer", "minimum": 0.0, "maximum": 998.0, "required": True},
            "integer, from 0, to 998, required",
        ),
        (
            {"kind": "text", "columns": ["word a", "word b c", "length"], "required": False}
            | {"minimum": None, "maximum": None},
            "text, read as word 'a', 'b c'; length, optional",
        ),
        (
            {"kind": "date", "columns": ["age"], "planned": True, "minimum": None, "maximum": None, "required": True},
            "date, read as age, may be in the future, required",
        ),
        (
            {"kind": "category", "values": ["a"], "other": True, "minimum": None, "maximum": None, "required": False},
            "category, 1 values and other, optional",
        ),
    ],
)
def test_a_column_is_said_in_a_line(column: dict[str, object], words: str) -> None:
    """Kind, values or bounds, and whether every lead must have it."""
    assert column_text(column) == words


def test_tokens_are_shown_as_they_stand_in_the_file() -> None:
    """In quotes, since one may be empty."""
    assert tokens_text({"": 3, "n/a": 1}) == "'' 3 times, 'n/a' 1 times"

"""What columns may hold is found for all of them at once, and rules out nothing that a column does hold."""

import polars as pl
import pytest

from leadscoring.training.reading.moments import SHAPES, any_moment
from leadscoring.training.reading.traits import MOST_ROWS, Traits, traits_of

DATES = (
    *(
        "2025-01-13",
        "2025年1月13日",
        "13/01/2025",
        "13. 1. 25",
        "13 Jan 2025",
        "13Jan2025",
        "Jan 13, 2025",
        "2025 Jan 13",
    ),
    *("Mon Jan 13 10:00:00 UTC 2025", "20250113", "13 de enero de 2025"),
)


@pytest.mark.parametrize("text", DATES)
def test_a_column_with_a_date_among_other_texts_may_hold_moments(text: str) -> None:
    """Whatever is read as a date has what the trait looks for."""
    assert any_moment(pl.Series([text]))
    assert traits_of([pl.Series("when", ["none", text])])[0].moments
    assert len(DATES) > len(SHAPES)


def test_each_column_has_its_own_traits() -> None:
    """Names and words rule out dates, codes and sets; what a column holds is never ruled out."""
    plain, rich = pl.Series("plain", ["web", None]), pl.Series("rich", ["007; a@b.example", "10:30 False 2025-01-13"])
    assert traits_of([plain, rich]) == [Traits(False, False, False, False, False, False), Traits()]


def test_nothing_is_ruled_out_where_nobody_looked() -> None:
    """Numbers, long columns, and traits that were not asked for keep every trait."""
    few, many = pl.Series("few", ["web"]), pl.Series("many", ["web"] * (MOST_ROWS + 1))
    assert traits_of([pl.Series("number", [1.0])]) == traits_of([many]) == [Traits()]
    assert traits_of([few], ("moments",)) == [Traits(moments=False)]

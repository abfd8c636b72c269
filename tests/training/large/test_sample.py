"""The outcomes of all leads, and a sample of them."""

import numpy as np
import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training.large.sample import FEWEST, MOST, note_of, refuse_lopsided, rows_of
from leadscoring.training.leads import Leads
from leadscoring.training.outcome import Outcome


@pytest.mark.parametrize(("columns", "count"), [(10, MOST), (100, 100_000), (5000, FEWEST)])
def test_the_sample_has_as_many_leads_as_their_columns_allow(columns: int, count: int) -> None:
    """Rows are different, in order, and from the whole file; the seed alone decides which."""
    rows = rows_of(10_000_000, columns, 20)
    assert len(rows) == count
    assert (np.diff(rows) > 0).all()
    assert abs(rows.mean() / 5e6 - 1) < 0.05
    assert (rows == rows_of(10_000_000, columns, 20)).all()
    assert (rows != rows_of(10_000_000, columns, 21)).any()


def test_a_file_of_no_more_leads_is_its_own_sample() -> None:
    """Few leads of very many columns."""
    assert rows_of(15_000, 2000, 1).tolist() == list(range(15_000))


def test_the_report_says_what_the_sample_decided() -> None:
    """With the number of leads in it."""
    assert "10000000 leads are more than are held in memory" in note_of(10_000_000, 200_000)
    assert "random sample of 200000" in note_of(10_000_000, 200_000)


@pytest.mark.parametrize(
    ("won", "words"), [(19, "19 of 1000 leads .* converted"), (981, "19 of 1000 leads .* did not")]
)
def test_a_sample_needs_leads_of_both_outcomes(won: int, words: str) -> None:
    """Columns are judged by it; the file has enough of them, but the sample does not."""
    y = (np.arange(1000) < won).astype(float)
    with pytest.raises(TrainingDataError, match=words):
        refuse_lopsided(Leads(pl.DataFrame({"a": y}), y, Outcome(pl.Series(y), ("1",), ()), {}))

"""Whether a column is filled in is kept where it says something, and does not give away the outcome."""

import numpy as np
import polars as pl

from leadscoring.training.presence import filled_in, presence
from leadscoring.training.reading.missing import parse_tokens

ROWS = 1000
RANDOM = np.random.default_rng(1)
Y = (RANDOM.random(ROWS) < 0.3).astype(float)
TOKENS = parse_tokens((), ["Fax"])


def column(filled: np.ndarray, name: str = "Fax") -> pl.Series:
    """A column with a value in some rows."""
    return pl.Series(name, [f"v{k}" if one else "n/a" for k, one in enumerate(filled)])


def names_of(filled: np.ndarray, *taken: str) -> list[str]:
    """The features that are made of a column with these values."""
    return [read.column.name for read in presence([column(filled)], taken, TOKENS, Y)]


def test_a_column_that_some_leads_have_is_a_flag() -> None:
    """A text that means missing is none."""
    half = RANDOM.random(ROWS) < 0.5
    (read,) = presence([column(half)], (), TOKENS, Y)
    assert read.feature is not None
    assert (read.feature.name, read.feature.kind, read.feature.required) == ("has Fax", "flag", False)
    assert read.column.to_list() == half.astype(float).tolist()
    assert filled_in(column(half).cast(pl.Categorical), TOKENS).to_list() == half.tolist()


def test_what_nearly_all_or_hardly_any_leads_have_says_nothing() -> None:
    """Nor is a name used that the file has itself."""
    assert names_of(RANDOM.random(ROWS) < 0.99) == names_of(RANDOM.random(ROWS) < 0.01) == []
    assert names_of(RANDOM.random(ROWS) < 0.5, "has Fax") == []


def test_what_is_filled_in_after_the_fact_is_left_out() -> None:
    """If it is filled for nearly all who converted and hardly any other, that is a result, no reason."""
    assert names_of(Y == 1.0) == []
    assert names_of(np.where(RANDOM.random(ROWS) < 0.1, RANDOM.random(ROWS) < 0.5, Y == 1.0)) == []

"""What columns of Parquet hold that no run can use is named; test_run.py holds that it is refused before a row is read."""

import polars as pl
import pytest

from leadscoring.bulk.column_types import UNREAD, WORDS, held_by


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (pl.Binary(), "bytes"),
        (pl.Duration("ms"), "durations"),
        (pl.List(pl.Int64()), "lists"),
        (pl.Array(pl.Int64(), 2), "lists"),
        (pl.Struct({"a": pl.Int64()}), "structs"),
        (pl.String(), None),
        (pl.Int64(), None),
        (pl.Datetime("us"), None),
    ],
)
def test_an_id_is_a_text_or_a_number(kind: pl.DataType, words: str | None) -> None:
    """Anything else is named by what it holds."""
    assert held_by(kind, tuple(WORDS)) == words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (pl.List(pl.String()), None),
        (pl.List(pl.Binary()), "bytes"),
        (pl.Array(pl.Duration("us"), 2), "durations"),
        (pl.Struct({"a": pl.Int64(), "b": pl.List(pl.Binary())}), "bytes"),
    ],
)
def test_bytes_are_found_at_any_depth_of_a_feature(kind: pl.DataType, words: str | None) -> None:
    """Sets are lists, which features may be; what is in them may be of no use."""
    assert held_by(kind, UNREAD) == words

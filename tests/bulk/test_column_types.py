"""What columns of Parquet hold that no run can use is named; test_run.py holds that it is refused before a row is read."""

import polars as pl
import pytest

from leadscoring.bulk.choice import Choice, Needed
from leadscoring.bulk.column_types import UNREAD, WORDS, held_by, refuse_types
from leadscoring.errors import ScoringFileError


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


@pytest.mark.skipif(not hasattr(pl, "Map"), reason="older versions of Polars read maps as lists of structs")
def test_maps_are_looked_into() -> None:
    """Maps of Arrow and Spark are no ids, and what they hold may be of no use."""
    assert held_by(pl.Map(pl.String(), pl.Int64()), tuple(WORDS)) == "maps"
    assert held_by(pl.List(pl.Map(pl.String(), pl.Binary())), UNREAD) == "bytes"


@pytest.mark.parametrize("kind", [pl.Decimal(38, 2), pl.Decimal(39, 2), pl.Float64()])
def test_decimals_that_cannot_be_read_are_refused(kind: pl.DataType) -> None:
    """Polars shows the type of decimals of more digits, and fails when it reads them."""
    need, types = Needed(features=("budget",), numbers=()), {"budget": kind, "other": pl.Decimal(50, 2)}
    words = None
    try:
        refuse_types(Choice(), need, types, "leads.parquet")
    except ScoringFileError as failure:
        words = str(failure)
    assert (words or "").startswith("leads.parquet: the column 'budget' holds decimals of 39 digits") == (
        kind == pl.Decimal(39, 2)
    )

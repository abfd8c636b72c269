"""The scores of a chunk as a table: types that files and engines can hold, and every warning."""

import tempfile
from pathlib import Path

import polars as pl
from bulk_oracle import NOW
from timed import timed_model

from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.scores import FAULT, rejects, scores
from leadscoring.model.file import open_model

TABLE = pl.DataFrame(
    {
        "amount": [1.0, 2.0, -3.0],
        "created": ["2026-03-07", "2300-01-01", None],
        "email": ["info@acme.com", "nobody", None],
        "source": ["web", "fair", "fair"],
    }
)


def test_warnings_moments_and_the_model_are_in_the_table() -> None:
    """A score can be joined to what comes later: its moment, and the digest of its model, are beside it."""
    with tempfile.TemporaryDirectory() as folder:
        model = open_model(timed_model(Path(folder)))
    chunk = BulkScorer(model, 2, now=NOW).score(TABLE)
    found = scores(chunk, model, details=True)
    assert found.height == 2
    assert found["warnings"].list.len().to_list() == [None, 3]
    assert found["as_of"].dtype == pl.Datetime("us", "UTC")
    assert found["model_digest"].cast(pl.String).to_list() == [model.sha256] * 2
    assert found["reason_1_aspect"].null_count() < 2
    assert rejects(chunk).schema == {"row": pl.Int64, "faults": pl.List(FAULT)}
    assert rejects(chunk)["faults"].list.len().to_list() == [2]


def test_a_table_without_any_lead_has_the_same_columns() -> None:
    """Nothing to score is no error."""
    with tempfile.TemporaryDirectory() as folder:
        model = open_model(timed_model(Path(folder)))
    scorer = BulkScorer(model, 2, now=NOW)
    empty, all_rejected = scorer.score(TABLE.clear()), scorer.score(TABLE[2:])
    assert scores(empty, model).schema == scores(scorer.score(TABLE), model).schema
    assert scores(all_rejected, model).height == 0

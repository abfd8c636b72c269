"""Scores as columns: names, types and texts, for CSV and for Parquet."""

from pathlib import Path

import factories
import polars as pl
import pytest
from bulk_oracle import NOW
from timed import AS_OF, timed_lead, timed_model

from leadscoring.bulk.appended import Appended
from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.columns import Columns
from leadscoring.bulk.outputs import ParquetOutput
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

IDS = pl.Series("x", ["a", "b", "c"])
FRAME = pl.DataFrame(
    {
        "revenue": [1e6, None, 5.0],
        "visits": [3.0, 1.0, 2.0],
        "decision_maker": [1.0, 0.0, 1.0],
        "source": ["fair", "web", "event"],
        "region / city (ü)": ["south", "north", "south"],
    }
)


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    """The small model."""
    return open_model(factories.model_file(tmp_path))


def test_rows_are_those_that_were_scored(model: LoadedModel) -> None:
    """A rejected lead has none; columns of the input that have a name of scores get another."""
    chunk = BulkScorer(model, 2, now=NOW).score(FRAME)
    table = Columns(model, False, 2).table(chunk, IDS, [pl.Series("tier", [1, 2, 3]), FRAME["visits"]])
    assert table["id"].to_list() == ["a", "c"]
    assert table["input_tier"].to_list() == [1, 3]
    assert table["visits"].to_list() == [3.0, 2.0]
    assert table.columns[:7] == ["id", "probability", "tier", "bucket", "percentile", "model_version", "model_digest"]
    assert table.columns[7:10] == ["reason_1_feature", "reason_1_value", "reason_1_contribution"]
    assert table["warnings"][0].startswith("unseen_category: 'fair'")
    assert table["warnings"][1] is None
    assert set(table["model_digest"]) == {model.sha256}


def test_names_of_the_input_never_clash(model: LoadedModel) -> None:
    """Not even those that a column of scores got at an earlier run."""
    chunk = BulkScorer(model, 2, now=NOW).score(FRAME)
    others = [pl.Series(name, [1, 2, 3]) for name in ("tier", "input_tier")]
    table = Columns(model, False, 2).table(chunk, IDS, others)
    assert table.columns[-2:] == ["input_input_tier", "input_tier"]


def test_parquet_has_lists(model: LoadedModel) -> None:
    """Reasons and warnings are lists of structs; without reasons there is no such column."""
    chunk = BulkScorer(model, 2, now=NOW).score(FRAME)
    table = Columns(model, True, 2).table(chunk, IDS)
    first = table["reasons"][0].to_list()
    assert [set(reason) for reason in first] == [{"feature", "value", "contribution"}] * 2
    assert table["warnings"].to_list()[0][0]["code"] == "unseen_category"
    assert table["warnings"].to_list()[1] == []
    none = Columns(model, True, 0).table(BulkScorer(model, 0, now=NOW).score(FRAME), IDS)
    assert "reasons" not in none.columns


@pytest.mark.parametrize("details", [False, True])
def test_coded_columns_are_written_as_texts(model: LoadedModel, tmp_path: Path, details: bool) -> None:
    """The file has the schema and the values of columns that are not coded, also where a lead has fewer reasons."""
    chunk = BulkScorer(model, 5, now=NOW).score(FRAME)
    assert chunk.reasons is not None
    chunk.reasons.features[1, 3:] = -1
    expected = Columns(model, True, 5, details).table(chunk, IDS)
    assert [len(reasons) for reasons in expected["reasons"]] == [5, 3]
    columns = Columns(model, True, 5, details, coded=True)
    coded = columns.table(chunk, IDS)
    assert coded.schema != expected.schema
    file = Appended(tmp_path / "scores.parquet")
    output = ParquetOutput(file, {}, columns.known)
    output.begin(expected.clear())
    groups = [group for part in (coded[:1], coded[1:]) for group in output.append(output.piece(part))]
    output.end(expected.clear(), groups)
    file.finish()
    written = pl.read_parquet(tmp_path / "scores.parquet")
    assert written.schema == expected.schema
    assert written.equals(expected)


def test_an_empty_table_has_the_same_columns(model: LoadedModel) -> None:
    """So that the first and the last batch make one file."""
    for nested in (False, True):
        columns = Columns(model, nested, 3, details=True)
        full = columns.table(BulkScorer(model, 3, now=NOW).score(FRAME), IDS)
        empty = columns.table(BulkScorer(model, 3, now=NOW).score(FRAME.clear()), IDS.clear())
        rejected = columns.table(BulkScorer(model, 3, now=NOW).score(FRAME[1:2]), IDS[:1])
        assert full.schema == empty.schema == rejected.schema


def test_only_columns_with_texts_of_leads_are_looked_at(model: LoadedModel) -> None:
    """The others are known to be harmless."""
    safe = Columns(model, False, 1).safe
    assert {"tier", "warnings", "reason_1_feature"} <= safe
    assert not {"id", "reason_1_value", "model_version"} & safe


def test_moments_and_aspects_are_texts(tmp_path: Path) -> None:
    """Dates are written as the API writes them; with details, a reason says what about the value mattered."""
    model = open_model(timed_model(tmp_path))
    values = {name: [value] for name, value in timed_lead()["features"].items()}
    frame = pl.DataFrame(values, strict=False)
    chunk = BulkScorer(model, 3, now=NOW).score(frame, pl.Series([AS_OF]))
    table = Columns(model, False, 3, details=True).table(chunk, pl.Series(["a"]))
    assert table["as_of"].to_list() == [AS_OF]
    assert "reason_1_aspect" in table.columns

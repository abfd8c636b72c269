"""Data frames of each library are scored alike, and get scores of their own kind; no lead is lost."""

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import factories
import polars as pl
import pytest
from ledgers import KEYS, ledger_settings, new_ledger
from sqlalchemy import select

from leadscoring import bulk
from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.columns import Columns
from leadscoring.bulk.shipped import MADE
from leadscoring.errors import ScoringFileError, ScoringTableError
from leadscoring.ledger.persons import put_objection
from leadscoring.ledger.tables import lead
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel


@pytest.fixture(scope="module")
def model() -> Iterator[LoadedModel]:
    """The small model."""
    with tempfile.TemporaryDirectory() as folder:
        yield open_model(factories.model_file(Path(folder)))


def frame() -> pl.DataFrame:
    """Three leads, of which the API rejects the second."""
    columns: dict[str, Any] = {name: [value] * 3 for name, value in factories.LEAD["features"].items()}
    return pl.DataFrame(columns | {"revenue": [1.0, -1.0, 3.0], "id": ["a", "b", "c"], "note": ["x", "y", "z"]})


def test_every_lead_is_scored_or_rejected(model: LoadedModel) -> None:
    """The id and the columns that are named are kept; faults are those of the API, with the row."""
    found = bulk.score(frame(), model, id="id", columns=["note"], reasons=2, details=True)
    assert found.scores["id"].to_list() == ["a", "c"]
    assert found.scores["note"].to_list() == ["x", "z"]
    assert found.rejects["row"].to_list() == [1]
    assert [fault["path"] for fault in found.rejects["faults"][0]] == ["/features/revenue"]
    assert set(found.scores.columns) >= {"probability", "tier", "reason_2_contribution", "margin", "model_digest"}


def test_columns_that_scores_have_get_another_name(model: LoadedModel) -> None:
    """Scores of yesterday may be kept beside those of today; the column of ids is ``id``, as in files."""
    given = frame().with_columns(tier=pl.lit("old"), input_tier=pl.lit("older")).rename({"id": "bucket"})
    found = bulk.score(given, model, id="bucket", columns=["tier", "input_tier"])
    assert found.scores["id"].to_list() == ["a", "c"]
    assert found.scores.columns[-2:] == ["input_input_tier", "input_tier"]
    assert found.scores.select("input_input_tier", "input_tier").row(0) == ("old", "older")
    assert found.scores["tier"].to_list() == bulk.score(given, model).scores["tier"].to_list()


def test_frames_and_files_call_everything_by_the_same_names(model: LoadedModel) -> None:
    """Scores of a frame can be put below those of a file: no column has a name of its own."""
    found = bulk.score(frame(), model, id="id", reasons=2, details=True)
    chunk = BulkScorer(model, 2).score(frame())
    of_files = Columns(model, nested=False, reasons=2, details=True).table(chunk, frame()["id"]).columns
    assert set(found.scores.columns) == set(of_files)
    lists = Columns(model, nested=True, reasons=2, details=True).table(chunk, frame()["id"])
    assert set(lists.columns) == {"id", *MADE} - {"as_of"}
    parts = [f"reason_1_{field.name}" for field in lists.schema["reasons"].inner.fields]  # type: ignore[attr-defined]  # a list of structs
    assert [name for name in of_files if name.startswith("reason_1")] == parts


def test_a_frame_of_arrow_is_scored_without_its_library(model: LoadedModel) -> None:
    """Any object with the stream of Arrow is a frame; the scores are then of polars."""

    class Stream:
        def __arrow_c_stream__(self, schema: object = None) -> object:
            return frame().__arrow_c_stream__(schema)

    found: Any = bulk.score(Stream(), model, id="id")
    assert found.scores.equals(bulk.score(frame(), model, id="id").scores)


@pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="pandas is not installed")
def test_a_frame_of_pandas_gets_one_of_pandas(model: LoadedModel) -> None:
    """With the labels of the rows that were scored; missing cells of pandas are unknown."""
    pandas: Any = importlib.import_module("pandas")
    given = pandas.DataFrame(frame().to_dict(as_series=False), index=["r1", "r2", "r3"])
    given.loc["r3", "visits"] = float("nan")
    given["source"] = given["source"].astype("category")
    found: Any = bulk.score(given, model, id="id")
    wanted = bulk.score(frame().with_columns(visits=pl.Series([3, 3, None])), model, id="id")
    assert found.scores.index.tolist() == ["r1", "r3"]
    assert found.scores["probability"].tolist() == wanted.scores["probability"].to_list()
    assert found.scores["tier"].tolist() == wanted.scores["tier"].to_list()


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_a_table_of_pyarrow_gets_one_of_pyarrow(model: LoadedModel) -> None:
    """The library that the caller has converts the scores."""
    found: Any = bulk.score(frame().to_arrow(), model, id="id")
    assert found.scores.column("id").to_pylist() == ["a", "c"]


@pytest.mark.parametrize(
    ("options", "without", "said"),
    [
        ({"id": "key"}, (), "the table lacks 'key', which is named; it has 'revenue'"),
        ({}, ("revenue",), "the table lacks 'revenue', which every lead must have"),
    ],
)
def test_a_frame_that_lacks_a_column_is_refused(
    model: LoadedModel, options: Any, without: tuple[str, ...], said: str
) -> None:
    """At once, with its name, rather than by rejecting every lead."""
    with pytest.raises(ScoringTableError) as raised:
        bulk.score(frame().drop(*without), model, **options)
    assert str(raised.value).startswith(said)


def test_other_objects_are_refused(model: LoadedModel) -> None:
    """A list is no frame, and a lazy frame has no rows yet."""
    for given in ([1], frame().lazy()):
        with pytest.raises(TypeError):
            bulk.score(given, model)


def test_scoring_needs_no_library_of_training() -> None:
    """The extra ``bulk`` is polars and numpy; XGBoost is not imported."""
    program = "import sys, leadscoring.bulk.frames; sys.exit(bool({'xgboost', 'sklearn', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_a_frame_is_recorded_and_objections_are_rejects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the ledger of the environment; without one, recording is refused."""
    path = factories.model_file(tmp_path)
    table = frame()
    with pytest.raises(ScoringFileError, match="set LEDGER to that of the service"):
        bulk.score(table, path, id="id", record=True)
    for name, value in ledger_settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    ledger = new_ledger(tmp_path)
    put_objection(ledger, KEYS, "a", "ops")
    found = bulk.score(table, path, id="id", record=True)
    assert found.scores["id"].to_list() == ["c"]
    assert "lead_objected" in found.rejects["faults"][0][0]["message"]
    with ledger.reading() as connection:
        assert connection.scalars(select(lead.c.key).where(lead.c.last_score.is_not(None))).all() == [KEYS.key("c")]
    ledger.close()
    with pytest.raises(ScoringFileError, match="by the path of its file"):
        bulk.score(table, open_model(path), id="id", record=True)

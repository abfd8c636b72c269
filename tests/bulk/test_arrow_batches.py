"""An Arrow batch gets one row for each of its rows, in order, with the bits of the chunk function, whatever its types."""

import decimal
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import clusters
import polars as pl
import pytest
from timed import timed_lead, timed_model

from leadscoring.bulk.shipped import Asked, shipment
from leadscoring.errors import ScoringTableError
from leadscoring.model.loaded import LoadedModel

pytestmark = clusters.needs("pyarrow")
pa = clusters.module("pyarrow")
arrow_batches = clusters.module("leadscoring.bulk.arrow_batches", "pyarrow")


def scorer_of(path: Path, **asked: Any) -> Any:
    """The scorer of batches with this model."""
    given: dict[str, Any] = {"reasons": 5, "details": False, "id": "lead", "as_of": clusters.NOW, "columns": ()} | asked
    made = shipment(path, Asked(**given))
    return arrow_batches.BatchScorer(made.loaded, made.plan)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the small model."""
    return clusters.model_file(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def model(path: Path) -> LoadedModel:
    """The small model."""
    return shipment(path, Asked(5, False, None, None, ())).loaded


def test_each_row_gets_its_row_with_the_bits_of_the_chunk_function(path: Path, model: LoadedModel) -> None:
    """Scores, reasons, warnings and faults are equal, and the rows are in order."""
    table = clusters.leads()
    rows = scorer_of(path).score(table.to_arrow()).to_pylist()
    assert [row["id"] for row in rows] == table["lead"].to_list()
    assert clusters.by_id(rows) == clusters.expected(model, table)
    assert 0 < sum(row["rejected"] is not None for row in rows) < len(rows)
    assert any(row["warnings"] for row in rows)


@pytest.mark.parametrize("reasons", [0, 1, 7])
def test_the_schema_does_not_depend_on_the_rows(path: Path, reasons: int) -> None:
    """It is the same of an empty batch, of scored leads, and where every lead is rejected."""
    scorer, table = scorer_of(path, reasons=reasons), clusters.leads(100)
    everything = scorer.score(table.to_arrow())
    for some in (table[:0], table.filter(pl.col("revenue") < 0), table.filter(pl.col("source") != "fax")):
        found = scorer.score(some.to_arrow())
        assert found.schema == everything.schema
        assert found.num_rows == some.height
    assert everything.schema == scorer.schema({"lead": pa.large_string()})
    assert ("reasons" in everything.schema.names) == (reasons > 0)


def dictionary(column: Any) -> Any:
    """The column as Arrow has categories."""
    return column.cast(pa.string()).dictionary_encode()


CHANGES: dict[str, dict[str, Any]] = {
    "decimals": {"revenue": lambda column: column.cast(pa.decimal128(20, 2)), "open_rate": lambda column: column},
    "dictionaries": {"source": dictionary, "region / city (ü)": dictionary, "lead": dictionary},
    "small texts": {"source": lambda column: column.cast(pa.string()), "lead": lambda column: column.cast(pa.string())},
    "views": {"source": lambda column: column.cast(pa.string_view())},
    "wide decimals": {"revenue": lambda column: column.cast(pa.decimal256(40, 5))},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_the_type_of_a_column_changes_no_score(path: Path, changes: dict[str, Any]) -> None:
    """Decimals, dictionaries and every kind of text stand for the same leads; so does another order of columns."""
    plain = clusters.leads(500).to_arrow()
    table = plain
    for name, change in changes.items():
        table = table.set_column(table.schema.get_field_index(name), name, change(table[name]))
    table = table.select(table.schema.names[::-1])
    scorer = scorer_of(path)
    found, same = scorer.score(table).to_pylist(), scorer.score(plain).to_pylist()
    unshown = [[{**row, "rejected": row["rejected"] is None} for row in rows] for rows in (found, same)]
    assert unshown[0] == unshown[1]


def test_a_lead_with_decimals_has_no_faults_but_its_own(path: Path) -> None:
    """Exact numbers of a data platform are numbers, also where the service's decoder looks at the lead."""
    one = {"lead": ["a"], "revenue": [decimal.Decimal("12.50")], "visits": [decimal.Decimal("-1")]}
    rest = {"decision_maker": [True], "source": ["web"], "region / city (ü)": ["north"]}
    row = scorer_of(path).score(pa.table(one | rest)).to_pylist()[0]
    assert [fault["path"] for fault in row["rejected"]] == ["/features/visits"]


def test_columns_that_no_one_asks_for_may_be_of_any_type(path: Path, model: LoadedModel) -> None:
    """Nested columns, maps and unions that are no features are not even read."""
    table = clusters.leads(50)
    extra = [{"a": [1, {"b": place}.get("b")]} for place in range(50)]
    arrow = table.to_arrow().append_column("nested", pa.array(extra))
    arrow = arrow.append_column("mapped", pa.array([[("x", 1)]] * 50, pa.map_(pa.string(), pa.int64())))
    found = scorer_of(path, columns=("mapped", "nested")).score(arrow)
    assert found.column("nested").to_pylist() == extra
    assert found.column("mapped").to_pylist() == [[("x", 1)]] * 50
    rows = found.drop_columns(["mapped", "nested"]).to_pylist()
    assert clusters.by_id(rows) == clusters.expected(model, table)


def test_a_nested_feature_is_rejected_in_each_lead(path: Path) -> None:
    """It is what the service answers to a list where a number belongs."""
    table = clusters.leads(4).drop("visits").with_columns(visits=pl.Series([[1], [2], None, []]))
    rows = scorer_of(path).score(table.to_arrow()).to_pylist()
    assert [row["rejected"] is None for row in rows][2:3] == [True]
    assert any(fault["path"] == "/features/visits" for fault in rows[0]["rejected"])


def test_ids_keep_their_type_and_long_numbers_are_fine(path: Path) -> None:
    """A table has all digits of a number, where JSON may not; no id is rejected, as by the service."""
    ids = [2**60, 7, None]
    table = clusters.leads(6)[[0, 1, 4]].drop("lead").to_arrow().append_column("lead", pa.array(ids))
    rows = scorer_of(path).score(table).to_pylist()
    assert [row["id"] for row in rows] == ids
    refused = [row["rejected"] is not None and row["rejected"][0]["path"] == "/lead_id" for row in rows]
    assert refused == [False, False, True]


def test_a_table_without_ids_has_no_column_of_them(path: Path) -> None:
    """Its rows are in order, so that they can be put side by side."""
    found = scorer_of(path, id=None).score(clusters.leads(10).to_arrow())
    assert found.num_rows == 10
    assert "id" not in found.schema.names


def test_a_kept_column_with_the_name_of_a_score_is_renamed(path: Path) -> None:
    """As ``leadscoring score`` does."""
    table = clusters.leads(3).with_columns(tier=pl.Series([1, 2, 3]), note=pl.Series(["a", None, "c"]))
    found = scorer_of(path, columns=("tier", "note")).score(table.to_arrow())
    assert found.schema.names[-2:] == ["input_tier", "note"]
    assert found.column("input_tier").to_pylist() == [1, 2, 3]


def test_a_missing_column_is_an_error_that_names_it(path: Path) -> None:
    """Before anything is scored."""
    table = clusters.leads(3)
    with pytest.raises(ScoringTableError, match="'note'"):
        scorer_of(path, columns=("note",)).score(table.to_arrow())
    with pytest.raises(ScoringTableError, match="'revenue'"):
        scorer_of(path).score(table.drop("revenue").to_arrow())
    arrow = table.to_arrow()
    with pytest.raises(ValueError, match="'growth' 2 times"):
        scorer_of(path).score(arrow.append_column("growth", arrow["growth"]))


def test_times_are_moments_in_any_zone(tmp_path: Path) -> None:
    """A date and an ``as_of`` with a zone stand for the same moment as their text does."""
    zone = timezone(timedelta(hours=5, minutes=30))
    lead = timed_lead()
    dates = {name: datetime.fromisoformat(lead["features"][name]).astimezone(UTC) for name in ("created",)}
    dates["as_of"] = datetime.fromisoformat(lead["as_of"])
    texts = {"lead": "a", "as_of": lead["as_of"]} | lead["features"]
    scorer = scorer_of(timed_model(tmp_path), as_of="as_of")
    tables = [texts, texts | dates, texts | {name: moment.astimezone(zone) for name, moment in dates.items()}]
    rows = [scorer.score(pa.table({name: [cell] for name, cell in cells.items()})).to_pylist()[0] for cells in tables]
    assert {(row["probability"], row["as_of"], row["rejected"]) for row in rows} == {
        (rows[0]["probability"], "2026-03-10T12:00:00Z", None)
    }


def test_a_type_that_cannot_be_read_is_an_error_that_names_the_column(path: Path) -> None:
    """Not a score of something else."""
    table = clusters.leads(2).drop("growth").to_arrow()
    interval = pa.array([(1, 2, 3), None], pa.month_day_nano_interval())
    with pytest.raises(ValueError, match="'growth' of type month_day_nano_interval cannot be read"):
        scorer_of(path).score(table.append_column("growth", interval))

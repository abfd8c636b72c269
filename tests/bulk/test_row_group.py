"""A row group has the values and the schema that Polars alone would give it, whoever wrote each of its columns."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadscoring.bulk.appended import Appended
from leadscoring.bulk.outputs import ParquetOutput
from leadscoring.bulk.parquet_footer import COLUMNS, GROUPS
from leadscoring.bulk.row_group import FEW, LONGEST, Scores, by_polars, group_of, statistics, texts_of
from leadscoring.training.reading.series import as_text

NAMES = ["visits", "größe", "revenue"]
OWN = ("id", "probability", "tier", "bucket", "reasons", "warnings")
KNOWN = Scores(frozenset(OWN), pl.Series(NAMES))
REASON = pl.Struct({"feature": pl.String, "value": pl.String, "contribution": pl.Float64})
WARNINGS = pl.List(pl.Struct({"code": pl.String}))
TIERS = pl.Enum(["A", "B", "C", "a tier that nobody has"])
DOUBLES = st.sampled_from([0.0, -0.0, 1.5, -2.0, 1e300]) | st.floats(allow_nan=False)
SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)


def written(path: Path, tables: list[pl.DataFrame], empty: pl.DataFrame, known: Scores = KNOWN) -> pl.DataFrame:
    """The file of these tables, read by Polars."""
    file = Appended(path / "scores.parquet")
    output = ParquetOutput(file, {}, known)
    output.begin(empty)
    groups = [group for table in tables for group in output.append(output.piece(table))]
    output.end(empty, groups)
    file.finish()
    return pl.read_parquet(path / "scores.parquet")


def coded(rows: list[list[tuple[int, float, float]]], most: int) -> pl.Series:
    """Reasons as scoring has them: as many for each lead, of which those without a feature are none."""
    filled = [row + [(-1, np.nan, 0.0)] * (most - len(row)) for row in rows]
    parts: list[Any] = [np.array([[reason[part] for reason in row] for row in filled]) for part in range(3)]
    names = ("feature", "value", "contribution")
    columns = [pl.Series(name, part.reshape(-1, most)) for name, part in zip(names, parts, strict=True)]
    return pl.DataFrame([columns[0].cast(pl.Array(pl.Int32, most)), *columns[1:]]).to_struct("reasons")


def plain(rows: list[list[tuple[int, float, float]]]) -> pl.Series:
    """Reasons as a reader has them."""
    values = [as_text(pl.Series([value for _, value, _ in row], dtype=pl.Float64).fill_nan(None)) for row in rows]
    return pl.Series(
        "reasons",
        [
            [
                {"feature": NAMES[code], "value": value, "contribution": share}
                for (code, _, share), value in zip(row, texts, strict=True)
            ]
            for row, texts in zip(rows, values, strict=True)
        ],
        dtype=pl.List(REASON),
    )


REASONS = st.lists(st.tuples(st.integers(0, 2), st.just(float("nan")) | DOUBLES, DOUBLES), max_size=3)
LEADS = st.lists(
    st.tuples(st.none() | st.text(max_size=20), st.none() | DOUBLES, st.integers(0, 3), st.integers(0, 255), REASONS),
    min_size=1,
    max_size=60,
)


@SETTINGS
@given(LEADS, st.integers(1, 30))
def test_scores_are_read_as_they_were(tmp_path: Path, leads: list[tuple[Any, ...]], repeated: int) -> None:
    """Null and NaN, few values and many, leads with fewer reasons than others and with none."""
    ids, chances, tiers, buckets, reasons = map(list, zip(*(leads * repeated), strict=True))
    common = {
        "id": pl.Series(ids, dtype=pl.String),
        "probability": pl.Series(chances, dtype=pl.Float64),
        "bucket": pl.Series(buckets, dtype=pl.UInt8),
        "warnings": pl.Series([[]] * len(ids), dtype=WARNINGS),
    }
    tier = pl.Series([TIERS.categories[code] for code in tiers], dtype=TIERS)
    expected = pl.DataFrame({**common, "tier": tier.cast(pl.String), "reasons": plain(reasons)})
    table = pl.DataFrame({**common, "tier": tier, "reasons": coded(reasons, 3)})
    found = written(tmp_path, [table], expected.clear())
    assert found.schema == expected.schema
    assert found.equals(expected)


@pytest.mark.parametrize("different", [9, 1_000_000])
def test_many_rows_are_read_as_they_were(tmp_path: Path, different: int) -> None:
    """More of them than the parts in which bytes are compressed, and null among runs of values, few of them or many."""
    chance = np.random.default_rng(4)
    rows = 20_000
    numbers = np.where(chance.random(rows) < 0.001, np.nan, chance.normal(size=rows))
    some = np.where(chance.random((rows, 5)) < 0.001, np.nan, chance.integers(0, different, (rows, 5)) / 4)
    features = chance.integers(0, 3, (rows, 5)).astype(np.int32)
    parts = {"feature": features, "value": some, "contribution": chance.normal(size=(rows, 5))}
    table = pl.DataFrame({"id": pl.Series(range(rows)).cast(pl.String), "probability": numbers})
    reasons = pl.DataFrame([pl.Series(name, part) for name, part in parts.items()]).to_struct("reasons")
    schema = {**table.schema, "reasons": pl.List(REASON)}
    found = written(tmp_path, [table.with_columns(reasons)], pl.DataFrame(schema=schema))
    assert found["id"].equals(table["id"])
    assert found["probability"].equals(pl.Series(numbers, nan_to_null=True))
    flat = found["reasons"].explode().struct.unnest()
    assert flat["feature"].to_list() == [NAMES[code] for code in features.reshape(-1)]
    assert flat["value"].equals(as_text(pl.Series(some.reshape(-1), nan_to_null=True)))
    assert np.array_equal(flat["contribution"].to_numpy(), parts["contribution"].reshape(-1))
    assert found["reasons"].list.len().unique().to_list() == [5]


def test_columns_without_a_value_are_null(tmp_path: Path) -> None:
    """As percentiles are if the model has no reference."""
    table = pl.DataFrame({"probability": pl.Series([None] * 9, dtype=pl.Float64)})
    reasons = coded([[(1, np.nan, 0.5)]] * 9, 1)
    found = written(
        tmp_path, [table.with_columns(reasons)], table.with_columns(plain([[(1, np.nan, 0.5)]] * 9)).clear()
    )
    assert found["probability"].null_count() == 9
    assert found["reasons"].to_list() == [[{"feature": "größe", "value": None, "contribution": 0.5}]] * 9


def test_columns_of_the_input_stay_as_they_are(tmp_path: Path) -> None:
    """Polars writes them, between those of scores: NaN is not null there, and any type has its place."""
    other = pl.DataFrame(
        {
            "id": ["a", "b"],
            "notes": [{"a": [1, 2]}, None],
            "probability": [0.5, 0.25],
            "rate": [float("nan"), None],
            "raw": [b"\x00", None],
            "empty": pl.Series([[], []], dtype=pl.List(pl.Int8)),
        }
    )
    assert written(tmp_path, [other, other[:1]], other.clear()).equals(pl.concat([other, other[:1]]))


@pytest.mark.parametrize("name", ["id", "bucket", "warnings"])
def test_unusual_scores_are_written_by_polars(tmp_path: Path, name: str) -> None:
    """Ids that are no texts, null where the engine expects a number, and warnings."""
    columns = {
        "id": pl.Series([1, 2]),
        "bucket": pl.Series([None, 3], dtype=pl.UInt8),
        "warnings": pl.Series([[{"code": "future_date"}], []], dtype=WARNINGS),
    }
    table = pl.DataFrame({name: columns[name]})
    assert written(tmp_path, [table], table.clear()).equals(table)


def test_a_part_says_what_its_columns_hold() -> None:
    """Readers pass over row groups by the least and the largest value of a column, and count what is null."""
    table = pl.DataFrame({"id": ["b", "a", None], "probability": [0.0, 0.5, -1.0], "tier": pl.Series(["A"] * 3)})
    group = next(value for field, _, value in group_of(table, KNOWN).footer if field == GROUPS)[1][0]
    columns = next(value for field, _, value in group if field == COLUMNS)[1]
    facts = [next(value for field, _, value in column if field == 3) for column in columns]
    said = [{field: value for field, _, value in next(fact for no, _, fact in one if no == 12)} for one in facts]
    assert said[0] == {3: 1, 5: b"b", 6: b"a"}
    assert np.frombuffer(said[1][5])[0] == 0.5
    assert np.frombuffer(said[1][6])[0] == -1.0


def test_long_texts_are_no_bounds() -> None:
    """Readers may expect them to be cut."""
    assert [field for field, _, _ in statistics(0, b"a", b"b" * LONGEST)] == [3, 5, 6]
    assert [field for field, _, _ in statistics(0, b"a", b"b" * (LONGEST + 1))] == [3]
    assert [field for field, _, _ in statistics(2, None, None)] == [3]


def test_polars_parts_have_the_pages_of_each_column() -> None:
    """Those of lists and structs have several."""
    found = by_polars(pl.DataFrame({"a": [1], "b": [{"c": 1, "d": [2]}]}))
    assert {name: len(leaves) for name, leaves in found.items()} == {"a": 1, "b": 2}
    assert by_polars(pl.DataFrame()) == {}


@given(st.lists(st.just(float("nan")) | st.floats(allow_nan=False) | st.integers(-9, 9).map(float), max_size=FEW))
def test_few_numbers_are_places_of_their_texts(numbers: list[float]) -> None:
    """The texts are those of each number; NaN is null."""
    column = np.array(numbers, dtype=np.float64)
    places, texts = texts_of(column)
    assert texts.gather(places).to_list() == as_text(pl.Series(column, nan_to_null=True)).to_list()
    assert texts.n_unique() == len(texts)


def test_many_numbers_are_texts() -> None:
    """A list of them would be as long as the column."""
    column = np.array([*range(9 * FEW), np.nan])
    places, texts = texts_of(column)
    assert places is None
    assert texts.equals(as_text(pl.Series(column, nan_to_null=True)))
    places, texts = texts_of(np.concatenate([column] * 8))
    assert len(texts) == len(column)
    assert places is not None

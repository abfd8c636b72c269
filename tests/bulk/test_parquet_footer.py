"""Parquet files are joined by their footers: the rows of all parts are in one file that any reader reads."""

import io
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.bulk.parquet_footer import MAGIC, Group, Reader, footer_of, group_rows, groups_of, part_of, struct_of


def joined(frames: list[pl.DataFrame]) -> bytes:
    """The frames as the row groups of one file."""
    content, rows, first = MAGIC, 0, None
    groups: list[Group] = []
    for frame in frames:
        buffer = io.BytesIO()
        frame.write_parquet(buffer, metadata={"made": "by parts"})
        part = part_of(buffer.getvalue())
        first = first or part
        groups += groups_of(part, len(content), len(groups))
        content += part.pages
        rows += frame.height
    assert first is not None
    return content + footer_of(first, rows, [group.content for group in groups])


def frame_of(rows: int, seed: int) -> pl.DataFrame:
    """Columns of the types that scores have, with nulls."""
    return pl.DataFrame(
        {
            "id": [f"lead {seed}-{row}" for row in range(rows)],
            "p": [None if row % 7 == 3 else row / 3 for row in range(rows)],
            "n": pl.Series([row % 5 for row in range(rows)], dtype=pl.UInt8),
            "day": [date(2026, 1, 1 + row % 28) for row in range(rows)],
            "why": [[{"feature": "a", "value": str(row), "contribution": 0.5}] * (row % 3) for row in range(rows)],
        },
        schema_overrides={
            "why": pl.List(pl.Struct({"feature": pl.String, "value": pl.String, "contribution": pl.Float64}))
        },
    )


@pytest.mark.parametrize("sizes", [[5], [3, 1000, 1], [1] * 40])
def test_row_groups_of_several_files_make_one(sizes: list[int], tmp_path: Path) -> None:
    """The joined file has the rows of all parts in order, its row groups are those of the parts."""
    frames = [frame_of(rows, seed) for seed, rows in enumerate(sizes)]
    path = tmp_path / "joined.parquet"
    path.write_bytes(joined(frames))
    assert pl.read_parquet(path).equals(pl.concat(frames))
    assert group_rows(str(path)) == sizes
    assert pl.scan_parquet(path).filter(pl.col("p") > 1).collect().equals(pl.concat(frames).filter(pl.col("p") > 1))
    assert pl.read_parquet_metadata(path)["made"] == "by parts"


def test_xgboosts_neighbours_read_it_too(tmp_path: Path) -> None:
    """Another reader than the writer takes it: DuckDB or pyarrow, where one is installed."""
    reader = pytest.importorskip("pyarrow.parquet")
    frames = [frame_of(10, 0), frame_of(20, 1)]
    path = tmp_path / "joined.parquet"
    path.write_bytes(joined(frames))
    assert reader.read_table(path).to_pylist() == pl.concat(frames).to_dicts()


fields = st.recursive(
    st.one_of(
        st.tuples(st.sampled_from([4, 5, 6]), st.integers(-(2**62), 2**62)),
        st.tuples(st.just(8), st.binary(max_size=40)),
        st.sampled_from([(1, True), (2, False)]),
        st.tuples(st.just(7), st.binary(min_size=8, max_size=8)),
    ),
    lambda inner: st.tuples(
        st.just(12),
        st.lists(st.tuples(st.integers(1, 40), inner), max_size=4).map(
            lambda pairs: [(number, kind, value) for number, (kind, value) in sorted(dict(pairs).items())]
        ),
    ),
    max_leaves=12,
)


@given(st.lists(st.tuples(st.integers(1, 100), fields), max_size=8))
def test_what_is_written_is_read_again(pairs: list[tuple[int, tuple[int, object]]]) -> None:
    """The compact protocol is written as it is read, for every kind of field and nesting."""
    whole = [(number, kind, value) for number, (kind, value) in sorted(dict(pairs).items())]
    assert list(Reader(struct_of(whole)).fields()) == whole

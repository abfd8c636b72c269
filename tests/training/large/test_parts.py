"""A file of which only parts are in memory."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from leadscoring.errors import TrainingDataError
from leadscoring.training.large.parts import Parquet


def test_parts_together_are_the_file(tmp_path: Path) -> None:
    """Row groups need not be as long as parts; columns come in the order of the file."""
    frame = pl.DataFrame({"a": range(1000), "b": [f"x{row}" for row in range(1000)], "c": [0.5] * 1000})
    frame.write_parquet(tmp_path / "leads.parquet", row_group_size=300)
    parts = Parquet(tmp_path / "leads.parquet", values=210)
    shares: list[float] = []
    found = list(parts.parts({"c", "a"}, shares.append))
    assert [start for start, _ in found] == list(range(0, 1000, 70))
    assert pl.concat([part for _, part in found]).equals(frame.select("a", "c"))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert parts.whole({"b"}).equals(frame.select("b"))
    assert parts.some(np.array([0, 69, 70, 999])).equals(frame[[0, 69, 70, 999]])


def test_names_are_those_that_leads_can_have(tmp_path: Path) -> None:
    """A quotation mark cannot be in the key of a lead: the column has another name, and its label is kept."""
    pl.DataFrame({'size 5"': [1], "b": [2]}).write_parquet(tmp_path / "leads.parquet")
    parts = Parquet(tmp_path / "leads.parquet")
    assert parts.columns == ["size 5'", "b"]
    assert parts.facts.labels == {"size 5'": 'size 5"'}
    assert parts.whole(parts.columns).columns == parts.columns


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """With the advice that there is for one that fits in memory."""
    (tmp_path / "leads.parquet").write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(TrainingDataError, match="not a readable Parquet file"):
        Parquet(tmp_path / "leads.parquet")

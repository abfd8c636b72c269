"""Frames of leads are written as they are, in parts."""

from pathlib import Path

import polars as pl
import pytest

from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.frames import frames_of, write_frames
from leadscoring.demo.leads import demo_leads

ROWS = 10_050


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
@pytest.mark.parametrize("with_truth", [False, True])
def test_a_file_holds_the_frames_one_after_the_other(tmp_path: Path, kind: str, with_truth: bool) -> None:
    """Whatever the number of frames, and with the truth only if asked for."""
    out = tmp_path / "leads"
    write_frames(out, kind, frames_of(demo_leads(ROWS, 2)), with_truth=with_truth)
    read = pl.read_csv(out, try_parse_dates=True) if kind == ".csv" else pl.read_parquet(out)
    whole = pl.concat(frames_of(demo_leads(ROWS, 2)))
    assert read.equals(whole if with_truth else whole.drop("true_probability"))


def test_frames_hold_the_leads() -> None:
    """With nothing rounded, and in order."""
    frame = pl.concat(frames_of(demo_leads(30, 2)))
    for row, lead in zip(frame.iter_rows(named=True), demo_leads(30, 2), strict=True):
        assert {name: row[name] for name in CONTRACT.names} == lead.features
        assert (row["lead_id"], row["created_at"], row["converted"]) == (lead.lead_id, lead.created_at, lead.converted)
        assert row["true_probability"] == lead.probability

"""The command that writes demo data to a file."""

import csv
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from leadscoring.cli.demo import demo_data
from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.leads import demo_leads


def run(*arguments: str | Path) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(demo_data, [str(argument) for argument in arguments])


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_writes_as_many_leads_as_asked(tmp_path: Path) -> None:
    """Identifier, date, the contract in order, and the outcome."""
    out = tmp_path / "leads.csv"
    result = run("--rows", "120", "--out", out)
    assert result.exit_code == 0, result.output
    assert f"{out}: 120 leads" in result.output
    rows = read(out)
    assert len(rows) == 120
    assert list(rows[0]) == ["lead_id", "created_at", *CONTRACT.names, "converted"]
    assert {row["converted"] for row in rows} == {"0", "1"}
    assert rows[0]["created_at"] == "2024-01-01"


def test_a_file_holds_the_leads_that_its_seed_makes(tmp_path: Path) -> None:
    """Numbers survive the way through the file, and what is missing is an empty cell."""
    out = tmp_path / "leads.csv"
    run("--rows", "30", "--seed", "4", "--out", out)
    for row, lead in zip(read(out), demo_leads(30, 4), strict=True):
        read_back = {name: float(row[name]) if row[name] else None for name in CONTRACT.names}
        assert read_back == lead.features


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    """A model trained on the file can be made again."""
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    run("--rows", "40", "--seed", "4", "--out", one)
    run("--rows", "40", "--seed", "4", "--out", other)
    assert one.read_bytes() == other.read_bytes()


def test_the_truth_is_written_when_asked_for(tmp_path: Path) -> None:
    """Only then, because a model that sees it learns nothing else."""
    out = tmp_path / "leads.csv"
    run("--rows", "10", "--with-truth", "--out", out)
    for row, lead in zip(read(out), demo_leads(10), strict=True):
        assert float(row["true_probability"]) == lead.probability


def test_parquet_holds_the_same_leads(tmp_path: Path) -> None:
    """With types: a date is a date, a count a whole number, missing is null."""
    out = tmp_path / "leads.parquet"
    result = run("--rows", "50", "--out", out)
    assert result.exit_code == 0, result.output
    table = pl.read_parquet(out)
    assert table.schema["created_at"] == pl.Date
    assert table.schema["website_visits_30d"] == pl.Int64
    for row, lead in zip(table.to_dicts(), demo_leads(50), strict=True):
        assert {name: row[name] for name in CONTRACT.names} == lead.features


def test_parquet_without_polars_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A serving installation has no polars, and says so instead of failing."""
    monkeypatch.setitem(sys.modules, "polars", None)
    result = run("--rows", "5", "--out", tmp_path / "leads.parquet")
    assert result.exit_code == 2
    assert "--out must end in .csv: " in result.output
    assert "leadscoring[train]" in result.output


@pytest.mark.parametrize(
    ("name", "message"),
    [("leads.xlsx", "--out must end in .csv or .parquet"), ("absent/leads.csv", "must be in an existing folder")],
)
def test_a_file_that_cannot_be_written_is_refused_first(tmp_path: Path, name: str, message: str) -> None:
    """Before any lead is made."""
    result = run("--rows", "5", "--out", tmp_path / name)
    assert result.exit_code == 2
    assert message in result.output


def test_no_rows_is_refused(tmp_path: Path) -> None:
    """With what is allowed."""
    result = run("--rows", "0", "--out", tmp_path / "leads.csv")
    assert result.exit_code == 2
    assert "1<=x<=10000000" in result.output

"""The command that shows what training would make of a file."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from past_leads import csv_of, leads
from terminal import in_terminal

from leadscoring.cli.inspect import inspect


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the current folder whose name and columns need quotation marks."""
    monkeypatch.chdir(tmp_path)
    frame = leads(300).rename({"won": "is it won?"}).with_row_index("Lead ID", offset=7)
    long = frame.with_columns(pl.col("visits").alias("a column with a name that is longer than others are"))
    return csv_of(long, Path("my leads.csv"))


def test_it_shows_columns_losses_and_the_next_command(data: Path) -> None:
    """Within 80 columns but for words that are longer; nothing is written."""
    ended = CliRunner().invoke(inspect, [str(data), "--target", "is it won?"])
    assert ended.exit_code == 0, ended.output
    flat = " ".join(ended.stdout.split())
    for words in (
        "300 rows",
        "converted means 'yes'",
        "visits integer 0.0%",
        "an identifier",
        "Next: leadscoring train",
    ):
        assert words in flat
    assert all(len(line) <= 80 or len(line.split()) <= 3 for line in ended.stdout.splitlines())
    assert list(Path().iterdir()) == [data]


def test_the_command_that_it_prints_works_in_a_shell(data: Path) -> None:
    """Copied with its line ends."""
    ended = CliRunner().invoke(inspect, [str(data)])
    command = ended.stdout.partition("Next:\n")[2]
    assert "\\\n" in command
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    trained = subprocess.run(
        ["/bin/sh", "-c", command], env=os.environ | {"PATH": path}, capture_output=True, check=False
    )
    assert trained.returncode == 0, trained.stderr
    assert shlex.split(command.replace("\\\n", ""))[-4:] == ["--out", "model.json", "--report", "report"]
    assert Path("model.json").exists()


def test_a_guess_is_never_silent(data: Path) -> None:
    """It says what was taken for the outcome, and that it was a guess."""
    flat = " ".join(CliRunner().invoke(inspect, [str(data)]).stdout.split())
    assert "a guess, since no --target was given: check it" in flat
    told = CliRunner().invoke(inspect, [str(data), "--target", "is it won?"])
    assert "guess" not in told.stdout


def test_json_has_the_same_for_programs(data: Path) -> None:
    """All that is on standard output."""
    ended = CliRunner().invoke(inspect, [str(data), "--json", "--ignore", "visits"])
    found = json.loads(ended.stdout)
    assert found["kind"] == "inspect"
    assert {one["column"]: one["why"] for one in found["excluded"]}["visits"] == "ignored, as asked"


@pytest.mark.parametrize("width", [60, 80, 100])
def test_it_is_as_wide_as_the_terminal(data: Path, width: int) -> None:
    """Nothing of the progress remains above it."""
    shown = in_terminal(["inspect", str(data), "--target", "is it won?"], width=width, environ={"NO_COLOR": "1"})
    assert shown.code == 0
    assert shown.lines[0] == "my leads.csv: 300 rows"
    assert max(map(len, shown.lines)) <= width


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Exit code 1, one thing, no traceback."""
    (tmp_path / "empty.csv").touch()
    (tmp_path / "binary.bin").write_bytes(bytes(range(256)) * 40)
    for name in ("absent.csv", "empty.csv", "binary.bin", "."):
        ended = CliRunner().invoke(inspect, [str(tmp_path / name)])
        assert ended.exit_code == 1
        assert ended.stdout == ""
        assert "Error: " in ended.stderr.replace("Error:\n", "Error: ")
        assert "Traceback" not in ended.stderr

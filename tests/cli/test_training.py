"""The commands that train and evaluate: what they print and write, and how they refuse."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from past_leads import csv_of, leads

from leadscoring.cli.training import evaluate, train


def flat(text: str) -> str:
    """A text without its line ends and indents."""
    return " ".join(text.split())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A CSV file of past leads."""
    return csv_of(leads(300), tmp_path / "Past leads.csv")


def test_train_then_evaluate(data: Path, tmp_path: Path) -> None:
    """Both commands print their figures, and write what was asked for."""
    model, report = tmp_path / "model.json", tmp_path / "report"
    told = CliRunner().invoke(train, [str(data), "--target", "won", "--out", str(model), "--report", str(report)])
    assert told.exit_code == 0, told.output
    assert "ROC-AUC" in told.stdout
    assert f"wrote {model}" in flat(told.stdout)
    assert max(map(len, told.stdout.splitlines())) <= 80 + len(str(tmp_path))
    assert {path.name for path in report.iterdir()} == {"report.html", "report.json"}
    told = CliRunner().invoke(evaluate, [str(model), str(data), "--target", "won", "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["kind"] == "evaluate"


def test_json_is_all_that_is_on_stdout(data: Path, tmp_path: Path) -> None:
    """The summary can be piped: progress goes to stderr."""
    told = CliRunner().invoke(
        train, [str(data), "--target", "won", "--ignore", "opt in", "--out", str(tmp_path / "m.ubj"), "--json"]
    )
    summary = json.loads(told.stdout)
    assert summary["model"]["name"] == "past-leads"
    assert summary["columns"]["dropped"]["opt in"] == "ignored, as asked"


def test_a_mistake_is_a_message_and_exit_code_1(data: Path, tmp_path: Path) -> None:
    """Nobody sees a traceback for a wrong file or column, and no model is written."""
    model = tmp_path / "model.json"
    for arguments in (
        [str(data), "--target", "win", "--out", str(model)],
        [str(tmp_path / "absent.csv"), "--target", "won", "--out", str(model)],
        [str(data), "--target", "won", "--positive", "si", "--out", str(model)],
    ):
        told = CliRunner().invoke(train, arguments)
        assert told.exit_code == 1
        assert "Error: " in told.stderr
        assert "Traceback" not in told.output
    assert not model.exists()
    told = CliRunner().invoke(evaluate, [str(model), str(data), "--target", "won"])
    assert told.exit_code == 1


def test_an_unwritable_place_is_a_message(data: Path) -> None:
    """A model that cannot be written is told as such."""
    told = CliRunner().invoke(train, [str(data), "--target", "won", "--out", str(data / "model.json")])
    assert told.exit_code == 1
    assert "cannot write" in told.stderr


def test_a_model_never_replaces_its_leads(data: Path, tmp_path: Path) -> None:
    """Not even with --overwrite, and not by another name of the same file."""
    before = data.read_bytes()
    other = tmp_path / "other.csv"
    other.symlink_to(data)
    for out in (data, other):
        told = CliRunner().invoke(train, [str(data), "--target", "won", "--out", str(out), "--overwrite"])
        assert told.exit_code == 1
        assert "is also the data" in flat(told.stderr)
    assert data.read_bytes() == before


def test_wrong_usage_is_exit_code_2(data: Path) -> None:
    """A missing option is a matter of usage."""
    assert CliRunner().invoke(train, [str(data)]).exit_code == 2


def test_help_needs_no_training_library() -> None:
    """Importing the commands imports none of the heavy libraries."""
    code = (
        "import sys, leadscoring.cli.training; sys.exit(any(m in sys.modules for m in ('xgboost', 'polars', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_options_for_files_of_people(tmp_path: Path) -> None:
    """Outcomes, personal data and ways of reading are named on the command line, and what was read is printed."""
    rows = [
        f"{('Customer', 'Evangelist', 'Lost', 'Lost', 'Spam', 'Open')[place % 6]};{place % 7},5;{place % 2};{'mf'[place % 2]}"
        for place in range(600)
    ]
    data = tmp_path / "leads.csv"
    data.write_text("\n".join(["Stage;Betrag;Kontakt;Gender", *rows]))
    command = [str(data), "--target", "Stage", "--positive", "Customer,Evangelist", "--negative", "Lost"]
    command += ["--keep", "Gender", "--read", "Kontakt=flag", "--ignore", "Gendr", "--out", str(tmp_path / "m.json")]
    told = CliRunner().invoke(train, command)
    assert told.exit_code == 0, told.output
    for words in (
        "400 leads, 200 converted",
        "200 rows were left out: 'Open' (100), 'Spam' (100) (named neither by --positive nor by --negative)",
        "separated by semicolons",
        "'Betrag': numbers such as '0,5', read as 0.5",
        "Kontakt: flag, required",
        "Gender: category",
        "--ignore 'Gendr' means no column of the data; did you mean 'Gender'?",
    ):
        assert words in flat(told.stdout)
    told = CliRunner().invoke(
        evaluate, [str(tmp_path / "m.json"), str(data), "--target", "Stage", "--negative", "Spam"]
    )
    assert "300 leads, 200 converted" in told.stdout
    told = CliRunner().invoke(evaluate, [str(tmp_path / "m.json"), str(data), "--target", "Stage"])
    assert "400 leads, 200 converted" in told.stdout


def test_a_date_of_conversion_may_replace_the_target(tmp_path: Path) -> None:
    """With a horizon, and with leads as of the day they were created."""
    frame, day = leads(600), pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(600) // 2)
    when = pl.when(pl.col("won") == "yes").then(day + pl.duration(days=pl.int_range(600) % 40))
    dated = frame.with_columns(day.alias("Created"), when.alias("Won on")).drop("won")
    data, model = csv_of(dated, tmp_path / "dated.csv"), tmp_path / "m.json"
    options = ["--won-date", "Won on", "--as-of", "Created", "--within", "30d", "--json"]
    told = CliRunner().invoke(train, [str(data), "--out", str(model), *options])
    assert told.exit_code == 0, told.output
    report = json.loads(told.stdout)
    assert any("converted means within 30 days" in note for note in report["notes"])
    assert any("younger than 30 days on 2024-" in note for note in report["notes"])
    measured = CliRunner().invoke(evaluate, [str(model), str(data), "--target", "Won on", "--json"])
    assert measured.exit_code == 0, measured.output
    for count in ("rows", "positives"):
        assert json.loads(measured.stdout)["data"][count] == report["data"][count]


def test_a_target_is_needed(data: Path, tmp_path: Path) -> None:
    """Or a date of conversion."""
    told = CliRunner().invoke(train, [str(data), "--out", str(tmp_path / "m.json")])
    assert told.exit_code == 2
    assert "the option --target COLUMN is missing" in told.stderr
    assert not (tmp_path / "m.json").exists()


def test_a_leak_is_kept_for_a_reason(data: Path, tmp_path: Path) -> None:
    """Given on the command line, and found in the report."""
    frame = leads(300).with_columns(pl.col("won").alias("Lead Status").replace({"yes": "hot", "no": "ringing"}))
    some = pl.when(pl.int_range(300) % 9 == 0).then(pl.lit("hot")).otherwise("Lead Status")
    noisy = frame.with_columns(some.alias("Lead Status"))
    options = ["--target", "won", "--keep", "Lead Status", "--because", "asked, first of all", "--json"]
    told = CliRunner().invoke(train, [str(csv_of(noisy, data)), "--out", str(tmp_path / "m.json"), *options])
    assert told.exit_code == 0, told.output
    evidence = {one["column"]: one for one in json.loads(told.stdout)["evidence"]}
    assert evidence["Lead Status"]["because"] == "asked, first of all"

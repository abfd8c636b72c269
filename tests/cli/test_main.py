"""The command line: help that is complete, errors that are one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from factories import card, model_file
from timed import timed_model

from leadscoring.cli.main import LAZY, TRAINING, main
from leadscoring.settings import TABLE


def run(*words: str) -> tuple[int, str]:
    """The exit code and output of a command."""
    ended = CliRunner().invoke(main, words)
    return ended.exit_code, ended.output


def test_help_names_every_command() -> None:
    """Lazy ones included, each with its own help."""
    code, said = run("--help")
    assert code == 0
    for name in ("serve", "model", *LAZY):
        assert name in said
        assert run(name, "--help")[0] == 0


@pytest.mark.parametrize("group", [(), ("keys",), ("model",)])
def test_no_command_is_described_by_half_a_sentence(group: tuple[str, ...]) -> None:
    """In a terminal of the usual width."""
    assert "..." not in run(*group, "--help")[1].partition("Commands:")[2]


def test_the_help_of_serve_lists_every_setting() -> None:
    """From the same table that the service reads."""
    said = run("serve", "--help")[1]
    assert all(row.name in said for row in TABLE)


def test_a_model_file_can_be_looked_into(tmp_path: Path) -> None:
    """Its contract, tiers and certification, for people and for programs."""
    code, said = run("model", "show", str(model_file(tmp_path)))
    assert code == 0
    assert "small 1.2.3" in said
    assert "all match" in said
    assert all(name in said for name in card().contract.names)
    assert '"certified": true' in run("model", "show", "--json", str(model_file(tmp_path)))[1]


def test_model_show_names_the_columns_of_features_with_aspects(tmp_path: Path) -> None:
    """And that scores depend on the moment."""
    code, said = run("model", "show", str(timed_model(tmp_path)))
    assert code == 0
    assert "over 7 features in 18 columns" in said
    assert "scores depend on as_of" in said
    assert "    created age\n    created weekday\n    created hour\n" in said
    assert "    amount\n" not in said
    assert '"timed": true' in run("model", "show", "--json", str(timed_model(tmp_path)))[1]


def test_a_file_that_is_no_model_is_one_line(tmp_path: Path) -> None:
    """Exit code 1, no traceback."""
    (tmp_path / "x.json").write_text("nonsense")
    code, said = run("model", "show", str(tmp_path / "x.json"))
    assert code == 1
    assert said.startswith("Error: ")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("command", [
    ("train", "leads.csv", "--target", "converted", "--out", "m.json"),
    ("evaluate", "m.json", "leads.csv", "--target", "converted"),
    ("drift", "m.json", "leads.csv"),
])  # fmt: skip
def test_training_without_its_libraries_names_the_extra(tmp_path: Path, command: tuple[str, ...]) -> None:
    """One line with the command that installs them, never a traceback."""
    (tmp_path / "leads.csv").write_text("a,converted\n1,1\n", "utf-8")
    model_file(tmp_path, name="m.json")
    for name in TRAINING:  # as if it was not installed
        (tmp_path / f"{name}.py").write_text(f"raise ModuleNotFoundError('No module named {name}', name='{name}')")
    ended = subprocess.run(
        [sys.executable, "-m", "leadscoring.cli.main", *command],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "pip install 'leadscoring[train]'" in ended.stderr
    assert "Traceback" not in ended.stderr

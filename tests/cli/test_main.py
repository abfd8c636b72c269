"""The command line: help that is complete, errors that are one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from factories import model_file

from leadscoring.cli.main import LAZY, TRAINING, main


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


def test_help_lists_every_exit_code() -> None:
    """Of all commands."""
    said = run("--help")[1].partition("Exit codes:")[2]
    for code in ("0", "1", "2", "3", "70", "129, 130, 143", "141"):
        assert f"\n    {code} " in said


@pytest.mark.parametrize("group", [(), ("keys",), ("model",)])
def test_no_command_is_described_by_half_a_sentence(group: tuple[str, ...]) -> None:
    """In a terminal of the usual width."""
    assert "..." not in run(*group, "--help")[1].partition("Commands:")[2]


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

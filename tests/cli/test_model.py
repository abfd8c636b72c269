"""The command that looks into model files."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from factories import card, model_file
from terminal import in_terminal
from timed import timed_model

from leadscoring.cli.main import main


def run(*words: str) -> tuple[int, str]:
    """The exit code and output of a command."""
    ended = CliRunner().invoke(main, words)
    return ended.exit_code, ended.output


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


def test_a_file_that_is_no_model_is_an_error(tmp_path: Path) -> None:
    """Exit code 1, what it is, no traceback."""
    (tmp_path / "x.json").write_text("nonsense")
    code, said = run("model", "show", str(tmp_path / "x.json"))
    assert code == 1
    assert said.startswith("Error:")
    assert "Traceback" not in said


@pytest.mark.parametrize("width", [60, 80])
def test_a_model_is_shown_as_wide_as_the_terminal(tmp_path: Path, width: int) -> None:
    """But for its hash, which is one word."""
    shown = in_terminal(["model", "show", str(timed_model(tmp_path))], width=width)
    assert shown.code == 0
    assert not [line for line in shown.lines if len(line) > width and len(line.split()) > 2]


def test_a_model_that_is_absent_is_named(tmp_path: Path) -> None:
    """Without names of Python."""
    code, said = run("model", "show", str(tmp_path / "absent.json"))
    assert code == 1
    assert "no such file" in " ".join(said.split())
    assert "FileNotFoundError" not in said

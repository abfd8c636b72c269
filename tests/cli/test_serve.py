"""The command that serves: its help, and its errors in the logs of containers."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from terminal import in_terminal

from leadscoring.cli.main import main
from leadscoring.settings import TABLE


def run(*words: str) -> tuple[int, str]:
    """The exit code and output of a command."""
    ended = CliRunner().invoke(main, words)
    return ended.exit_code, ended.output


def test_the_help_of_serve_lists_every_setting() -> None:
    """From the same table that the service reads."""
    said = run("serve", "--help")[1]
    assert all(row.name in said for row in TABLE)


def test_an_error_is_one_line_with_its_class_and_advice() -> None:
    """However long it is: the logs of containers take each line as an entry of its own."""
    environ = os.environ | {"MODEL_PATH": "absent.json", "API_KEYS": "a-key-of-some-length", "ENV": "development"}
    command = [sys.executable, "-m", "leadscoring.cli.main", "serve"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: ModelNotFound: ")
    assert ended.stderr.endswith("set MODEL_PATH to a model file; `leadscoring train` creates one\n")
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("width", [60, 80])
def test_its_help_is_as_wide_as_the_terminal(width: int) -> None:
    """With the settings, whose help hangs below their names."""
    assert max(map(len, in_terminal(["serve", "--help"], width=width).lines)) <= width

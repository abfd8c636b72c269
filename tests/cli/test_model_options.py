"""What a model file does not say can be said at every command that opens one."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from factories import model_file

from leadscoring.cli.model import model, show
from leadscoring.cli.model_options import opening_options
from leadscoring.cli.training import drift, evaluate


@click.command()
@opening_options
def command(rounds: str, missing_value: float | None) -> None:
    """A command that shows what it was given."""
    click.echo(f"{rounds} {missing_value}")


@pytest.mark.parametrize(
    ("words", "environ", "said"),
    [
        ([], {}, "auto None"),
        (["--rounds", "all", "--missing-value", "-999"], {}, "all -999.0"),
        (["--missing-value", "nan"], {}, "auto nan"),
        ([], {"MODEL_ROUNDS": "best", "MODEL_MISSING": "0"}, "best 0.0"),
        (["--rounds", "all"], {"MODEL_ROUNDS": "best"}, "all None"),
    ],
)
def test_an_option_goes_before_the_variable_of_the_service(
    words: list[str], environ: dict[str, str], said: str
) -> None:
    """So that a file is opened as the service opens it, unless somebody says otherwise."""
    clean: dict[str, str | None] = {"MODEL_ROUNDS": None, "MODEL_MISSING": None}
    found = CliRunner().invoke(command, words, env=clean | environ)
    assert (found.exit_code, found.stdout.strip()) == (0, said)


@pytest.mark.parametrize("words", [["--missing-value", "many"], ["--missing-value", "1e39"], ["--rounds", "some"]])
def test_what_is_not_allowed_is_wrong_usage(words: list[str]) -> None:
    """With the option and the value; a number beyond float32 is none that the trees know."""
    found = CliRunner().invoke(command, words)
    assert found.exit_code == 2
    assert words[0] in found.output
    assert words[1] in found.output


@pytest.mark.parametrize("opens", [show, evaluate, drift])
def test_every_command_that_opens_a_model_has_them(opens: click.Command) -> None:
    """A file that ``serve`` takes is taken by the others too."""
    named = {option for parameter in opens.params for option in parameter.opts}
    assert {"--rounds", "--missing-value"} <= named


def test_a_card_of_the_file_is_not_overruled_in_silence(tmp_path: Path) -> None:
    """What a file says itself cannot be said again: the command fails in one line."""
    found = CliRunner().invoke(model, ["show", str(model_file(tmp_path)), "--missing-value", "-1"])
    assert found.exit_code == 1
    assert "--missing-value" in found.output
    assert "Traceback" not in found.output

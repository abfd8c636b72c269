"""Commands share the layout of their help, the look of their errors and their exit codes."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import polars as pl
import pytest
from click.testing import CliRunner, Result
from factories import LEAD, model_file
from ledgers import add_score, ledger_settings, new_ledger
from past_leads import csv_of, leads
from terminal import in_terminal

from leadscoring.cli.commands import Alike, Command, Group, option, shell
from leadscoring.cli.main import main


def every(group: click.Group, name: str = "leadscoring") -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name; groups too."""
    context = click.Context(group)
    yield name, group
    for one in group.list_commands(context):
        command = group.get_command(context, one)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every(command, f"{name} {one}")
        else:
            yield f"{name} {one}", command


COMMANDS = dict(every(main))


def run(*words: str) -> Result:
    """A command in this process."""
    return CliRunner().invoke(main, words, prog_name="leadscoring")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("width", [60, 80])
def test_help_is_as_wide_as_the_terminal(name: str, width: int) -> None:
    """And no word of it is broken: each is in the help of a wider terminal too."""
    shown = in_terminal([*name.split()[1:], "--help"], width=width, environ={"NO_COLOR": "1"})
    assert shown.code == 0
    assert max(map(len, shown.lines)) <= width
    piped = run(*name.split()[1:], "--help").output
    assert [word for word in shown.text.split() if word != "\\"] == [word for word in piped.split() if word != "\\"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shares_the_layout(name: str) -> None:
    """Sentences that begin with a capital letter and end with a full stop; options that say what they are for."""
    command = COMMANDS[name]
    assert isinstance(command, Alike)
    assert command.help is not None
    for one in command.params:
        if isinstance(one, click.Option):
            assert one.help, one.name
            assert one.help[0].isupper()
            assert one.help.endswith((".", "?")), one.name


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if not isinstance(command, click.Group)])
def test_every_command_has_an_example(name: str) -> None:
    """Which the help shows."""
    command = COMMANDS[name]
    assert isinstance(command, Command)
    assert command.examples
    assert all(name in example for example in command.examples)


NOT_RUN = ("leadscoring serve", "leadscoring health", "leadscoring quality", "postgresql://")
"""Examples that need a service, its ledger or a database; tests/serving and tests/cli/test_health.py run them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leads and models under the names that the examples use."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "models").mkdir()
    model_file(folder / "models", name="model.json")
    days = (f"2025-{1 + place // 28:02}-{1 + place % 28:02}" for place in range(300))
    frame = leads(300).rename({"won": "converted"}).with_row_index("lead_id")
    frame = frame.with_columns(pl.Series("created_at", [next(days) for _ in range(300)]))
    for name in ("leads.csv", "newest.csv"):
        csv_of(frame.with_columns(lead_id=frame["lead_id"] + 1000), folder / name)
    (folder / "deals.csv").write_text("lead_id,stage,closed_at\nlead-1,Closed Won,2026-02-01\n")
    ledger = new_ledger(folder)
    add_score(ledger, folder / "models" / "model.json", LEAD)
    ledger.close()
    return folder


def test_every_example_works_as_it_is_printed(folder: Path) -> None:
    """One after the other, in a shell, as somebody would who reads the help from the top."""
    program = str(Path(sys.executable).parent)
    examples = [one for command in COMMANDS.values() for one in getattr(command, "examples", ())]
    path = f"{program}{os.pathsep}{os.environ['PATH']}"
    for example in examples:
        if not any(name in example for name in NOT_RUN):
            ended = subprocess.run(
                ["/bin/sh", "-c", example], cwd=folder, env=os.environ | ledger_settings(folder) | {"PATH": path}, capture_output=True, text=True, check=False
            )  # fmt: skip
            assert ended.returncode == 0, (example, ended.stderr)


@click.command(cls=Command, examples=("try it --now",))
@click.argument("data")
@option("--now", is_flag=True, help="At once.")
@option("--later", heading="Time", metavar="DAYS", type=int, help="After so many days.")
@option("--name", required=True, metavar="NAME", help="Who.")
def command(data: str, now: bool, later: int, name: str) -> None:
    """Do it."""
    raise KeyError(data, now, later, name)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ([], "Error: the argument DATA is missing"),
        (["a"], "Error: the option --name NAME is missing: Who."),
        (["a", "--nam", "b"], "Error: there is no option '--nam'; did you mean '--name'?"),
        (["a", "--frequency", "b"], "Error: there is no option '--frequency'"),
        (["a", "--name"], "Error: option '--name' requires an argument"),
        (["a", "b", "--name", "c"], "Error: got unexpected extra argument (b): a value with spaces needs quotation"),
        (["a", "--name", "b", "--later", "x"], "Error: --later: 'x' is not a valid integer"),
    ],
)
def test_wrong_usage_names_one_thing_and_the_next_step(words: list[str], first: str) -> None:
    """With an example, and the way to the help; exit code 2."""
    ended = CliRunner().invoke(command, words)
    lines = ended.stderr.splitlines()
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert lines[0] == first
    assert lines[-2:] == ["  example  try it --now", "  help     command --help"]


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """With the one that was meant."""
    assert run("trian").stderr.splitlines() == [
        "Error: there is no command 'trian'; did you mean 'train'?",
        "  help     leadscoring --help",
    ]
    assert run("trian").exit_code == 2
    assert run("keys", "lst").stderr.startswith("Error: there is no command 'lst'; did you mean 'list'?")
    assert run("--trian").stderr.startswith("Error: there is no option '--trian'")


def test_a_fault_of_the_program_is_one_line_with_its_place() -> None:
    """Exit code 70, and no traceback."""
    ended = CliRunner().invoke(command, ["a", "--name", "b"])
    assert ended.exit_code == 70
    assert ended.stderr.startswith("Error: a fault of this program, not of yours: KeyError: ('a', False, None, 'b')")
    assert "Traceback" not in ended.output


def test_options_stand_under_their_headings() -> None:
    """Those that everybody needs first, --help last."""
    lines = CliRunner().invoke(command, ["--help"]).output.splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Examples:", "Options:", "Time:"]
    assert lines[-1].startswith("  -") or "--help" in lines[-1]


def test_commands_stand_in_the_order_of_use() -> None:
    """First what looks at a file, then what trains, then what serves."""
    listed = [
        line.split()[0] for line in run("--help").output.partition("Commands:")[2].splitlines() if line[:2] == "  "
    ]
    places = [listed.index(name) for name in ("inspect", "train", "evaluate", "serve", "drift", "model", "keys")]
    assert places == sorted(places)


def test_exit_codes_are_in_the_help_and_in_the_guide() -> None:
    """For the one who writes a script."""
    said = run("--help").output
    assert "130, 143" in said
    assert isinstance(main, Group)


def test_words_are_quoted_for_the_shell() -> None:
    """Whatever is in them."""
    assert shlex.split(shell(["a b", "c'd", "$e", 1])) == ["a b", "c'd", "$e", "1"]


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_name_that_no_file_can_have_is_an_error(option: str, tmp_path: Path) -> None:
    """Of the system's words, with exit code 1."""
    (tmp_path / "leads.csv").write_text("a,b\n1,2\n")
    out = [] if option == "--out" else ["--out", str(tmp_path / "m.json")]
    ended = run("train", str(tmp_path / "leads.csv"), "--target", "b", *out, option, str(tmp_path / ("x" * 300)))
    assert ended.exit_code == 1
    assert "File name too long" in " ".join(ended.stderr.split())

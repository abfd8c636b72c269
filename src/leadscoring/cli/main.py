"""The command line, ``leadscoring``: its groups of commands, and the commands that serving needs."""

import os
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

import leadscoring
from leadscoring.cli.model_options import opening_options
from leadscoring.errors import LeadScoringError, ModelNotFound
from leadscoring.model.rounds import Choice
from leadscoring.settings import (
    DEMO_KEY,
    DEVELOPMENT,
    EVERY_ADDRESS,
    Settings,
    is_loopback,
    read_settings,
    settings_help,
)

if TYPE_CHECKING:
    from leadscoring.model.description import Description

LAZY = {
    "train": ("leadscoring.cli.training", "train"),
    "evaluate": ("leadscoring.cli.training", "evaluate"),
    "score": ("leadscoring.cli.score", "score"),
    "drift": ("leadscoring.cli.training", "drift"),
    "keys": ("leadscoring.cli.keys", "keys"),
    "health": ("leadscoring.cli.health", "health"),
    "demo-data": ("leadscoring.cli.demo", "demo_data"),
}
"""Commands whose modules are imported on use: serving must not load the training code."""


TRAINING = frozenset(("numpy", "polars", "scipy", "xgboost"))
"""The modules that the extra ``train`` provides."""


class Commands(click.Group):
    """A command group that imports its heavier commands on use."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; if its libraries are not installed, the error says how to install them."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as failure:
            if failure.name is None or failure.name.partition(".")[0] not in TRAINING:
                raise
            raise click.ClickException(
                f"leadscoring {ctx.invoked_subcommand} needs {failure.name}, which is not installed: "
                "pip install 'leadscoring[train]' (in a checkout of the project: make training)"
            ) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names of all commands, sorted."""
        return sorted([*super().list_commands(ctx), *LAZY])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command by its name; imports it if necessary."""
        if cmd_name not in LAZY:
            return super().get_command(ctx, cmd_name)
        module, name = LAZY[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command


class Fails(click.ClickException):
    """One of our errors as a message of one line, with optional advice."""

    def __init__(self, failure: LeadScoringError, advice: str = "") -> None:
        super().__init__(f"{type(failure).__name__}: {failure}{advice and '; '}{advice}")


class CannotStart(Fails):
    """The service cannot start with its configuration; exit code 2."""

    exit_code = 2


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(leadscoring.__version__)
def main() -> None:
    """Predict how likely each sales lead is to convert, and explain why, from your own past leads."""


@main.command(epilog="\b\n" + settings_help().replace("\n\n", "\n\b\n"))
@click.option(
    "--dev",
    is_flag=True,
    help=f"Development mode, with the defaults {', '.join(f'{name}={value}' for name, value in DEVELOPMENT.items())}.",
)
def serve(dev: bool) -> None:
    """Serve the model over HTTP."""
    from leadscoring.serving.server import run

    variables = {name: value for name, value in os.environ.items() if value.strip()}
    try:
        settings = read_settings(DEVELOPMENT | variables if dev else os.environ)
        run(settings, partial(greet, settings) if dev else lambda _port: None)
    except ModelNotFound as failure:
        raise CannotStart(failure, "set MODEL_PATH to a model file; `leadscoring train` creates one") from None
    except LeadScoringError as failure:
        raise CannotStart(failure) from None


def greet(settings: Settings, port: int) -> None:
    """Prints the address of the docs, the API key, and how to stop, once ``serve --dev`` is ready."""
    host = "localhost" if is_loopback(settings.host) or settings.host in (EVERY_ADDRESS, "::") else settings.host
    address = f"[{host}]" if ":" in host else host
    key = DEMO_KEY if DEMO_KEY in settings.api_keys else "one of your keys"
    click.echo(f"Ready: http://{address}:{port}/docs   API key: {key}   Stop: Ctrl-C")


@main.group()
def model() -> None:
    """Inspect model files."""


@model.command(short_help="Check a model file and show its contents.")
@click.argument("path", type=click.Path(dir_okay=False))
@opening_options
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def show(path: str, rounds: Choice, missing_value: float | None, as_json: bool) -> None:
    """Check a model file as the service does, and show its contents."""
    from leadscoring.model.description import describe
    from leadscoring.model.file import Opening, open_model

    try:
        loaded = open_model(path, Opening(rounds=rounds, missing=missing_value))
    except LeadScoringError as failure:
        raise Fails(failure) from None
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(describe(loaded))))
        return
    for line in overview(describe(loaded)):
        click.echo(line)
    for feature in loaded.card.contract.features:
        click.echo(
            f"  {feature.name:<36} {feature.kind:<9} {'required' if feature.required else '':<9} {feature.allowed}"
        )
        for column in feature.columns if feature.has_aspects else ():
            click.echo(f"    {column.name}")


def overview(description: "Description") -> list[str]:
    """Returns the lines of ``model show`` before the list of features."""
    trained, rounds = description.training, description.rounds
    size = f"{description.n_features} features" + (
        f" in {description.n_columns} columns" if description.n_columns else ""
    )
    lines = [
        f"{description.name} {description.version}",
        f"trees       {description.n_trees} of depth {description.max_depth} over {size}",
        f"rounds      {rounds.used} of {rounds.of}" + (f", the best is {rounds.best}" if rounds.best else ""),
        f"sha256      {description.sha256}",
        f"calibration {description.calibration.method}, {description.calibration.knots} knots",
        f"golden rows {description.golden_rows}, all match" if description.certified else "no card: trees only",
    ]
    if description.missing_value is not None:
        lines.append(f"missing     {description.missing_value:g}, in addition to null")
    if description.timed:
        lines.append("dates       scores depend on as_of, the moment as of which a lead is scored")
    if trained:
        lines.append(f"trained on  {trained.rows} leads, {trained.positives} converted ({trained.target})")
    lines += [f"tier {tier}      {meaning}" for tier, meaning in description.tiers.definitions.items()]
    lines += [f"warning: {caution}" for caution in description.cautions]
    return [*lines, "", "features"]


if __name__ == "__main__":
    sys.exit(main())

"""The command line, ``leadscoring``: its commands, in the order of use."""

import sys
from importlib import import_module
from typing import Any

import click

import leadscoring
from leadscoring.cli.commands import EXIT_CODES, Group

LAZY = {
    "inspect": ("leadscoring.cli.inspect", "inspect"),
    "train": ("leadscoring.cli.training", "train"),
    "evaluate": ("leadscoring.cli.training", "evaluate"),
    "serve": ("leadscoring.cli.serve", "serve"),
    "score": ("leadscoring.cli.score", "score"),
    "drift": ("leadscoring.cli.training", "drift"),
    "outcomes": ("leadscoring.cli.outcomes", "outcomes"),
    "lead": ("leadscoring.cli.lead", "lead"),
    "replay": ("leadscoring.cli.replay", "replay"),
    "model": ("leadscoring.cli.model", "model"),
    "quality": ("leadscoring.cli.quality", "quality"),
    "keys": ("leadscoring.cli.keys", "keys"),
    "ledger": ("leadscoring.cli.backup", "ledger"),
    "health": ("leadscoring.cli.health", "health"),
    "demo-data": ("leadscoring.cli.demo", "demo_data"),
}
"""The commands in the order of use; their modules are imported on use: serving must not load the training code."""


TRAINING = frozenset(("numpy", "polars", "scipy", "xgboost"))
"""The modules that the extra ``train`` provides."""

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:<13}  {words}" for code, words in EXIT_CODES)


class Commands(Group):
    """A command group that imports its commands on use."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; if its libraries are not installed, the error says how to install them."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as failure:
            if failure.name is None or failure.name.partition(".")[0] not in TRAINING:
                raise
            raise click.ClickException(
                f"leadscoring {ctx.invoked_subcommand} needs {failure.name}, which is not installed; install it with\n"
                "pip install 'leadscoring[train]'\nmake training (in a checkout of the project)"
            ) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of use."""
        return [*LAZY, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command by its name; imports it if necessary."""
        if cmd_name not in LAZY:
            return super().get_command(ctx, cmd_name)
        module, name = LAZY[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=Commands, epilog=EPILOG)
@click.version_option(leadscoring.__version__)
def main() -> None:
    """Predict how likely each sales lead is to convert, and explain why, from your own past leads."""


if __name__ == "__main__":
    sys.exit(main(prog_name="leadscoring"))

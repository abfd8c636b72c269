"""``leadscoring serve``: serves the model over HTTP."""

import os
from functools import partial

import click

from leadscoring.cli.commands import Command
from leadscoring.errors import LeadScoringError, ModelNotFound
from leadscoring.settings import (
    DEMO_KEY,
    DEVELOPMENT,
    EVERY_ADDRESS,
    Settings,
    is_loopback,
    read_settings,
    settings_help,
)


class CannotStart(click.ClickException):
    """The service cannot start with its configuration: one of our errors, with optional advice; exit code 2."""

    exit_code = 2
    one_line = True
    """The logs of containers take each line as an entry of its own."""

    def __init__(self, failure: LeadScoringError, advice: str = "") -> None:
        super().__init__(f"{type(failure).__name__}: {failure}{advice and '; '}{advice}")


@click.command(
    cls=Command,
    epilog="\b\n" + settings_help().replace("\n\n", "\n\n\b\n"),
    examples=("leadscoring serve --dev", "MODEL_PATH=model.json API_KEYS_FILE=keys.json leadscoring serve"),
)
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

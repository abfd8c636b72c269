"""Command options for what a model file may not specify."""

from collections.abc import Callable
from typing import Any

import click

from leadscoring.model.rounds import CHOICES
from leadscoring.settings import number_or_none


def opening_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--rounds`` and ``--missing-value``, which default to the environment variables of the service."""
    rounds = click.option(
        "--rounds",
        type=click.Choice(CHOICES),
        default="auto",
        show_default=True,
        envvar="MODEL_ROUNDS",
        help="Rounds to use of an early-stopped model; same as MODEL_ROUNDS.",
    )
    missing = click.option(
        "--missing-value",
        callback=read_missing,
        metavar="NUMBER",
        envvar="MODEL_MISSING",
        help="Number that means missing in a model without a card, nan for none; same as MODEL_MISSING.",
    )
    return rounds(missing(command))


def read_missing(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """Parses a number within float32, or NaN; returns ``None`` for an empty text. Raises ``BadParameter``."""
    try:
        return number_or_none(text or "")
    except ValueError:
        raise click.BadParameter(f"must be a number within float32 or nan, not {text!r}") from None

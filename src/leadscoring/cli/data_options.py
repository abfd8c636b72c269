"""The options for past leads, which ``train`` and ``inspect`` share: what the columns mean, and how they are read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from leadscoring.cli.commands import Function, option

READING, OVER_TIME, OUTPUT = "Reading the data", "Outcomes over time", "Output"

LISTS = ("ignore", "keep", "missing")
"""Options of several values, which are repeated or separated by commas."""

FILE = click.Path(path_type=Path)

OPTIONS = (
    option(
        "--target",
        metavar="COLUMN",
        help="Column with the outcome: whether the lead converted. In a column of dates, a date means converted.",
    ),
    option("--positive", metavar="A,B", help="Values of the target that mean converted, if they are not obvious."),
    option("--time", metavar="COLUMN", help="Column with the time of each lead; the latest leads are held out."),
    option("--id", metavar="COLUMN", help="Column that identifies the lead; not used as a feature."),
    option(
        "--negative",
        heading=READING,
        metavar="A,B",
        help="Values of the target that mean not converted; rows with other values are excluded. Default: all values "
        "but the positive ones and those of open leads, such as Open, New or Negotiation.",
    ),
    option(
        "--ignore",
        heading=READING,
        multiple=True,
        metavar="A,B",
        help="Columns to exclude, such as those known only after the outcome; * matches any text.",
    ),
    option(
        "--keep",
        heading=READING,
        multiple=True,
        metavar="A,B",
        help="Columns to use as features that are excluded by default: personal data such as names, birth dates and "
        "gender; and, with --because, probable leaks.",
    ),
    option(
        "--because",
        heading=READING,
        multiple=True,
        metavar="TEXT",
        help="Why the columns of --keep are known when a lead is scored, if they look like leaks; once for all of "
        "them, or once for each. The model and the report contain it.",
    ),
    option(
        "--read",
        heading=READING,
        multiple=True,
        metavar="COLUMN=HOW",
        help="How to read a column: flag, integer, number, category, date, text, email or set; day-first or "
        "month-first; or its number format, as 1234.5 appears in it, such as 1,234.5 or 1.234,5. Repeat for each "
        "column.",
    ),
    option(
        "--missing",
        heading=READING,
        multiple=True,
        metavar="TOKENS",
        help="More texts that mean missing; COLUMN=TOKEN for one column only.",
    ),
    option(
        "--won-date",
        heading=OVER_TIME,
        metavar="COLUMN",
        help="Column with the date of conversion; it may replace --target.",
    ),
    option("--lost-date", heading=OVER_TIME, metavar="COLUMN", help="Column with the date at which a lead was lost."),
    option(
        "--as-of",
        heading=OVER_TIME,
        metavar="COLUMN",
        help="Column with the date at which each lead is seen. Default: that of --time; else the latest date of each "
        "lead that is not after its outcome.",
    ),
    option(
        "--within",
        heading=OVER_TIME,
        metavar="DAYS",
        help="Converted means within so many days of --as-of, such as 90d or 12w; leads that are younger are excluded.",
    ),
)


def data_options(command: Function) -> Function:
    """Adds the options for past leads to a command."""
    for one in reversed(OPTIONS):
        command = one(command)
    return command


def split_commas(values: Iterable[str]) -> tuple[str, ...]:
    """Returns the values of a repeated or comma-separated option as one tuple."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def as_train_options(given: dict[str, Any]) -> dict[str, Any]:
    """The options as fields of ``TrainOptions``: lists for values with commas, a date of conversion as target."""
    lists = {name: split_commas(given[name]) for name in LISTS}
    return given | lists | {"target": given["target"] or given["won_date"]}

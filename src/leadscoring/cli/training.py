"""``leadscoring train | evaluate | drift``; training libraries are imported only when a command runs."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from leadscoring.cli.model_options import opening_options
from leadscoring.errors import LeadScoringError
from leadscoring.model.file import Opening
from leadscoring.model.rounds import Choice

FILE = click.Path(path_type=Path)


def split_commas(values: Iterable[str]) -> tuple[str, ...]:
    """Returns the values of a repeated or comma-separated option as one tuple."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


@click.command()
@click.argument("data", type=FILE)
@click.option(
    "--target",
    metavar="COLUMN",
    help="Column with the outcome: whether the lead converted. In a column of dates, a date means converted.",
)
@click.option("--positive", metavar="A,B", help="Values of the target that mean converted, if they are not obvious.")
@click.option(
    "--negative",
    metavar="A,B",
    help="Values of the target that mean not converted; rows with other values are excluded. Default: all values "
    "but the positive ones and those of open leads, such as Open, New or Negotiation.",
)
@click.option("--time", metavar="COLUMN", help="Time column; the latest leads are held out.")
@click.option(
    "--as-of",
    metavar="COLUMN",
    help="Column with the date at which each lead is seen. Default: that of --time; else the latest date of each lead "
    "that is not after its outcome.",
)
@click.option("--won-date", metavar="COLUMN", help="Column with the date of conversion; it may replace --target.")
@click.option("--lost-date", metavar="COLUMN", help="Column with the date at which a lead was lost.")
@click.option(
    "--within",
    metavar="DAYS",
    help="Converted means within so many days of --as-of, such as 90d or 12w; leads that are younger are excluded.",
)
@click.option("--id", metavar="COLUMN", help="Column that identifies the lead; not used as a feature.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="A,B",
    help="Columns to exclude, such as those known only after the outcome; * matches any text.",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="A,B",
    help="Columns to use as features that are excluded by default: personal data such as names, birth dates and "
    "gender; and, with --because, probable leaks.",
)
@click.option(
    "--because",
    multiple=True,
    metavar="TEXT",
    help="Why the columns of --keep are known when a lead is scored, if they look like leaks; once for all of them, or "
    "once for each. The model and the report contain it.",
)
@click.option(
    "--read",
    multiple=True,
    metavar="COLUMN=HOW",
    help="How to read a column: flag, integer, number, category, date, text, email or set; day-first or month-first; "
    "or its number format, as 1234.5 appears in it, such as 1,234.5 or 1.234,5. Repeat for each column.",
)
@click.option(
    "--missing", multiple=True, metavar="TOKENS", help="More texts that mean missing; COLUMN=TOKEN for one column only."
)
@click.option("--name", metavar="NAME", help="Name of the model; default: the name of the data file.")
@click.option(
    "--version",
    metavar="V",
    help="Version of the model; default: 1.0.0, or the next version of that name in the folder of --out.",
)
@click.option(
    "--out",
    required=True,
    type=FILE,
    metavar="MODEL",
    help="Model file to write; UBJ if its name ends in .ubj, else JSON.",
)
@click.option("--overwrite", is_flag=True, help="Overwrite an existing file at --out.")
@click.option("--report", type=FILE, metavar="DIR", help="Write report.html and report.json to this folder.")
@click.option(
    "--ship-measured",
    is_flag=True,
    help="Write the model that was evaluated, instead of one retrained on all leads.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a machine-readable summary.")
def train(data: Path, out: Path, *, overwrite: bool, report: Path | None, as_json: bool, **options: Any) -> None:
    """Train a model on past leads (CSV or Parquet).

    Reads the exports of spreadsheets and CRMs, and reports how it read them: encoding, separator, numbers such as
    $1,234.50 or 1.234,50, dates and times. Reports the kind of each column, and why columns are excluded. A
    number that is never negative in the data gets a minimum of 0; no number gets a maximum. Columns that were
    probably written after the outcome are excluded, with the evidence. A fifth of the leads is held out for
    evaluation; then the model is retrained on all leads.
    """
    options["target"] = options["target"] or options["won_date"]
    if options["target"] is None:
        raise click.UsageError("Missing option '--target': the column with the outcome (or '--won-date').")

    def work(progress: Callable[[str, float], None]) -> Any:
        from leadscoring.training.fit import train as train_model
        from leadscoring.training.options import TrainOptions
        from leadscoring.training.reading.source import source_name
        from leadscoring.training.versions import model_name, next_version, refuse_existing

        refuse_existing(out, overwrite)
        name = model_name(options["name"], source_name(data))
        version = options.pop("version") or next_version(out.parent, name)
        lists = {option: split_commas(options[option]) for option in ("ignore", "keep", "missing")}
        trained = train_model(data, TrainOptions(**options | lists, version=version), progress)
        trained.save(out)
        return trained

    trained = run(work, "training")
    finish(trained.report, report, as_json, f"wrote {out}")


@click.command(short_help="Evaluate a model on leads with known outcomes.")
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@click.option("--target", required=True, metavar="COLUMN", help="Column with the outcome: whether the lead converted.")
@click.option("--positive", metavar="A,B", help="Values of the target that mean converted; default: those in the card.")
@click.option(
    "--negative",
    metavar="A,B",
    help="Values that mean not converted; rows with other values are excluded.",
)
@opening_options
@click.option("--report", type=FILE, metavar="DIR", help="Write report.html and report.json to this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print a machine-readable summary.")
def evaluate(  # noqa: PLR0913, PLR0917 - click hands every option over as an argument of its own
    model: Path,
    data: Path,
    target: str,
    positive: str | None,
    negative: str | None,
    rounds: Choice,
    missing_value: float | None,
    report: Path | None,
    as_json: bool,
) -> None:
    """Evaluate a model (JSON or UBJ, with or without a card) on leads with known outcomes."""

    def work(progress: Callable[[str, float], None]) -> Any:
        from leadscoring.training.evaluate import evaluate as evaluate_model

        opening = Opening(rounds=rounds, missing=missing_value)
        return evaluate_model(model, data, target, positive, progress, negative=negative, opening=opening)

    finish(run(work, "measuring"), report, as_json, "")


@click.command(short_help="Measure the drift of leads against the training data.")
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@opening_options
@click.option("--json", "as_json", is_flag=True, help="Print everything, including each bin, as JSON.")
def drift(model: Path, data: Path, rounds: Choice, missing_value: float | None, as_json: bool) -> None:
    """Measure the drift of leads (CSV or Parquet) against the training data of a model.

    DATA needs the columns of the model, but no outcome. Reports the population stability index (PSI) of the score
    and of each feature: below 0.1 is no change, above 0.2 is drift.
    """

    def work(progress: Callable[[str, float], None]) -> Any:
        from leadscoring.training.drift import drift_of

        return drift_of(model, data, progress, Opening(rounds=rounds, missing=missing_value))

    report = run(work, "comparing")
    if as_json:
        click.echo(json.dumps(report, allow_nan=False))
        return
    from leadscoring.training.drift import drift_text

    click.echo(drift_text(report))


def run(work: Callable[[Callable[[str, float], None]], Any], label: str) -> Any:
    """Runs ``work`` with a progress bar on stderr; returns its result.

    Raises ``ClickException``, which exits with code 1, for our own errors and for files that cannot be written.
    """
    try:
        with click.progressbar(length=1000, label=label, file=sys.stderr, show_eta=False, item_show_func=str) as bar:

            def progress(stage: str, share: float) -> None:
                bar.update(max(0, round(1000 * share) - bar.pos), stage)

            return work(progress)
    except LeadScoringError as failure:
        raise click.ClickException(str(failure)) from failure
    except OSError as failure:
        raise click.ClickException(f"cannot write {failure.filename}: {failure.strerror}") from failure


def finish(data: dict[str, Any], folder: Path | None, as_json: bool, last: str) -> None:
    """Writes the report to ``folder``, if any, and prints the summary."""
    from leadscoring.training.report.words import summary_text
    from leadscoring.training.report.written import write_report

    if folder is not None:
        try:
            write_report(data, folder)
        except OSError as failure:
            raise click.ClickException(f"cannot write the report to {folder}: {failure.strerror}") from failure
    if as_json:
        click.echo(json.dumps(data, allow_nan=False))
        return
    click.echo(summary_text(data))
    for line in filter(None, (last, folder and f"wrote {folder / 'report.html'}")):
        click.echo(line)

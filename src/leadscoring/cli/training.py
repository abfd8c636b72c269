"""``leadscoring train | evaluate | drift``; training libraries are imported only when a command runs."""

import json
import os
from pathlib import Path
from typing import Any

import click

from leadscoring.cli.boosting import import_xgboost
from leadscoring.cli.commands import Command, option
from leadscoring.cli.data_options import FILE, OUTPUT, READING, as_train_options, data_options
from leadscoring.cli.model_options import opening_options
from leadscoring.cli.page import Line, show
from leadscoring.cli.places import refuse_data, refuse_no_folder, refuse_unwritable
from leadscoring.cli.working import Work, working
from leadscoring.model.file import Opening
from leadscoring.model.rounds import Choice

REPORT = option("--report", type=FILE, metavar="DIR", help="Write report.html and report.json to this folder.")
JSON = option("--json", "as_json", heading=OUTPUT, is_flag=True, help="Print a machine-readable summary.")
COMPARE = option(
    "--compare",
    type=FILE,
    heading=OUTPUT,
    metavar="MODEL",
    help="Compare with this model on the same leads. Default: the model at --out, else the one at MODEL_PATH, if any.",
)


@click.command(
    cls=Command,
    short_help="Train a model on past leads.",
    examples=(
        "leadscoring train leads.csv --target converted --out model.json",
        "leadscoring train leads.csv --target converted --time created_at --id lead_id --out model.json "
        "--report report --overwrite",
    ),
)
@click.argument("data", type=FILE)
@data_options
@option(
    "--out",
    required=True,
    type=FILE,
    metavar="MODEL",
    help="Model file to write; UBJ if its name ends in .ubj, else JSON.",
)
@REPORT
@option("--overwrite", heading=OUTPUT, is_flag=True, help="Overwrite an existing file at --out.")
@option("--name", heading=OUTPUT, metavar="NAME", help="Name of the model; default: the name of the data file.")
@option(
    "--version",
    heading=OUTPUT,
    metavar="V",
    help="Version of the model; default: 1.0.0, or the next version of that name in the folder of --out.",
)
@option(
    "--ship-measured",
    heading=OUTPUT,
    is_flag=True,
    help="Write the model that was evaluated, instead of one retrained on all leads.",
)
@COMPARE
@JSON
def train(
    data: Path,
    out: Path,
    *,
    overwrite: bool,
    report: Path | None,
    compare: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Train a model on past leads (CSV or Parquet).

    Reads the exports of spreadsheets and CRMs, and reports how it read them: encoding, separator, numbers such as
    $1,234.50 or 1.234,50, dates and times. Reports the kind of each column, and why columns are excluded. A
    number that is never negative in the data gets a minimum of 0; no number gets a maximum. Columns that were
    probably written after the outcome are excluded, with the evidence. A fifth of the leads is held out for
    evaluation; then the model is retrained on all leads.

    leadscoring inspect shows in seconds how a file will be read.
    """
    options = as_train_options(given)
    if options["target"] is None:
        raise click.UsageError(
            "the option --target COLUMN is missing: the column with the outcome (or --won-date); leadscoring inspect "
            "shows which columns could be it"
        )
    refuse_unwritable(out, "--out")
    refuse_data(out, data, "--out")
    if report is not None:
        refuse_no_folder(report, "--report")
    with working() as work:
        import_xgboost()
        from leadscoring.training.fit import train as train_model
        from leadscoring.training.options import TrainOptions
        from leadscoring.training.reading.source import source_name
        from leadscoring.training.versions import model_name, next_version, refuse_existing

        refuse_existing(out, overwrite)
        name = model_name(options["name"], source_name(data))
        options["version"] = options["version"] or next_version(out.parent, name)
        options |= {"out": str(out), "report": str(report or ""), "compare": compare and str(compare)}
        trained = train_model(data, TrainOptions(**options, beside=served(out)), work.progress)
        with work.writing():
            trained.save(out, fresh=not overwrite)
            work.wrote(out)
            write(work, trained.report, report)
    finish(work, trained.report, as_json)


def served(out: Path) -> tuple[str, ...]:
    """The models that a new one may replace: the one at ``out``, and the one that is served here."""
    return tuple(filter(None, (str(out), os.environ.get("MODEL_PATH"))))


@click.command(
    cls=Command,
    short_help="Evaluate a model on leads with known outcomes.",
    examples=("leadscoring evaluate model.json newest.csv --target converted --report report",),
)
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@option("--target", required=True, metavar="COLUMN", help="Column with the outcome: whether the lead converted.")
@option("--positive", metavar="A,B", help="Values of the target that mean converted; default: those in the card.")
@REPORT
@option(
    "--negative",
    heading=READING,
    metavar="A,B",
    help="Values that mean not converted; rows with other values are excluded.",
)
@opening_options
@option("--compare", type=FILE, heading=OUTPUT, metavar="MODEL", help="Compare with this model on the same leads.")
@JSON
def evaluate(  # noqa: PLR0913, PLR0917 - click hands every option over as an argument of its own
    model: Path,
    data: Path,
    target: str,
    positive: str | None,
    negative: str | None,
    rounds: Choice,
    missing_value: float | None,
    report: Path | None,
    compare: Path | None,
    as_json: bool,
) -> None:
    """Evaluate a model (JSON or UBJ, with or without a card) on leads with known outcomes."""
    if report is not None:
        refuse_no_folder(report, "--report")
    with working() as work:
        import_xgboost()
        from leadscoring.training.evaluate import evaluate as evaluate_model

        more: dict[str, Any] = {} if compare is None else {"compare": str(compare)}
        opening = Opening(rounds=rounds, missing=missing_value)
        measured = evaluate_model(
            model, data, target, positive, work.progress, negative=negative, opening=opening, **more
        )
        with work.writing():
            write(work, measured, report)
    finish(work, measured, as_json)


@click.command(
    cls=Command,
    short_help="Measure the drift of leads against the training data.",
    examples=("leadscoring drift model.json newest.csv",),
)
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@opening_options
@click.option("--json", "as_json", is_flag=True, help="Print everything, including each bin, as JSON.")
def drift(model: Path, data: Path, rounds: Choice, missing_value: float | None, as_json: bool) -> None:
    """Measure the drift of leads (CSV or Parquet) against the training data of a model.

    DATA needs the columns of the model, but no outcome. Reports the population stability index (PSI) of the score
    and of each feature: below 0.1 is no change, above 0.2 is drift.
    """
    with working() as work:
        import_xgboost()
        from leadscoring.training.drift import drift_of, drift_text

        report = drift_of(model, data, work.progress, Opening(rounds=rounds, missing=missing_value))
    if as_json:
        click.echo(json.dumps(report, allow_nan=False))
        return
    show(drift_text(report).split("\n"))


def write(work: Work, data: dict[str, Any], folder: Path | None) -> None:
    """Writes the report into its folder, if any."""
    if folder is not None:
        from leadscoring.training.report.written import write_report

        write_report(data, folder)
        work.wrote(folder / "report.html")


def finish(work: Work, data: dict[str, Any], as_json: bool) -> None:
    """Prints the summary, and what was written."""
    from leadscoring.cli.summary import next_steps, summary

    if as_json:
        click.echo(json.dumps(data, allow_nan=False))
        return
    written = [Line(f"wrote {path}", "good") for path in work.written]
    show([*summary(data), "", *written, *next_steps(data)])

"""``leadscoring train | evaluate | drift``; trainers' libraries are loaded only when a command runs."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from leadscoring.errors import LeadScoringError

FILE = click.Path(path_type=Path)


def split_commas(values: Iterable[str]) -> tuple[str, ...]:
    """Options given several times, or once with commas, as one tuple."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


@click.command()
@click.argument("data", type=FILE)
@click.option("--target", required=True, metavar="COLUMN", help="The column that says whether the lead converted.")
@click.option(
    "--positive", metavar="VALUE", help="The value of the target that means converted, where it is not plain."
)
@click.option("--time", "time_column", metavar="COLUMN", help="When each lead came: the latest are held out.")
@click.option("--id", "id_column", metavar="COLUMN", help="The column that names the lead; not learned from.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="A,B",
    help="Columns to leave out, such as any known only after the outcome; * matches any text.",
)
@click.option(
    "--missing", multiple=True, metavar="TOKENS", help="More texts that mean unknown; COLUMN=TOKEN for one column only."
)
@click.option("--name", metavar="NAME", help="The model's name; by default the file's.")
@click.option(
    "--version", "model_version", default="1.0.0", show_default=True, metavar="V", help="The model's version."
)
@click.option(
    "--out",
    required=True,
    type=FILE,
    metavar="MODEL",
    help="The model file to write; UBJ where it ends in .ubj, else JSON.",
)
@click.option("--report", type=FILE, metavar="DIR", help="Write report.html and report.json there.")
@click.option(
    "--ship-measured",
    is_flag=True,
    help="Write the model that was measured, instead of training it again on all leads.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a machine-readable summary.")
def train(  # noqa: PLR0913, PLR0917 - click hands every option over as an argument of its own
    data: Path,
    target: str,
    positive: str | None,
    time_column: str | None,
    id_column: str | None,
    ignore: tuple[str, ...],
    missing: tuple[str, ...],
    name: str | None,
    model_version: str,
    out: Path,
    report: Path | None,
    ship_measured: bool,
    as_json: bool,
) -> None:
    """Train a model on past leads (CSV or Parquet).

    Says what each column was taken for and why some were left out. A number that is never negative in
    the data gets a minimum of 0, and no number gets an invented maximum. A fifth of the leads is held
    out to measure on; then the model is trained again on all.
    """

    def work(progress: Callable[[str, float], None]) -> Any:
        from leadscoring.training.fit import TrainOptions
        from leadscoring.training.fit import train as train_model

        options = TrainOptions(
            target=target,
            positive=positive,
            time=time_column,
            id=id_column,
            ignore=split_commas(ignore),
            missing=split_commas(missing),
            name=name,
            version=model_version,
            ship_measured=ship_measured,
        )
        trained = train_model(data, options, progress)
        trained.save(out)
        return trained

    trained = run(work, "training")
    finish(trained.report, report, as_json, f"wrote {out}")


@click.command(short_help="Measure a model on leads whose outcome is known.")
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@click.option("--target", required=True, metavar="COLUMN", help="The column that says whether the lead converted.")
@click.option(
    "--positive", metavar="VALUE", help="The value of the target that means converted; by default what the card says."
)
@click.option("--report", type=FILE, metavar="DIR", help="Write report.html and report.json there.")
@click.option("--json", "as_json", is_flag=True, help="Print a machine-readable summary.")
def evaluate(model: Path, data: Path, target: str, positive: str | None, report: Path | None, as_json: bool) -> None:
    """Measure a model (with a card or without, JSON or UBJ) on leads whose outcome is known."""

    def work(progress: Callable[[str, float], None]) -> Any:
        from leadscoring.training.evaluate import evaluate as evaluate_model

        return evaluate_model(model, data, target, positive, progress)

    finish(run(work, "measuring"), report, as_json, "")


@click.command(short_help="Say how far leads have moved from those of training.")
@click.argument("model", type=FILE)
@click.argument("data", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print all of it, bin by bin, as JSON.")
def drift(model: Path, data: Path, as_json: bool) -> None:
    """Say how far leads (CSV or Parquet) have moved from those a model was trained on.

    DATA needs the columns of the model, and no outcome. Gives the population stability index of the score
    and of each feature: below 0.1 nothing has changed, above 0.2 it has drifted.
    """

    def work(progress: Callable[[str, float], None]) -> Any:
        from leadscoring.training.drift import drift_of

        return drift_of(model, data, progress)

    said = run(work, "comparing")
    if as_json:
        click.echo(json.dumps(said, allow_nan=False))
        return
    from leadscoring.training.drift import drift_text

    click.echo(drift_text(said))


def run(work: Callable[[Callable[[str, float], None]], Any], label: str) -> Any:
    """What ``work`` gives, under a progress bar on stderr; our own errors become a message and exit code 1."""
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
    """Write the report where asked, and print the summary."""
    from leadscoring.training.report import summary_text, write_report

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

"""``leadscoring demo-data``: writes synthetic leads to a file, for trials of training and scoring."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from shlex import quote

import click

from leadscoring.cli.commands import Command
from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.exports.crm import CRMS, ENCODINGS, LOCALES, SEPARATORS, Crm
from leadscoring.demo.leads import DemoLead, demo_leads

Cell = str | float | int | None

ENDINGS = (".csv", ".parquet")
EXPORT_ENDINGS = (".csv", ".tsv", ".txt")
FILE = click.Path(dir_okay=False, path_type=Path)


def columns(*, with_truth: bool) -> list[str]:
    """Returns the columns of the file, in order."""
    return ["lead_id", "created_at", *CONTRACT.names, "converted", *(["true_probability"] if with_truth else [])]


def row(lead: DemoLead, *, with_truth: bool) -> list[Cell]:
    """Returns one lead as the cells of these columns; ``None`` for missing values."""
    truth = [lead.probability] if with_truth else []
    return [lead.lead_id, lead.created_at.isoformat(), *lead.features.values(), int(lead.converted), *truth]


def write_csv(out: Path, names: list[str], rows: Iterable[list[Cell]]) -> None:
    """Writes a CSV file with a header; missing values are empty cells."""
    with out.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(chain([names], rows))


def write_parquet(out: Path, names: list[str], rows: Iterable[list[Cell]]) -> None:
    """Writes a Parquet file.

    Raises:
        click.UsageError: polars, which comes with the ``train`` extra, is not installed.
    """
    try:
        import polars as pl
    except ModuleNotFoundError as absent:
        message = "--out must end in .csv: Parquet needs polars, not installed here (pip install 'leadscoring[train]')"
        raise click.UsageError(message) from absent
    table = pl.DataFrame(list(rows), schema=names, orient="row", infer_schema_length=None)
    table.with_columns(pl.col("created_at").str.to_date()).write_parquet(out)


def options_of(**given: object) -> str:
    """Returns the names of the options that were given, as they are typed."""
    return " and ".join(f"--{name.replace('_', '-')}" for name, value in given.items() if value)


def export(like: str, rows: int, seed: int, out: Path, truth: Path | None, chosen: dict[str, str | None]) -> None:
    """Writes an export like that of a CRM, and prints what it holds and how to train on it.

    Raises:
        click.UsageError: numpy or polars, which come with the ``train`` extra, are not installed.
    """
    crm = CRMS[like]
    try:
        from leadscoring.demo.exports.write import Style, write
    except ModuleNotFoundError as absent:
        message = "--like needs numpy and polars, not installed here (pip install 'leadscoring[train]')"
        raise click.UsageError(message) from absent
    style = Style(**{part: chosen[part] or getattr(crm, part) for part in Style._fields})
    written = write(crm, rows, seed, out, truth, style)
    click.echo(
        f"{out}: {written.rows} rows as {crm.title} exports them\n"
        f"  {style.words}\n"
        f"  {written.won} deals won, {written.lost} lost, {written.still_open} still open; "
        f"{written.rows - written.deals} rows are there twice"
    )
    if truth is not None:
        click.echo(f"{truth}: the true probability and the outcome of each deal")
    if written.won and written.lost:
        click.echo(f"The true probabilities rank the decided deals with a ROC-AUC of {written.roc_auc:.3f}")
    click.echo(f"\nNext:\n{training_command(crm, out)}")


def training_command(crm: Crm, out: Path) -> str:
    """Returns the command that trains on an export, on lines of its own."""
    options = [
        f"leadscoring train {quote(str(out))} --target {quote(crm.target)}",
        f"  --positive {quote(','.join(crm.positive))}",
        f"  --time {quote(crm.time)} --out model.json --report report",
    ]
    return " \\\n".join(f"  {line}" for line in options)


@click.command(
    "demo-data",
    cls=Command,
    short_help="Write synthetic leads for a trial.",
    examples=(
        "leadscoring demo-data --out leads.csv",
        "leadscoring demo-data --like hubspot --out deals.csv --truth truth.csv",
    ),
)
@click.option("--rows", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True, help="Number of leads.")
@click.option("--out", type=FILE, required=True, help="A .csv or .parquet file; with --like a .csv, .tsv or .txt file.")
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds give equal leads.")
@click.option("--with-truth", is_flag=True, help="Add the column true_probability, from which each outcome is drawn.")
@click.option(
    "--like",
    type=click.Choice(list(CRMS)),
    help="Write deals as this CRM exports them: dates, titles, e-mails, amounts, open deals, and columns that leak "
    "the outcome. Equal seeds give the same deals for each CRM.",
)
@click.option(
    "--truth",
    type=FILE,
    metavar="FILE",
    help="With --like: write identifier, true probability and outcome of each deal to this CSV file.",
)
@click.option("--locale", type=click.Choice(list(LOCALES)), help="With --like: form of dates and numbers.")
@click.option("--encoding", type=click.Choice(list(ENCODINGS)), help="With --like: encoding of the file.")
@click.option("--separator", type=click.Choice(list(SEPARATORS)), help="With --like: separator of the columns.")
def demo_data(  # noqa: PLR0913 - click hands every option over as an argument of its own
    rows: int,
    out: Path,
    seed: int,
    *,
    with_truth: bool,
    like: str | None,
    truth: Path | None,
    locale: str | None,
    encoding: str | None,
    separator: str | None,
) -> None:
    """Write synthetic leads with known true probabilities, for trials of training and scoring.

    By default leads of the default contract; with --like an export as it comes from a CRM.
    """
    chosen = {"locale": locale, "encoding": encoding, "separator": separator}
    for file, option, endings in ((out, "--out", EXPORT_ENDINGS if like else ENDINGS), (truth, "--truth", (".csv",))):
        if file is not None:
            check_file(file, option, endings)
    if like is None:
        if surplus := options_of(truth=truth, **chosen):
            raise click.UsageError(f"{surplus} can only be used with --like {'|'.join(CRMS)}")
        default_leads(rows, out, seed, with_truth=with_truth)
        return
    if with_truth:
        raise click.UsageError("--with-truth is for leads of the default contract; use --truth FILE with --like")
    if truth is not None and truth.resolve() == out.resolve():
        raise click.UsageError(f"--truth and --out must be two files, not both {str(out)!r}")
    export(like, rows, seed, out, truth, chosen)


def check_file(file: Path, option: str, endings: tuple[str, ...]) -> None:
    """Raises ``click.UsageError`` for a file of another kind, or in a folder that does not exist."""
    if file.suffix.lower() not in endings:
        allowed = f"{', '.join(endings[:-1])} or {endings[-1]}" if len(endings) > 1 else endings[0]
        raise click.UsageError(f"{option} must end in {allowed}, not {file.name!r}")
    if not file.parent.is_dir():
        raise click.UsageError(f"{option} must be in an existing folder, not {str(file.parent)!r}")


def default_leads(rows: int, out: Path, seed: int, *, with_truth: bool) -> None:
    """Writes leads of the default contract."""
    converted = 0

    def made() -> Iterator[list[Cell]]:
        nonlocal converted
        for lead in demo_leads(rows, seed):
            converted += lead.converted
            yield row(lead, with_truth=with_truth)

    write = write_csv if out.suffix.lower() == ".csv" else write_parquet
    write(out, columns(with_truth=with_truth), made())
    click.echo(f"{out}: {rows} leads, {converted} converted ({converted / rows:.1%})")

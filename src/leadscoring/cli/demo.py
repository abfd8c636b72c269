"""``leadscoring demo-data``: writes synthetic leads to a file, for trials of training and scoring."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import click

from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.leads import DemoLead, demo_leads

Cell = str | float | int | None

ENDINGS = (".csv", ".parquet")


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


@click.command("demo-data", short_help="Write synthetic leads for a trial.")
@click.option("--rows", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True, help="Number of leads.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="A .csv or .parquet file.")
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds give equal leads.")
@click.option("--with-truth", is_flag=True, help="Add the column true_probability, from which each outcome is drawn.")
def demo_data(rows: int, out: Path, seed: int, *, with_truth: bool) -> None:
    """Write synthetic leads of the default contract, with outcomes, for trials of training and scoring."""
    ending = out.suffix.lower()
    if ending not in ENDINGS:
        raise click.UsageError(f"--out must end in {' or '.join(ENDINGS)}, not {out.name!r}")
    if not out.parent.is_dir():
        raise click.UsageError(f"--out must be in an existing folder, not {str(out.parent)!r}")
    converted = 0

    def made() -> Iterator[list[Cell]]:
        nonlocal converted
        for lead in demo_leads(rows, seed):
            converted += lead.converted
            yield row(lead, with_truth=with_truth)

    write = write_csv if ending == ".csv" else write_parquet
    write(out, columns(with_truth=with_truth), made())
    click.echo(f"{out}: {rows} leads, {converted} converted ({converted / rows:.1%})")

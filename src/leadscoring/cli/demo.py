"""``leadscoring demo-data``: writes synthetic leads to a file, for trials of training and scoring."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click
import msgspec

from leadscoring.cli.commands import Command
from leadscoring.cli.working import working
from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.exports.crm import CRMS, ENCODINGS, LOCALES, SEPARATORS, Crm
from leadscoring.demo.leads import DemoLead, demo_leads
from leadscoring.demo.live import CHANGES, START, live_events
from leadscoring.whole_file import whole_file

if TYPE_CHECKING:
    import polars as pl

Progress = Callable[[str, float], None]
Cell = str | float | int | None

ENDINGS = (".csv", ".parquet")
EXPORT_ENDINGS = (".csv", ".tsv", ".txt")
LIVE_ENDINGS = (".jsonl", ".ndjson")
DAYS, PER_DAY = 365, 50
SINGLY = 100_000
"""Up to so many leads are made one by one, which needs no library; more are drawn as arrays, and are others."""

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

    with working() as work, whole_file(out) as part, nullcontext() if truth is None else whole_file(truth) as aside:
        written = write(crm, rows, seed, part, aside, style, work.progress)
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
        "leadscoring demo-data --live --days 200 --per-day 20 --out events.jsonl",
    ),
)
@click.option("--rows", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True, help="Number of leads.")
@click.option(
    "--out",
    type=FILE,
    required=True,
    help="A .csv or .parquet file; with --like a .csv, .tsv or .txt file; with --live a .jsonl file.",
)
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
@click.option(
    "--live",
    is_flag=True,
    help="Write events as JSON Lines in place of a table: leads that are scored, scored again each week, won and lost, "
    "over --days with --per-day leads; --out - prints them.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="With --live: number of days, 365 by default.")
@click.option("--per-day", type=click.IntRange(1, 10_000), help="With --live: leads a day, 50 by default.")
@click.option(
    "--steady",
    is_flag=True,
    help="With --live: nothing changes. By default the rate of all leads halves after half of the days, and one source "
    "goes bad after three quarters.",
)
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
    live: bool,
    days: int | None,
    per_day: int | None,
    steady: bool,
) -> None:
    """Write synthetic leads with known true probabilities, for trials of training and scoring.

    By default leads of the default contract; with --like an export as it comes from a CRM. Up to 100,000 leads need
    no library; more, Parquet and --like need numpy and polars (pip install 'leadscoring[train]').
    """
    chosen = {"locale": locale, "encoding": encoding, "separator": separator}
    if live:
        if surplus := options_of(like=like, with_truth=with_truth, truth=truth, **chosen):
            raise click.UsageError(f"{surplus} cannot be used with --live")
        events(out, days or DAYS, per_day or PER_DAY, seed, steady=steady)
        return
    if surplus := options_of(days=days, per_day=per_day, steady=steady):
        raise click.UsageError(f"{surplus} can only be used with --live")
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


def events(out: Path, days: int, per_day: int, seed: int, *, steady: bool) -> None:
    """Writes the events of a live system, a line each; ``-`` prints them."""
    lines = live_events(days, per_day, seed, changes=() if steady else CHANGES)
    if str(out) == "-":
        for event in lines:
            click.echo(msgspec.json.encode(event.plain()))
        return
    check_file(out, "--out", LIVE_ENDINGS)
    counts: Counter[str] = Counter()
    with working() as work, whole_file(out) as part, part.open("wb") as file:
        for event in lines:
            counts[event.fields.get("outcome", event.name)] += 1
            file.write(msgspec.json.encode(event.plain()) + b"\n")
            if counts.total() % 1000 == 0:
                work.progress("writing", min(1.0, (event.at - START).days / days))
    click.echo(
        f"{out}: {days} days of {per_day} leads, scored {counts['scored']} times; "
        f"{counts['won']} won, {counts['lost']} lost, {counts['open']} opened again"
    )


def check_file(file: Path, option: str, endings: tuple[str, ...]) -> None:
    """Raises ``click.UsageError`` for a file of another kind, or in a folder that does not exist."""
    if file.suffix.lower() not in endings:
        allowed = f"{', '.join(endings[:-1])} or {endings[-1]}" if len(endings) > 1 else endings[0]
        raise click.UsageError(f"{option} must end in {allowed}, not {file.name!r}")
    if not file.parent.is_dir():
        raise click.UsageError(f"{option} must be in an existing folder, not {str(file.parent)!r}")


def default_leads(rows: int, out: Path, seed: int, *, with_truth: bool) -> None:
    """Writes leads of the default contract.

    Raises:
        click.UsageError: polars or numpy, which come with the ``train`` extra, are needed and not installed.
    """
    with working() as work, whole_file(out) as part:
        seen = Seen(rows, work.progress)
        if rows <= SINGLY and out.suffix.lower() == ".csv":
            leads = (row(lead, with_truth=with_truth) for lead in seen.leads(demo_leads(rows, seed)))
            write_csv(part, columns(with_truth=with_truth), leads)
        else:
            in_frames(part, out.suffix.lower(), seed, seen, with_truth=with_truth)
    click.echo(f"{out}: {rows} leads, {seen.converted} converted ({seen.converted / rows:.1%})")


def in_frames(part: Path, ending: str, seed: int, seen: "Seen", *, with_truth: bool) -> None:
    """Writes what only polars can write, or only numpy can make fast enough."""
    try:
        from leadscoring.demo.frames import frames_of, write_frames
        from leadscoring.demo.many import many_leads
    except ModuleNotFoundError as absent:
        what = "--out must end in .csv: Parquet" if ending == ".parquet" else f"--rows above {SINGLY}"
        message = f"{what} needs numpy and polars, not installed here (pip install 'leadscoring[train]')"
        raise click.UsageError(message) from absent
    frames = frames_of(demo_leads(seen.rows, seed)) if seen.rows <= SINGLY else many_leads(seen.rows, seed)
    write_frames(part, ending, seen.frames(frames), with_truth=with_truth)


class Seen:
    """Counts the leads on their way to the file, and reports progress."""

    def __init__(self, rows: int, progress: Progress) -> None:
        self.rows, self.progress, self.written, self.converted = rows, progress, 0, 0

    def leads(self, leads: Iterable[DemoLead]) -> Iterator[DemoLead]:
        """The same leads."""
        for lead in leads:
            self.count(1, lead.converted)
            yield lead

    def frames(self, frames: Iterable["pl.DataFrame"]) -> Iterator["pl.DataFrame"]:
        """The same frames."""
        for frame in frames:
            self.count(frame.height, int(frame["converted"].sum()))
            yield frame

    def count(self, leads: int, converted: int) -> None:
        """Counts leads; progress is reported a hundred times in all."""
        before, self.written, self.converted = self.written, self.written + leads, self.converted + converted
        if before * 100 // self.rows < self.written * 100 // self.rows:
            self.progress("writing", self.written / self.rows)

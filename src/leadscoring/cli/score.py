"""``leadscoring score``: scores files of leads."""

import gc
import os
import sys
from typing import Any

import click

from leadscoring.cli.commands import Command
from leadscoring.cli.model_options import opening_options
from leadscoring.cli.page import put
from leadscoring.cli.working import Work, working
from leadscoring.counted import counted
from leadscoring.model.rounds import Choice as Rounds
from leadscoring.standard_streams import is_closed

SOME_REJECTED = 3
"""The exit code if some rows were rejected."""

MOST_REASONS = 1000


@click.command(
    cls=Command,
    short_help="Score leads in files.",
    examples=("leadscoring score model.json leads.csv --out scores.csv --resume",),
)
@click.argument("model", type=click.Path(dir_okay=False))
@click.argument("data")
@click.option(
    "--out",
    metavar="FILE",
    help="Scores, as Parquet if the name ends in .parquet, else as CSV; tabs in .tsv. Default: stdout.",
)
@click.option(
    "--rejects", metavar="FILE", help="Rows that could not be scored, as CSV. Default: beside --out, NAME.rejects.csv."
)
@click.option(
    "--reasons", type=click.IntRange(0, MOST_REASONS), default=5, show_default=True, help="Reasons of each score."
)
@click.option("--details", is_flag=True, help="Add how each score adds up: margin, base_value and remainder.")
@click.option(
    "--as-of",
    metavar="T|COLUMN|now",
    help="Moment as of which leads are scored, such as 2026-01-31, or the column with that of each. Default: the "
    "column by which training saw its leads, if DATA has it; else now.",
)
@click.option(
    "--id",
    "lead_id",
    metavar="COLUMN",
    help="Column of ids. Default: that of training, lead_id or id, else line numbers.",
)
@click.option("--columns", multiple=True, metavar="A,B|all", help="Columns of DATA to repeat in the scores.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted run of the same command.")
@click.option("--record", is_flag=True, help="Keep every scored lead in the ledger that LEDGER names.")
@click.option("--overwrite", is_flag=True, help="Overwrite existing files at --out and --rejects.")
@click.option("--threads", type=click.IntRange(1, 64), metavar="N", help="Threads. Default: one for each core.")
@click.option("--fail-on-rejects", is_flag=True, help="Exit with 1 instead of 3 if rows were rejected.")
@opening_options
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def score(  # noqa: PLR0913, PLR0917 - click hands every option over as an argument of its own
    model: str,
    data: str,
    out: str | None,
    rejects: str | None,
    reasons: int,
    details: bool,
    as_of: str | None,
    lead_id: str | None,
    columns: tuple[str, ...],
    resume: bool,
    record: bool,
    overwrite: bool,
    threads: int | None,
    fail_on_rejects: bool,
    rounds: Rounds,
    missing_value: float | None,
    as_json: bool,
) -> None:
    """Score leads in files (CSV or Parquet).

    DATA is a file, a folder, a pattern such as 'exports/*.csv', - for standard input, or an address such as
    s3://bucket/leads.parquet, as --out and --rejects may be. Files may be compressed (.gz, .bz2, .xz, .zst). Columns
    and values are read as training read its file. Each lead gets the same score, to the last bit, as from the API.

    With LEDGER set, leads whose persons objected are rejected, and --record keeps every scored lead: its id makes it
    known again, without ids the scores can only be computed again.

    Every row is in the scores or, with its line, its content and all of its faults, in the rejects. The exit code is 0
    if every row was scored, 3 if some were rejected (1 with --fail-on-rejects), and 1 if the files could not be scored.
    """
    refuse_empty({"DATA": data, "--out": out, "--rejects": rejects, "--as-of": as_of, "--id": lead_id})
    kept = tuple(part.strip() for value in columns for part in value.split(","))
    refuse_empty({"--columns": None if all(kept) else ""})
    refuse_closed(out)
    threads = threads or cores()
    limit_libraries(threads)

    with working() as work:
        from leadscoring.bulk.choice import Choice
        from leadscoring.bulk.places import places_of, refuse_existing
        from leadscoring.bulk.sources import sources_of
        from leadscoring.model.file import Opening, open_model

        gc.freeze()  # modules stay: no search for garbage needs to pass through them
        loaded = open_model(model, Opening(rounds=rounds, missing=missing_value))
        places = places_of(model, data, sources_of(data), out, rejects)
        refuse_existing(places, resume, overwrite)
        work.interruption.left = left_by(places)
        choice = Choice(reasons, details, as_of, lead_id, kept, threads, record)
        result = scored(work, loaded, model, places, choice, resume)
    finish(result, as_json)
    if result.counts.rejected:
        sys.exit(1 if fail_on_rejects else SOME_REJECTED)


def scored(work: Work, loaded: Any, model: str, places: Any, choice: Any, resume: bool) -> Any:
    """Scores the files, with what there is to do with the ledger; returns what came of it."""
    from leadscoring.bulk.configured import configured
    from leadscoring.bulk.run import score_files

    with configured(loaded, model, record=choice.record) as recording:
        return score_files(loaded, places, choice, work.progress, resume, recording=recording)


def limit_libraries(threads: int) -> None:
    """Limits the threads and the memory of libraries that are imported later, unless the environment says otherwise."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(-(-threads // 2)))  # it only reads, for less than scoring costs
    os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", "1")  # row groups of Parquet held ahead: 120 MB less
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads of numpy that nobody needs begin with a busy wait


def refuse_closed(out: str | None) -> None:
    """Raises ``click.UsageError`` if scores are to go to standard output, and that is closed."""
    if out in {None, "-"} and is_closed(sys.stdout):
        raise click.UsageError(
            "standard output is closed: --out FILE names where scores go", click.get_current_context()
        )


def refuse_empty(values: dict[str, str | None]) -> None:
    """Raises ``click.UsageError`` for a value that is empty, as of a variable of the shell that is not set."""
    for name, value in values.items():
        if value is not None and not value.strip():
            raise click.UsageError(f"{name} is empty", click.get_current_context())


def left_by(places: Any) -> str:
    """What an interrupted run leaves, in words."""
    if places.journal is None:
        return "the scores are incomplete" if places.out is None else "nothing was written"
    files = [places.written(path).part for path in (places.out, places.rejects)] + [places.journal]
    alike = len({path.parent for path in files}) == 1
    names = ", ".join(path.name if alike else str(path) for path in files)
    where = f" in {files[0].parent}" if alike else ""
    return f"the same command with --resume goes on; delete {names}{where} to give up what is done"


def finish(result: Any, as_json: bool) -> None:
    """Prints what came of a run: to stderr if the scores are on stdout."""
    import msgspec

    stream = sys.stderr if result.out == "-" else sys.stdout
    if as_json:
        facts = msgspec.to_builtins(result)
        facts["counts"] = {name: getattr(result.counts, name) for name in result.counts.__struct_fields__}
        put(msgspec.json.encode(facts).decode(), stream)
        return
    for line in summary(result):
        put(line, stream)


def summary(result: Any) -> list[str]:
    """The lines that say what came of a run."""
    counts = result.counts
    lines = [f"note: {note}" for note in result.notes]
    lines.append(f"{counted(counts.rows, 'row')}: {counts.scored:,} scored, {counts.rejected:,} rejected")
    if result.resumed:
        lines.append(f"{result.resumed:,} of them by the interrupted run")
    facts = (
        (counts.recorded, "row", "recorded for the ledger"),
        (counts.warned, "row", "scored with a warning, in the column warnings"),
        (counts.short, "row", "without last values, which are unknown"),
        (counts.empty, "line", "without any value, left out"),
        (counts.headers, "repeated header", "between rows, left out"),
        (counts.marked, "cell", "with an apostrophe in front, so that no spreadsheet runs what is there"),
    )
    lines += [f"{counted(count, noun)} {words}" for count, noun, words in facts if count]
    lines += [foreign(counts)] if counts.foreign else []
    lines.append(f"model {result.model} {result.version}" + (f", as of {result.as_of}" if result.as_of else ""))
    if counts.recorded and not result.id:
        lines.append("without ids, recorded scores can be computed again, but belong to no lead (--id names a column)")
    lines.append(
        f"ids are from the column {result.id!r}" if result.id else "ids are line numbers (--id names a column)"
    )
    if result.out != "-":
        lines.append(f"wrote {result.out}")
    if result.rejects:
        lines.append(f"wrote {result.rejects}: rows that were rejected, with their faults")
    return lines


def foreign(counts: Any) -> str:
    """The line on lines in another encoding than UTF-8, which are read one by one."""
    named = ", ".join(counts.foreign_lines) + (" and so on" if counts.foreign > len(counts.foreign_lines) else "")
    lines = "line" if counts.foreign == 1 else "lines"
    return (
        f"{counted(counts.foreign, 'line')} ({lines} {named}) not UTF-8: read as Windows-1252 (Mac Roman with "
        "old Mac line ends), the others as UTF-8"
    )


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""``leadscoring outcomes``: records what came of leads from a file, and checks what is recorded."""

import csv
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from leadscoring.cli.commands import Command, Group
from leadscoring.cli.opened_ledger import OpenedLedger, opened_ledger
from leadscoring.cli.page import columns as in_columns
from leadscoring.cli.page import show
from leadscoring.cli.working import Work, working
from leadscoring.counted import counted

if TYPE_CHECKING:
    from leadscoring.ledger.outcomes import Checked
    from leadscoring.training.outcome_file import OutcomeFile, Rejected

SOME_REJECTED = 3
"""The exit code if some rows were rejected, as of ``score``."""

AT_ONCE = 2000
"""Outcomes of one transaction."""

SHOWN = 20
"""Rejected rows that are printed if they are not written to a file."""

QUANTILES = (10, 25, 50, 75, 90, 100)
"""The points of the curve of delays, in percent."""


@click.group(cls=Group)
def outcomes() -> None:
    """Record what came of leads, and check what is recorded."""


@outcomes.command(
    cls=Command,
    short_help="Record the outcomes in a file.",
    examples=("leadscoring outcomes add deals.csv --id lead_id --outcome stage --at closed_at --won 'Closed Won'",),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--id", "lead_id", metavar="COLUMN", required=True, help="Column of the ids of leads, as they were scored."
)
@click.option("--outcome", metavar="COLUMN", required=True, help="Column of outcomes.")
@click.option("--at", metavar="COLUMN", required=True, help="Column of the times at which they occurred.")
@click.option("--won", multiple=True, metavar="A,B", help="Outcomes that mean won, beside words such as Closed Won.")
@click.option("--lost", multiple=True, metavar="A,B", help="Outcomes that mean lost, beside words such as Closed Lost.")
@click.option(
    "--event", metavar="COLUMN", help="Column of your ids of outcomes. Default: lead, outcome and time are one."
)
@click.option("--value", metavar="COLUMN", help="Column of amounts.")
@click.option("--dates", type=click.Choice(["day-first", "month-first"]), help="How dates such as 3/4/2026 are read.")
@click.option(
    "--rejects", metavar="OUT", type=click.Path(path_type=Path), help="Rejected rows, as CSV: place and reason."
)
@click.option("--fail-on-rejects", is_flag=True, help="Exit with 1 instead of 3 if rows were rejected.")
def add(  # noqa: PLR0913, PLR0917 - click hands every option over as an argument of its own
    file: Path,
    lead_id: str,
    outcome: str,
    at: str,
    won: tuple[str, ...],
    lost: tuple[str, ...],
    event: str | None,
    value: str | None,
    dates: Any,
    rejects: Path | None,
    fail_on_rejects: bool,
) -> None:
    """Record the outcomes in a CSV or Parquet file, as training would read it.

    Every row is recorded, or was before, or is rejected with its line and a reason; so the same export can be added
    every night. An open stage takes back what came before it. Times without a zone are UTC. The exit code is 0 if no
    row was rejected, 3 if some were (1 with --fail-on-rejects), and 1 if the file could not be read.
    """
    with working() as work, opened_ledger() as opened:
        from leadscoring.training.outcome_file import Columns, Meaning, OutcomeFile, named

        columns, meaning = Columns(lead_id, outcome, at, event, value), Meaning(named(won), named(lost), dates)
        work.progress("reading", 0)
        read = OutcomeFile(file, columns, meaning)
        counts, refused = recorded(opened, read, work, f"leadscoring outcomes add {file.name}")
        if rejects is not None and refused:
            write_rejects(rejects, refused)
    show([f"note: {note}" for note in read.notes])
    added = f"{counts['recorded']:,} recorded, {counts['repeated']:,} repeated, {len(refused):,} rejected"
    show([f"{counted(len(read), 'row')}: {added}"])
    if counts["unscored"]:
        show([f"{counts['unscored']:,} of them are of leads that the ledger has no score of"])
    if rejects is None:
        show([f"{one.place}: {one.why}" for one in refused[:SHOWN]], sys.stderr)
        if len(refused) > SHOWN:
            show([f"and {len(refused) - SHOWN:,} more, which --rejects OUT writes to a file"], sys.stderr)
    elif refused:
        show([f"wrote {rejects}: rows that were rejected, with the reason"])
    if refused:
        sys.exit(1 if fail_on_rejects else SOME_REJECTED)


def recorded(
    opened: OpenedLedger, read: "OutcomeFile", work: Work, source: str
) -> "tuple[Counter[str], list[Rejected]]":
    """Records the rows of a file, some thousands in a transaction; returns the counts, and the rejected rows."""
    from leadscoring.ledger.outcome import Outcome, Place, now
    from leadscoring.ledger.outcomes import record
    from leadscoring.training.outcome_file import Rejected

    counts: Counter[str] = Counter()
    rejected: list[Rejected] = []
    plain, done = opened.settings.ledger_lead_ids == "plain", 0
    for start in range(0, len(read), AT_ONCE):
        rows = list(read.rows(start, start + AT_ONCE, now()))
        sound = [row for row in rows if isinstance(row, Outcome)]
        places = iter(record(opened.ledger, opened.keys, sound, source, plain))
        done += len(rows)
        work.interruption.left = f"the first {done:,} rows are recorded, and adding the file again is harmless"
        for offset, row in enumerate(rows):
            answer = row if isinstance(row, Rejected) else next(places)
            if isinstance(answer, Place):
                counts[answer.status] += 1
                counts["unscored"] += not answer.scored
            elif isinstance(answer, Rejected):
                rejected.append(answer)
            else:
                rejected.append(Rejected(read.place(start + offset), str(answer)))
        work.progress("recording", done / len(read))
    return counts, rejected


def write_rejects(path: Path, rejected: "list[Rejected]") -> None:
    """Writes the places and reasons of rejected rows as CSV."""
    from leadscoring.whole_file import whole_file

    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(("place", "reason"))
        writer.writerows(rejected)


@outcomes.command(
    cls=Command, short_help="Check the outcomes that are recorded.", examples=("leadscoring outcomes check",)
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def check(as_json: bool) -> None:
    """Count the outcomes, those without a score and those that contradict each other, and show how late they come."""
    with working(), opened_ledger() as opened:
        from leadscoring.ledger.outcomes import check as checking

        with opened.ledger.reading() as connection:
            found = checking(connection)
    if as_json:
        import msgspec

        facts = {name: value for name, value in found._asdict().items() if name != "delays"}
        click.echo(msgspec.json.encode(facts | {"delays": dict(delays(found.delays))}).decode())
        return
    show(summary(found))


def summary(found: "Checked") -> list[str]:
    """The lines of ``outcomes check``."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.kinds.items())
    lines = [f"{found.outcomes:,} outcomes of {found.leads:,} leads: {kinds}"]
    facts = (
        (found.unmatched, "leads with an outcome were never scored here: check that ids are the same in both"),
        (found.contradictions, "leads were won and lost without being reopened in between: the latest counts"),
        (found.early, "leads had their outcome before their first score: they say nothing of how good scores are"),
    )
    lines += [f"{count:,} {words}" for count, words in facts if count]
    if found.delays:
        lines += ["", "days from the first score to the outcome"]
        lines += in_columns((f"  {percent} of 100", f"within {days:.1f}") for percent, days in delays(found.delays))
    return lines


def delays(ascending: list[float]) -> list[tuple[int, float]]:
    """Points of the curve of delays: within how many days that many of 100 outcomes came."""
    last = len(ascending) - 1
    return (
        [(percent, ascending[min(last, len(ascending) * percent // 100)]) for percent in QUANTILES] if ascending else []
    )

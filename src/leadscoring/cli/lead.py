"""``leadscoring lead``: what the ledger keeps of a lead, and the rights of its person."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadscoring.cli.commands import Command, Group
from leadscoring.cli.opened_ledger import OpenedLedger, actor, opened_ledger
from leadscoring.cli.page import columns
from leadscoring.cli.page import show as show_lines
from leadscoring.cli.working import working

if TYPE_CHECKING:
    from leadscoring.ledger.lead_record import KeptScore, LeadRecord

DIFFERENCES = 3
"""Differences of features that a line of the history shows."""


@click.group(cls=Group)
def lead() -> None:
    """Show, export or erase what is kept of a lead, or note that its person objects."""


@lead.command(cls=Command, examples=("leadscoring lead show lead-1",))
@click.argument("lead_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, as the API does.")
def show(lead_id: str, as_json: bool) -> None:
    """Show the score, reasons, history and outcomes of a lead."""
    with opened_ledger() as opened:
        found = record(opened, lead_id, 500)
    if as_json:
        click.echo(as_text(found))
        return
    show_lines(overview(found))


@lead.command(
    cls=Command,
    short_help="Write all that is kept of a lead to a file.",
    examples=("leadscoring lead export lead-1 --out lead-1.json",),
)
@click.argument("lead_id", metavar="ID")
@click.option(
    "--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output."
)
def export(lead_id: str, out: Path | None) -> None:
    """Write all that is kept of a lead as JSON, for its person: every score with its receipt, and every outcome."""
    from leadscoring.ledger.database import check_output
    from leadscoring.whole_file import whole_file

    with working() as work, opened_ledger() as opened:
        text = as_text(record(opened, lead_id, None)) + "\n"
        if out is not None:
            check_output(opened.ledger, out)
            with work.writing(), whole_file(out, private=True) as part:
                part.write_text(text, "utf-8")
            work.wrote(out)
    if out is None:
        click.echo(text, nl=False)


@lead.command(
    cls=Command, short_help="Erase all that is kept of a lead.", examples=("leadscoring lead erase lead-1 --yes",)
)
@click.argument("lead_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(lead_id: str, yes: bool) -> None:
    """Erase the scores and outcomes of a lead; a tombstone keeps them from coming back.

    An objection stays, with the lead's key alone. In SQLite no byte is left in the files of the ledger, in PostgreSQL
    after its next vacuum; on the tape the running services remove them within seconds, once they reach the database.
    Backups, and segments that were set aside (.damaged) or left by an interrupted run (.held), are yours to erase.
    """
    from leadscoring.ledger.erasures import publish_erasures
    from leadscoring.ledger.persons import erase as erasing
    from leadscoring.ledger.rights import KeptRights

    if not yes:
        click.confirm(f"Erase all that is kept of the lead {lead_id!r}? This cannot be undone", abort=True)
    with opened_ledger() as opened:
        done = erasing(opened.ledger, opened.keys, lead_id, actor())
        publish_erasures(opened.ledger, Path(opened.settings.ledger_tape_path))
        KeptRights(Path(opened.settings.ledger_tape_path)).follow(opened.ledger)
    show_lines([f"erased {done.scores:,} scores and {done.outcomes:,} outcomes of the lead {lead_id!r}"])


@lead.command(
    cls=Command, short_help="Note that a person objects to scoring.", examples=("leadscoring lead object lead-1",)
)
@click.argument("lead_id", metavar="ID")
@click.option("--withdraw", is_flag=True, help="Take the objection back.")
def object(lead_id: str, withdraw: bool) -> None:  # noqa: A001 - the command is called so
    """Note that the person of a lead objects to scoring: services with this ledger refuse to score it from now on."""
    from leadscoring.ledger.persons import publish_objections, put_objection, withdraw_objection
    from leadscoring.ledger.rights import KeptRights

    with opened_ledger() as opened:
        if withdraw:
            withdraw_objection(opened.ledger, opened.keys, lead_id, actor())
        else:
            put_objection(opened.ledger, opened.keys, lead_id, actor(), opened.settings.ledger_lead_ids == "plain")
        publish_objections(opened.ledger, Path(opened.settings.ledger_tape_path))
        KeptRights(Path(opened.settings.ledger_tape_path)).follow(opened.ledger)
    done = "is scored again" if withdraw else "is not scored any more"
    show_lines([f"the lead {lead_id!r} {done}"])


def record(opened: OpenedLedger, lead_id: str, most: int | None) -> "LeadRecord":
    """Reads all that is kept of a lead."""
    from leadscoring.ledger.history import record_of

    with opened.ledger.reading() as connection:
        return record_of(connection, opened.models(), opened.keys.key(lead_id), lead_id, 5, most)


def as_text(found: "LeadRecord") -> str:
    """The JSON of what is kept of a lead."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found)).decode()


def overview(found: "LeadRecord") -> list[str]:
    """The lines of ``lead show``."""
    lines = [f"lead {found.lead_id}"]
    if found.objected_at:
        lines.append(f"objected to scoring at {found.objected_at}")
    if found.score is not None:
        lines += ["", f"score      {percent(found.score)}, tier {found.score.tier}, {found.score.model.version}"]
        if found.nearest_tier is not None:
            lines.append(f"next tier  {found.nearest_tier.tier}, {found.nearest_tier.margin:+.3f} log-odds away")
    if found.reasons:
        lines += ["", "reasons"]
        lines += columns((f"  {one.feature}", f"{one.contribution:+.3f}", shown(one.value)) for one in found.reasons)
    lines += ["", "scores", *columns(map(score_cells, found.scores))]
    if found.outcomes:
        lines += ["", f"outcomes{' (they contradict each other)' if found.contradictory else ''}"]
        lines += columns(
            (f"  {one.at}", one.outcome, f"from {one.source}", "counts" if one.counts else "") for one in found.outcomes
        )
    return lines


def score_cells(score: "KeptScore") -> tuple[str, ...]:
    """A score of the history: when, how often, what, and what changed it."""
    return (f"  {score.first_at}", f"{score.times}x", percent(score), score.tier, changed(score))


def changed(score: "KeptScore") -> str:
    """What changed a score, in a line."""
    receipt = score.receipt
    if receipt is None:
        return f"first score, model {score.model.version}"
    if receipt.model_before is not None:
        return f"{receipt.margin:+.3f}: model {receipt.model_before.version} to {score.model.version}"
    parts = [
        f"{one.feature} {shown(one.before)} to {shown(one.after)} ({one.contribution:+.3f})"
        if one.before != one.after
        else f"{one.feature} ({one.contribution:+.3f})"
        for one in receipt.differences[:DIFFERENCES]
    ]
    more = len(receipt.differences) - len(parts)
    return f"{receipt.margin:+.3f}: {', '.join(parts)}" + (f" and {more} more" if more > 0 else "")


def percent(score: "KeptScore") -> str:
    """The probability of a score."""
    return f"{score.raw_score:.1%}"


def shown(value: bool | float | str | None) -> str:
    """A value of a feature."""
    return "unknown" if value is None else f"{value}"

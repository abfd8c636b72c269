"""``leadscoring replay``: recomputes scores that were given, and compares every bit."""

from datetime import date, datetime

import click

from leadscoring.cli.commands import Command
from leadscoring.cli.opened_ledger import opened_ledger
from leadscoring.cli.page import show
from leadscoring.cli.working import working

EPOCH = date(1970, 1, 1)


@click.command(
    cls=Command,
    short_help="Recompute scores that were given.",
    examples=("leadscoring replay --share 0.01", "leadscoring replay --lead lead-1"),
)
@click.option("--lead", "lead_id", metavar="ID", help="Only the scores of this lead.")
@click.option("--day", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]), help="Only scores of this day, in UTC.")
@click.option(
    "--share",
    metavar="X",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    help="Only this share of the scores.",
)
def replay(lead_id: str | None, day: datetime | None, share: float) -> None:
    """Recompute margins, probabilities and tiers from the rows and models in the ledger.

    Ends with exit code 1 at the first score with another bit, or if a model cannot be loaded. Scores of remote models
    are counted, and not recomputed: their margins are not of this engine.
    """
    with working() as work, opened_ledger() as opened:
        from leadscoring.ledger.history import lead_of
        from leadscoring.ledger.replay import Chosen, Differing, Replayed
        from leadscoring.ledger.replay import replay as replaying

        counts = Replayed()
        with opened.ledger.reading() as connection:
            number = None if lead_id is None else lead_of(connection, opened.keys.key(lead_id), lead_id).number
            days = None if day is None else (day.date() - EPOCH).days
            try:
                for counts in replaying(connection, opened.models(), Chosen(number, days, share)):
                    work.progress("recomputing", (counts.recomputed + counts.remote) / counts.chosen)
            except Differing as failure:
                raise click.ClickException(str(failure)) from None
    lines = [f"{counts.recomputed:,} scores recomputed: every bit is the same"]
    if counts.remote:
        lines.append(f"{counts.remote:,} scores of remote models were not recomputed")
    show(lines)

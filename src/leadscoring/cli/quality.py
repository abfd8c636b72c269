"""``leadscoring quality``: the live quality of the served model, from the ledger."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from leadscoring.cli.commands import Command
from leadscoring.cli.page import Line, show
from leadscoring.cli.working import working
from leadscoring.errors import SettingError, SettingsConflict
from leadscoring.settings import Settings, read_settings
from leadscoring.whole_file import whole_file

if TYPE_CHECKING:
    from leadscoring.quality.live import Live

OFF = "LEDGER is off: set it to the ledger of the service, such as LEDGER=on in the service's folder"


@click.command(
    cls=Command,
    short_help="Measure scores against what came of the leads.",
    examples=("leadscoring quality", "leadscoring quality --report live", "leadscoring quality --json"),
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write live.html and live.json.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Measure as of the start of this day in UTC, with what was known then. Default: now.",
)
@click.option("--keep", is_flag=True, help="Keep the report in the ledger, from where the service shows it.")
def quality(report: Path | None, as_json: bool, at: datetime | None, keep: bool) -> None:
    """Measure the scores in the ledger against what came of the leads.

    Reads LEDGER, OUTCOME_DAYS and OUTCOME_SILENCE as the service does. A lead is judged OUTCOME_DAYS after its first
    score; the daily evidence does not wait for that.
    """
    settings = settings_with_ledger()
    now = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    with working() as work:
        live = measured(settings, now, keep=keep)
        if report is not None:
            with work.writing():
                for path in write(live, report):
                    work.wrote(path)
    if as_json:
        click.echo(msgspec.json.encode(live).decode())
        return
    show([*summary(live), *(Line(f"wrote {path}", "good") for path in work.written)])


def settings_with_ledger() -> Settings:
    """Returns the settings; raises ``ClickException`` if they are invalid, or name no ledger."""
    try:
        settings = read_settings(os.environ)
    except (SettingError, SettingsConflict) as failure:
        raise click.ClickException(f"{type(failure).__name__}: {failure}") from None
    if not settings.ledger:
        raise click.ClickException(OFF)
    return settings


def measured(settings: Settings, now: datetime, *, keep: bool) -> "Live":
    """Computes the live quality, and keeps it if asked to. Raises a ``LedgerError``."""
    from leadscoring.ledger.database import ledger_url, open_ledger
    from leadscoring.ledger.schema import version_of
    from leadscoring.quality import reported
    from leadscoring.quality.published import publish

    url = ledger_url(settings)
    ledger = open_ledger(url or "")
    try:
        version_of(ledger)  # of a later version of this package, tables may mean something else
        computed = reported.compute(ledger, settings.outcome_days, settings.outcome_silence, now)
        if keep:
            reported.keep(ledger, computed, "command", now)
            publish(computed.live, Path(settings.ledger_tape_path))
    finally:
        ledger.close()
    return computed.live


def write(live: "Live", folder: Path) -> Iterator[Path]:
    """Writes the page and the data into a folder, which is created if necessary."""
    from leadscoring.quality.live_page import page

    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps(msgspec.to_builtins(live), indent=2)
    for name, content in (("live.html", page(live)), ("live.json", data)):
        with whole_file(folder / name) as part:
            part.write_text(content, encoding="utf-8")
        yield folder / name


def summary(live: "Live") -> list[str | Line]:
    """Returns the figures that decide, a line each."""
    from leadscoring.quality.live_page import capital, headline, off_of, percent, shown, span, waiting

    name = "no model yet" if live.model is None else f"{live.model.name} {live.model.version}"
    sign, words = headline(live)
    style = {"ok": "good", "look": "warning", "bad": "warning"}.get(sign, "")
    lines: list[str | Line] = [Line(f"Live quality of {name}, {live.at}", "heading"), waiting(live), ""]
    lines.append(Line(capital(words), style) if style else capital(words))
    lines.append(f"  leads      {live.leads:,} judged by their first score, {live.mature:,} of them mature")
    if live.overall is not None:
        total = live.overall
        observed = f"{percent(total.observed.value)} ({span(total.observed)})"
        lines.append(f"  converted  {observed}, predicted {percent(total.predicted)}")
        if total.roc_auc is not None:
            lines.append(
                f"  ROC-AUC    {total.roc_auc.value:.3f} ({total.roc_auc.low:.3f} to {total.roc_auc.high:.3f})"
            )
    if live.evidence is not None and live.expected is not None:
        counts = f"{live.observed} conversions, {live.expected:.1f} expected"
        lines.append(f"  evidence   {shown(live.evidence)} (alarm at 100): {counts}")
    if off := off_of(live):
        lines.append(Line(f"  groups     {off}; --report names them", "warning"))
    if live.alarm is not None:
        lines.append(Line(f"  alarm      since {live.alarm.since}: {live.alarm.says}", "warning"))
    return [*lines, ""]

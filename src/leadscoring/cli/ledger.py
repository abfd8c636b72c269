"""``leadscoring ledger``: checks, migrates and exports the ledger of scores and outcomes."""

import csv
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from leadscoring.cli.commands import Command, Group
from leadscoring.cli.page import columns, show
from leadscoring.errors import LedgerError, SettingError
from leadscoring.settings import read_settings
from leadscoring.whole_file import whole_file

if TYPE_CHECKING:
    from leadscoring.ledger.database import Ledger

COUNTED = ("lead", "score", "outcome", "model", "act", "erased")

at_url = click.option("--ledger", "url", metavar="URL", help="Address of the ledger; same as LEDGER.")


@click.group(cls=Group)
def ledger() -> None:
    """Check, migrate and export the ledger of scores and outcomes."""


@contextmanager
def opened(url: str | None) -> Iterator["Ledger"]:
    """Yields the ledger at a URL, or that of the environment. Raises ``ClickException`` if it is not usable."""
    from leadscoring.ledger.database import ledger_url, open_ledger

    try:
        settings = read_settings(os.environ | ({"LEDGER": url} if url else {}))
        if (found := ledger_url(settings)) is None:
            raise click.UsageError("there is no ledger: set LEDGER, or give --ledger")
        made = open_ledger(found)
        try:
            yield made
        finally:
            made.close()
    except (LedgerError, SettingError) as failure:
        raise click.ClickException(f"{type(failure).__name__}: {failure}") from None


@ledger.command(cls=Command, examples=("leadscoring ledger check", "leadscoring ledger check --ledger postgresql://…"))
@at_url
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def check(url: str | None, as_json: bool) -> None:
    """Report the version of the ledger's tables, and how much is in them.

    The exit code is 0 if the tables have the newest version, else 1.
    """
    with opened(url) as found:
        from leadscoring.ledger.schema import version_of

        version = version_of(found)
        numbers = counts(found) if version.here is not None else {}
        name = found.name
    if as_json:
        click.echo(msgspec.json.encode({"ledger": name, "version": version.here, "newest": version.newest, **numbers}))
    else:
        show(columns([("ledger", name), ("version", f"{version.here or 'no tables'} (newest: {version.newest})"),
                      *((table, f"{number:,}") for table, number in numbers.items())]))  # fmt: skip
    if version.here != version.newest:
        show(["run `leadscoring ledger migrate`; the service does so by itself when it starts"], sys.stderr)
        sys.exit(1)


def counts(found: "Ledger") -> dict[str, int]:
    """Returns the number of rows of each table."""
    from sqlalchemy import func, select

    from leadscoring.ledger.tables import metadata

    with found.reading() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one()
            for name in COUNTED
        }


@ledger.command(cls=Command, examples=("leadscoring ledger migrate",))
@at_url
def migrate(url: str | None) -> None:
    """Make the ledger's tables, or bring them to the newest version.

    The service does so when it starts. Use the command to do it before, such as with an account that may.
    """
    from leadscoring.ledger.schema import migrate as bring

    with opened(url) as found:
        before = bring(found)
    if before.here == before.newest:
        show([f"The tables have version {before.newest} already."])
    else:
        show([f"The tables had {'no version' if before.here is None else before.here}, and now have {before.newest}."])


@ledger.command(
    cls=Command,
    examples=("leadscoring ledger export scores --out scores.parquet", "leadscoring ledger export acts --out acts.csv"),
)
@click.argument("what", type=click.Choice(["scores", "outcomes", "acts"]))
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Parquet if the name ends in .parquet, CSV if in .csv, else a JSON object a line.",
)
@at_url
def export(what: str, out: Path, url: str | None) -> None:
    """Write scores, outcomes or acts to a file.

    Rows of features are float32, little endian: bytes in Parquet, else in hexadecimal, as keys of leads are. The file
    is for its owner alone: it holds personal data.
    """
    from leadscoring.ledger.database import check_output
    from leadscoring.ledger.export import exported

    rows = 0
    with opened(url) as found:
        check_output(found, out)
        with whole_file(out, private=True) as part:
            write = {".parquet": write_parquet, ".csv": write_csv}.get(out.suffix.lower(), write_lines)
            rows = write(exported(found, what), part)
    show([f"{rows:,} {what} are in {out}."])


def write_parquet(parts: Iterator[list[dict[str, Any]]], path: Path) -> int:
    """Writes rows as Parquet; all of them are in memory. Returns their number."""
    import polars

    frame = polars.DataFrame([row for rows in parts for row in rows], infer_schema_length=None)
    frame.write_parquet(path)
    return len(frame)


def write_csv(parts: Iterator[list[dict[str, Any]]], path: Path) -> int:
    """Writes rows as CSV. Returns their number."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for rows in parts:
            writer = csv.DictWriter(file, rows[0])
            if not count:
                writer.writeheader()
            writer.writerows({name: as_text(value) for name, value in row.items()} for row in rows)
            count += len(rows)
    return count


def write_lines(parts: Iterator[list[dict[str, Any]]], path: Path) -> int:
    """Writes rows as JSON, an object a line. Returns their number."""
    count = 0
    with path.open("wb") as file:
        for rows in parts:
            file.writelines(
                msgspec.json.encode({name: as_text(value) for name, value in row.items()}) + b"\n" for row in rows
            )
            count += len(rows)
    return count


def as_text(value: Any) -> Any:
    """Returns a cell as text formats have it: bytes in hexadecimal, moments in ISO 8601."""
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, datetime) else value

"""``leadscoring ledger``: backs the ledger up, restores it, and keeps what persons asked for; makes the secret."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from leadscoring.cli.commands import Command
from leadscoring.cli.ledger import at_url, ledger, opened
from leadscoring.cli.page import show
from leadscoring.cli.working import named
from leadscoring.errors import CannotStart, LedgerError, SettingError
from leadscoring.settings import Settings, read_settings


@contextmanager
def in_words() -> Iterator[None]:
    """Raises ``ClickException`` for our own errors and for files that cannot be read or written."""
    try:
        yield
    except (LedgerError, SettingError, CannotStart) as failure:
        raise click.ClickException(f"{type(failure).__name__}: {failure}") from None
    except OSError as failure:
        raise click.ClickException(named(failure)) from None
    except ValueError as failure:
        raise click.ClickException(str(failure)) from None


def settings_with(url: str | None) -> Settings:
    """Reads the settings, with the ledger at a URL if it is given."""
    return read_settings(os.environ | ({"LEDGER": url} if url else {}))


@ledger.command(
    cls=Command,
    short_help="Write a copy of a ledger in SQLite.",
    examples=("leadscoring ledger backup ledger-copy.db",),
)
@click.argument("copy", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@at_url
def backup(copy: Path, url: str | None) -> None:
    """Write one consistent copy of a ledger in SQLite to FILE, also while the service runs.

    PostgreSQL has pg_dump for that. The secret in LEDGER_KEY_FILE is not in the copy: keep it too, and elsewhere.
    """
    from leadscoring.ledger.backup import back_up

    with in_words(), opened(url) as found:
        size = back_up(found, copy)
    show([f"The ledger is in {copy} ({size / 1e6:,.1f} MB). It holds personal data; its secret is not in it."])


@ledger.command(
    cls=Command,
    short_help="Put a copy in place of a ledger in SQLite.",
    examples=("leadscoring ledger restore ledger-copy.db --yes",),
)
@click.argument("copy", metavar="FILE", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@at_url
def restore(copy: Path, yes: bool, url: str | None) -> None:
    """Put a copy in place of a ledger in SQLite, while no service uses it.

    Erasures and objections since the copy was made are put into it: from the ledger that was there, which is kept
    under another name, and from the folder of the tape.
    """
    from leadscoring.ledger.backup import restore as put_back
    from leadscoring.ledger.database import ledger_url

    with in_words():
        settings = settings_with(url)
        if (found := ledger_url(settings)) is None:
            raise click.UsageError("there is no ledger: set LEDGER, or give --ledger")
        if not yes:
            click.confirm(f"Put {copy} in place of the ledger?", abort=True)
        done = put_back(found, copy, Path(settings.ledger_tape_path))
    lines = [f"The ledger is that of {copy}, and {done.respected.erased:,} leads were erased again in it "
             f"and {done.respected.objected:,} objections noted."]  # fmt: skip
    if done.before is not None:
        lines.append(
            f"The one from before is {done.before}; it holds personal data: delete it when you need it no more."
        )
    show(lines)


@ledger.command(
    cls=Command,
    short_help="Write erasures and objections to a file.",
    examples=("leadscoring ledger rights --out rights.jsonl",),
)
@click.option(
    "--out", required=True, metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="File to write."
)
@at_url
def rights(out: Path, url: str | None) -> None:
    """Write every erasure and every objection to a file: keys of leads, and when.

    A restored backup does not know those since it was made; `leadscoring ledger respect FILE` puts them into it.
    """
    from leadscoring.ledger.database import check_output
    from leadscoring.ledger.rights import rights_of, write_rights

    with in_words(), opened(url) as found:
        check_output(found, out)
        every = rights_of(found)
        write_rights(out, every)
    show([f"{len(every.every):,} erasures and objections are in {out}."])


@ledger.command(
    cls=Command,
    short_help="Put erasures and objections of a file into the ledger.",
    examples=("leadscoring ledger respect rights.jsonl",),
)
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, exists=True, path_type=Path))
@at_url
def respect(file: Path, url: str | None) -> None:
    """Erase again the leads in FILE, and note objections again: those that the ledger has not got.

    For a restored backup, before the service is started on it. FILE is of `leadscoring ledger rights`, or rights.jsonl
    in the folder of a tape. Doing it twice changes nothing.
    """
    from leadscoring.cli.opened_ledger import actor
    from leadscoring.ledger.rights import read_rights
    from leadscoring.ledger.rights import respect as put_into

    with in_words():
        every = read_rights(file).every
        with opened(url) as found:
            done = put_into(found, every, actor())
    show([f"{done.erased:,} leads were erased again, with {done.deleted:,} scores and outcomes, "
          f"and {done.objected:,} objections noted."])  # fmt: skip


@ledger.command(cls=Command, short_help="Make the file of the secret.", examples=("leadscoring ledger key",))
def key() -> None:
    """Make LEDGER_KEY_FILE, unless it is there: the secret with which ids of leads are hashed.

    PostgreSQL requires it before the first start. All instances of a ledger need the same one; without it, nothing in
    the ledger is found by an id again: keep a copy, and not beside those of the ledger.
    """
    from leadscoring.ledger.lead_key import make_secret, secret_in

    with in_words():
        path = Path(read_settings(os.environ).ledger_key_file)
        there = path.exists()
        if not there:
            make_secret(path)
        secret_in(path)
    show([f"The secret is in {path}{' already' if there else ''}."])

"""``leadscoring keys``: generates, lists and checks API keys."""

import os
import secrets
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import msgspec

from leadscoring.access.key_file import SCOPES, Entry, Scope, append, sha256_of, written
from leadscoring.access.keys import DEMO_DIGEST, Key, KeyRing
from leadscoring.cli.commands import Command, Group
from leadscoring.cli.page import columns, show
from leadscoring.errors import KeyFileInvalid, RequestError, SettingError
from leadscoring.settings import read_settings
from leadscoring.standard_streams import is_closed

PREFIX = "lsk_"
"""The prefix by which secret scanners recognize our keys."""

DAY_SECONDS = 86400

in_file = click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), help="Key file; same as API_KEYS_FILE."
)


@click.group(cls=Group)
def keys() -> None:
    """Create, list and check API keys."""


def scopes_of(_context: click.Context, _option: click.Parameter, text: str) -> tuple[Scope, ...]:
    """Parses comma-separated scopes. Raises ``BadParameter`` for an unknown scope."""
    try:
        return msgspec.convert([part.strip() for part in text.split(",")], tuple[Scope, ...])
    except msgspec.ValidationError:
        raise click.BadParameter(
            f"must be one or more of {', '.join(SCOPES)}, separated by commas, not {text!r}"
        ) from None


@keys.command(
    cls=Command,
    examples=(
        "leadscoring keys new --label crm --expires 365 --file keys.json > new-key.txt",
        "leadscoring keys new --label crm --scopes score,outcomes",
    ),
)
@click.option("--label", required=True, help="Name of the key in logs.")
@click.option("--expires", type=click.IntRange(1, 36500), metavar="DAYS", help="Days until it expires; default: never.")
@click.option(
    "--scopes",
    "--scope",
    default="score",
    callback=scopes_of,
    help="What it may do: score, outcomes, or both with a comma; admin gives full access.",
)
@click.option("--note", default="", help="Free text, such as who uses the key.")
@in_file
def new(label: str, expires: int | None, scopes: tuple[Scope, ...], note: str, file: Path | None) -> None:
    """Create a key and show it once.

    The key is written to standard output, to be given to the client. The service stores only its entry, which holds
    a hash: it is added to --file, which a running service reloads by itself, or printed on the second line.
    """
    if is_closed(sys.stdout):
        raise click.UsageError("standard output is closed, where the key is shown once", click.get_current_context())
    key = PREFIX + secrets.token_urlsafe(32)
    until = (datetime.now(UTC) + timedelta(days=expires)).isoformat(timespec="seconds") if expires else None
    try:
        entry = Entry(label=label, sha256=sha256_of(key).hex(), scopes=scopes, expires=until, note=note)
    except ValueError as failure:
        raise click.BadParameter(str(failure), param_hint="--label") from None
    if file is None:
        click.echo(key)
        click.echo(msgspec.json.encode(entry))
        show(["Save the first line: it is shown only once. Add the second to the array in API_KEYS_FILE."], sys.stderr)
        return
    try:
        append(file, entry)
    except KeyFileInvalid as failure:
        raise click.ClickException(str(failure)) from None
    click.echo(key)
    show([f"Save this key: it is shown only once. Its entry {label!r} is in {file}."], sys.stderr)


@keys.command("list", cls=Command, examples=("leadscoring keys list --file keys.json",))
@in_file
@click.option("--json", "as_json", is_flag=True, help="Print the entries as JSON.")
def list_keys(file: Path | None, as_json: bool) -> None:
    """List the label, scopes, expiry and state of each key.

    Lists the keys in --file, or those in API_KEYS and API_KEYS_FILE.
    """
    ring = ring_of(file)
    if as_json:
        entries = (
            Entry(label=key.label, sha256=key.digest.hex(), scopes=key.scopes, expires=day(key)) for key in ring.keys
        )
        click.echo(written(entries), nl=False)
        return
    rows = [(key.label, shown(key.scopes), minute(key), state(key)) for key in ring.keys]
    show(columns([("label", "scopes", "expires", "state"), *rows]))


@keys.command(
    cls=Command,
    short_help="Check a key from standard input.",
    examples=("leadscoring keys check --file keys.json < new-key.txt",),
)
@in_file
@click.option("--scope", type=click.Choice(SCOPES), default="score", help="Scope that the key must have.")
def check(file: Path | None, scope: Scope) -> None:
    """Read a key from standard input, and report its label and whether it is valid.

    The exit code is 0 for a valid key, else 1. The key is not an argument, since other users of the machine can
    see arguments.
    """
    presented = sys.stdin.buffer.readline(65536).strip()
    ring = ring_of(file)
    try:
        key = ring.check(presented, scope)
    except RequestError as failure:
        named = f"{failure.key}: " if failure.key else ""
        reason = "no key on standard input" if not presented else f"{failure.code}: {failure}"
        click.echo(f"{named}{reason}")
        sys.exit(1)
    click.echo(f"{key.label}: {state(key)}, scopes {shown(key.scopes)}, expires {day(key) or 'never'}")


def ring_of(file: Path | None) -> KeyRing:
    """Reads the keys of a file, or those of this environment. Raises ``ClickException`` if they are invalid."""
    try:
        return KeyRing((), file) if file else KeyRing.of(read_settings(os.environ))
    except (KeyFileInvalid, SettingError) as failure:
        raise click.ClickException(f"{type(failure).__name__}: {failure}") from None


def day(key: Key) -> str | None:
    """Returns the expiry of a key in ISO 8601 and UTC, ``None`` if it does not expire."""
    if key.expires_at == float("inf"):
        return None
    return datetime.fromtimestamp(key.expires_at, UTC).isoformat(timespec="seconds")


def minute(key: Key) -> str:
    """The expiry of a key for people, *never* if it does not expire."""
    written = day(key)
    return "never" if written is None else f"{written[:16].replace('T', ' ')} UTC"


def state(key: Key) -> str:
    """Describes whether a key is valid: expired, publicly known, and the days left."""
    left = key.expires_at - time.time()
    if left <= 0:
        return "expired"
    known = "valid, but public (the demo key)" if key.digest == DEMO_DIGEST else "valid"
    return known if left == float("inf") else f"{known}, {left / DAY_SECONDS:.0f} days left"


def shown(scopes: tuple[Scope, ...]) -> str:
    """Scopes in few words: ``admin`` includes the others."""
    return "admin" if "admin" in scopes else ",".join(scopes)

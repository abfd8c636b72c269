"""Backups of a ledger in SQLite: one consistent state in a file, made while the service runs, and put back."""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from leadscoring.errors import LedgerError, LedgerUnusable
from leadscoring.ledger.database import Ledger, check_output, open_ledger
from leadscoring.ledger.rights import KeptRights, Respected, Right, respect, rights_of
from leadscoring.ledger.schema import VERSION_TABLE, migrate
from leadscoring.ledger.turn import LOCK, locked
from leadscoring.whole_file import whole_file

BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside its file, by the ends of their names."""


class Restored(NamedTuple):
    """Where the ledger from before is, if there was one, and what the copy had not got of persons' rights."""

    before: Path | None
    respected: Respected


def file_of(ledger: Ledger) -> Path:
    """Returns the file of a ledger. Raises ``LedgerUnusable`` for one in PostgreSQL."""
    if not ledger.is_sqlite:
        raise LedgerUnusable(ledger.name, "PostgreSQL has programs of its own for that: pg_dump and pg_restore")
    return Path(ledger.engine.url.database or "")


def back_up(ledger: Ledger, copy: Path) -> int:
    """Writes one state of a ledger in SQLite to a file, for its owner alone, and returns its size in bytes.

    Whoever writes to the ledger meanwhile waits for nothing. Pages of deleted rows are not copied. Raises
    ``LedgerUnavailable``, ``LedgerUnusable`` for PostgreSQL and for the file of the ledger itself, and ``OSError`` if
    the file cannot be written.
    """
    file_of(ledger)
    check_output(ledger, copy)
    with whole_file(copy) as part:
        part.touch(0o600)
        with ledger.reported(), closing(ledger.engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM INTO ?", (str(part),))
        sync(part)
        return part.stat().st_size


def restore(url: str, copy: Path, folder: Path) -> Restored:
    """Puts a backup in place of the ledger in SQLite at a URL; ``folder`` is that of the tape.

    What persons asked for since the backup is put into it: from the ledger that was there, which is kept under
    another name, and from the file in the folder. Raises ``LedgerUnusable`` if a service runs, or if the copy is no
    backup of a ledger; nothing is changed then.
    """
    found = open_ledger(url)
    try:
        path = file_of(found)
        check_copy(copy)
        with unused(found, folder):
            rights = []
            with suppress(LedgerError):  # it may be damaged, or empty: that is why it is replaced
                rights = rights_of(found).every
                found.checkpoint()
            found.close()
            before = set_aside(path)
            with whole_file(path) as part:
                shutil.copyfile(copy, part)
                part.chmod(0o600)
                sync(part)
            return Restored(before, brought_up(url, rights, folder))
    finally:
        found.close()


def brought_up(url: str, rights: list[Right], folder: Path) -> Respected:
    """Brings a restored ledger to the newest version, and to what persons asked for since."""
    ledger = open_ledger(url)
    try:
        migrate(ledger)
        done = [respect(ledger, rights, "leadscoring (restored)"), KeptRights(folder).follow(ledger)]
        return Respected(*map(sum, zip(*done, strict=True)))
    finally:
        ledger.close()


def check_copy(copy: Path) -> None:
    """Raises ``LedgerUnusable`` if a file is no backup of a ledger, or damaged. The file is only read."""
    try:
        with closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            (sound,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            connection.execute(f"SELECT * FROM {VERSION_TABLE}").close()  # noqa: S608  # the name is ours
    except sqlite3.Error as failure:
        sound = str(failure)
    if sound != "ok":
        raise LedgerUnusable(str(copy), f"it is no backup of a ledger: {sound}")


@contextmanager
def unused(ledger: Ledger, folder: Path) -> Iterator[None]:
    """Keeps a service from using the ledger while the context is open. Raises ``LedgerUnusable`` if one does."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK).open("wb") as file:
        if not locked(file.fileno()):
            raise LedgerUnusable(ledger.name, f"a service uses it (by {folder / LOCK}): stop that first")
        yield
        fcntl.flock(file, fcntl.LOCK_UN)


def set_aside(path: Path) -> Path | None:
    """Renames the files of a ledger; returns the new name, ``None`` if there was none."""
    if not path.exists() or not path.stat().st_size:
        return None
    before = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    for end in ("", *BESIDE):
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(before.with_name(before.name + end))
    return before


def sync(path: Path) -> None:
    """Writes a file to the disk. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The schema of the ledger: made, brought to the newest version, and checked."""

from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from leadscoring.errors import LedgerUnusable
from leadscoring.ledger.database import Ledger

VERSION_TABLE = "ledger_version"

ONE_AT_A_TIME = 7_305_808_872
"""The advisory lock of PostgreSQL under which the schema changes. The number is arbitrary."""


class Version(NamedTuple):
    """The version of a ledger's schema, ``None`` for an empty database, and the newest of this package."""

    here: str | None
    newest: str


def migrate(ledger: Ledger) -> Version:
    """Makes the tables of an empty ledger, or brings those of an older one to the newest version.

    Returns the version that was there before. Of several that migrate at once, one does it and the others wait. Raises
    ``LedgerUnavailable``, or ``LedgerUnusable`` if a later version of this package made the tables.
    """
    with ledger.writing(patience=None) as connection:  # an index of a large table takes its time
        if not ledger.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ONE_AT_A_TIME})
        before = version_at(connection, ledger)
        if before.here != before.newest:
            config = configuration()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return before


def version_of(ledger: Ledger) -> Version:
    """Returns the version of a ledger's schema. Raises as ``migrate`` does."""
    with ledger.reading() as connection:
        return version_at(connection, ledger)


def version_at(connection: Connection, ledger: Ledger) -> Version:
    """Reads the version of the schema. Raises ``LedgerUnusable`` if this version of the package does not know it."""
    script = ScriptDirectory.from_config(configuration())
    here = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    known = {step.revision for step in script.walk_revisions()}
    newest = script.get_current_head()
    assert newest is not None  # noqa: S101  # there is at least the first step
    if here is not None and here not in known:
        raise LedgerUnusable(
            ledger.name, f"its tables have version {here}, this version of leadscoring knows {newest}: update it"
        )
    return Version(here, newest)


def configuration() -> Config:
    """Returns alembic's configuration: the steps are in this package."""
    config = Config()
    config.set_main_option("script_location", "leadscoring.ledger:migrations")
    return config

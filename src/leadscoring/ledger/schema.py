"""The schema of the ledger: made, brought to the newest version, and checked."""

from leadscoring.ledger.database import Ledger
from leadscoring.ledger.tables import metadata


def migrate(ledger: Ledger) -> None:
    """Makes the tables of an empty ledger, or brings those of an older one to this version.

    Raises ``LedgerUnavailable``.
    """
    with ledger.writing() as connection:
        metadata.create_all(connection)

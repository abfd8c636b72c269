"""Whether LEDGER_KEY_FILE belongs to a ledger: with another secret, no lead would be found again."""

from sqlalchemy import select

from leadscoring.errors import LedgerUnusable
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.known_key import CHECKED
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.outcomes import unless_there
from leadscoring.ledger.tables import key_check


def check_keys(ledger: Ledger, keys: LeadKeys) -> None:
    """Refuses keys by another secret than that of the ledger; the first secret that a ledger meets is its own.

    Raises ``LedgerUnusable``, or ``LedgerUnavailable`` if the ledger has no tables yet or cannot be reached.
    """
    mine = keys.key(CHECKED)
    with ledger.reading() as connection:
        kept = connection.scalar(select(key_check.c.value))
    if kept is None:
        with ledger.writing() as connection:
            connection.execute(
                unless_there(connection, key_check, [{key_check.c.number.name: 1, key_check.c.value.name: mine}])
            )
            kept = connection.scalar(select(key_check.c.value))
    if kept != mine:
        raise LedgerUnusable(
            ledger.name,
            "LEDGER_KEY_FILE holds another secret than that of this ledger, so that no lead would be found: use the "
            "file that belongs to it, as from a backup (or another LEDGER, to begin anew)",
        )

"""Erasures as workers know them: a file with the moment of the latest, without a database.

Whoever erases a lead writes it, and so does the keeper, for erasures by other instances. A worker that sees it change
ends its segment, so that the keeper moves and removes the file with the bytes of the lead.
"""

from pathlib import Path

from sqlalchemy import func, select

from leadscoring.ledger.database import Ledger
from leadscoring.ledger.objections import replace_keys
from leadscoring.ledger.tables import erased
from leadscoring.ledger.tape import ERASED


def latest_erasure(ledger: Ledger) -> int:
    """Returns the moment of the latest erasure, 0 for none. Raises ``LedgerUnavailable``."""
    with ledger.reading() as connection:
        return connection.scalar(select(func.max(erased.c.at))) or 0


def publish_erasures(ledger: Ledger, folder: Path) -> int:
    """Writes the moment of the latest erasure to the file that workers follow, if there is one; returns it."""
    latest = latest_erasure(ledger)
    if latest:
        replace_keys(folder / ERASED, b"%d" % latest)
    return latest

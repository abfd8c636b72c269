"""Each database has its store."""

from leadscoring.ledger.database import Ledger
from leadscoring.ledger.sqlite_store import SqliteStore
from leadscoring.ledger.stores import store_of


def test_the_store_is_that_of_the_database(ledger: Ledger) -> None:
    """Both do the same, as tests/ledger/test_keeper.py holds."""
    with ledger.writing() as connection:
        assert isinstance(store_of(ledger, connection), SqliteStore) == ledger.is_sqlite

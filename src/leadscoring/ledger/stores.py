"""Which store belongs to the database of a ledger."""

from sqlalchemy import Connection

from leadscoring.ledger.database import Ledger
from leadscoring.ledger.sqlite_store import SqliteStore
from leadscoring.ledger.store import Store


def store_of(ledger: Ledger, connection: Connection) -> Store:
    """Returns the store for the transaction of a connection; psycopg is imported where it is needed."""
    driver = connection.connection.driver_connection
    if ledger.is_sqlite:
        return SqliteStore(driver)  # type: ignore[arg-type]  # as the ledger says
    from leadscoring.ledger.postgresql_store import PostgresqlStore

    return PostgresqlStore(driver)  # type: ignore[arg-type]  # as the ledger says

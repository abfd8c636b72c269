"""A PostgreSQL that hangs keeps its connections open; nobody waits for it without end."""

import postgresql
import pytest
from sqlalchemy import text

from leadscoring.errors import LedgerUnavailable
from leadscoring.ledger.database import Ledger, open_ledger


@pytest.fixture
def fleet(cluster: postgresql.Cluster) -> Ledger:
    """A ledger in PostgreSQL."""
    return open_ledger(f"{cluster.url()}?connect_timeout=2")


def test_a_statement_that_takes_too_long_ends_its_connection(fleet: Ledger) -> None:
    """The next one gets a new connection."""
    with pytest.raises(LedgerUnavailable, match=r"has not responded for 0\.2 s"), fleet.writing(0.2) as connection:
        connection.execute(text("SELECT pg_sleep(60)"))
    with fleet.writing() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    fleet.close()


def test_a_statement_may_take_as_long_as_it_is_given(fleet: Ledger) -> None:
    """Patience is that of each statement, not of the transaction."""
    for patience in (None, 30.0):
        with fleet.writing(patience) as connection:
            for _ in range(3):
                connection.execute(text("SELECT pg_sleep(0.15)"))
    fleet.close()


def test_a_server_that_hangs_is_noticed(
    fleet: Ledger, cluster: postgresql.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a transaction, by a connection from the pool, and by a new one; afterwards all is well."""
    monkeypatch.setattr("leadscoring.ledger.database.PING_SECONDS", 0.2)
    with fleet.reading() as connection:
        connection.execute(text("SELECT 1"))
    with pytest.raises(LedgerUnavailable, match="not responded"), fleet.writing(0.2) as connection:  # noqa: PT012  # what hangs is begun
        connection.execute(text("SELECT 1"))
        cluster.pause()
        connection.execute(text("SELECT 2"))
    try:
        with pytest.raises(LedgerUnavailable), fleet.reading():
            pass
    finally:
        cluster.resume()
    with fleet.reading() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    fleet.close()

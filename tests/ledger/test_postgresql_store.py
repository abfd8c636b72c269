"""In PostgreSQL scores are in one partition a month, and erasures wait for the keeper."""

from collections.abc import Iterator
from datetime import UTC, datetime

import postgresql
import pytest
from sqlalchemy import func, insert, inspect, select, table, text

from leadscoring.errors import LedgerUnavailable
from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.folding import Folded, Kept
from leadscoring.ledger.schema import migrate
from leadscoring.ledger.stores import store_of
from leadscoring.ledger.tables import erased, score


@pytest.fixture
def fleet(cluster: postgresql.Cluster) -> Iterator[Ledger]:
    """An empty ledger in PostgreSQL."""
    ledger = open_ledger(cluster.url())
    migrate(ledger)
    yield ledger
    ledger.close()


def microseconds(*date: int) -> int:
    """A moment."""
    return int(datetime(*date, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type, misc]  # mypy fears a tzinfo


def store(ledger: Ledger, moments: list[int]) -> None:
    """Stores scores of these moments."""
    made = [Kept(0, None, at, at, 1, None, 1, 0.5, 0.6, "B", b"", None, None, 0) for at in moments]
    with ledger.writing() as connection:
        keeper = store_of(ledger, connection)
        keeper.take_turn()
        keeper.store(Folded(made, [], []))


def test_each_month_has_its_partition(fleet: Ledger) -> None:
    """From its first moment to its last, also over the end of a year."""
    moments = [microseconds(2025, 12, 31, 23, 59, 59), microseconds(2026, 1, 1), microseconds(2026, 2, 28)]
    store(fleet, moments)
    store(fleet, moments)
    with fleet.reading() as connection:
        names = inspect(connection).get_table_names()
        found = {
            name: connection.execute(select(func.count()).select_from(table(name))).scalar_one()
            for name in names
            if name.startswith("score_")
        }  # the names are ours
    assert found == {"score_else": 0, "score_2025_12": 2, "score_2026_01": 2, "score_2026_02": 2}


def test_scores_of_a_month_that_begins_elsewhere_stay_together(fleet: Ledger) -> None:
    """As those that another program has inserted."""
    at = microseconds(2026, 3, 1)
    row = {"first_at": at, "last_at": at, "times": 1, "model": 1, "margin": 0.0, "probability": 0.5, "tier": "C"}
    with fleet.writing() as connection:
        connection.execute(insert(score).values(**row, row=b"", flags=0))
    store(fleet, [at])
    with fleet.reading() as connection:
        assert len(connection.execute(select(score.c.number)).all()) == 2


def test_an_erasure_waits_for_the_keepers_transaction(fleet: Ledger) -> None:
    """Else it could miss scores that the keeper is storing."""
    with fleet.writing() as keepers:
        store_of(fleet, keepers).take_turn()
        with pytest.raises(LedgerUnavailable, match="lock timeout"), fleet.writing() as connection:  # noqa: PT012  # two statements
            connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
            connection.execute(insert(erased).values(key=b"a" * 16, at=1))
    with fleet.writing() as connection:
        connection.execute(insert(erased).values(key=b"a" * 16, at=1))

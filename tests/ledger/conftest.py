"""A ledger in each of its databases."""

from collections.abc import Iterator
from pathlib import Path

import postgresql
import pytest

from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.schema import migrate


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgresql.Cluster]:
    """A PostgreSQL for the tests of this folder."""
    with postgresql.cluster() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables, in SQLite and in PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger/ledger.db"
    made: postgresql.Cluster = request.getfixturevalue("cluster")
    return made.url()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """An empty ledger."""
    ledger = open_ledger(url)
    migrate(ledger)
    yield ledger
    ledger.close()

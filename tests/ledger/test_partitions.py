"""Partitions of months are there before the first score, and are dropped when retention has emptied them."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import postgresql
import pytest
from sqlalchemy import inspect, select

from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.folding import Folded, Kept
from leadscoring.ledger.partitions import PREFIX, after, month_of, months_of
from leadscoring.ledger.retention import DAY_MICROSECONDS, retain
from leadscoring.ledger.schema import migrate
from leadscoring.ledger.stores import store_of
from leadscoring.ledger.tables import score

NOW = time.time_ns() // 1000
THIS = month_of(NOW)
ALWAYS = {f"{PREFIX}else", f"{PREFIX}{THIS:%Y_%m}", f"{PREFIX}{after(THIS):%Y_%m}"}


@pytest.fixture
def fleet(cluster: postgresql.Cluster) -> Iterator[Ledger]:
    """An empty ledger in PostgreSQL."""
    ledger = open_ledger(cluster.url())
    migrate(ledger)
    yield ledger
    ledger.close()


def store(ledger: Ledger, *moments: int) -> None:
    """Stores scores of these moments as the keeper does."""
    made = [Kept(0, None, at, at, 1, None, 1, 0.5, 0.6, "B", b"", None, None, 0) for at in moments]
    with ledger.writing() as connection:
        keeper = store_of(ledger, connection)
        keeper.take_turn()
        keeper.store(Folded(made, [], []))


def partitions(ledger: Ledger) -> set[str]:
    """The names of the partitions."""
    with ledger.reading() as connection:
        return {name for name in inspect(connection).get_table_names() if name.startswith(PREFIX)}


def scores(ledger: Ledger) -> list[int]:
    """The moments of the scores."""
    with ledger.reading() as connection:
        return sorted(connection.execute(select(score.c.first_at)).scalars())


def test_the_next_month_is_there_before_its_first_score(fleet: Ledger) -> None:
    """Made by retention, every hour; so is the current one."""
    retain(fleet, 730)
    assert partitions(fleet) == ALWAYS


def test_months_that_retention_has_emptied_are_dropped(fleet: Ledger) -> None:
    """Those of kept scores stay, and empty months that are not over."""
    old, kept = (NOW - days * DAY_MICROSECONDS for days in (400, 200))
    store(fleet, old, kept)
    assert f"{PREFIX}{month_of(old):%Y_%m}" in partitions(fleet)
    assert retain(fleet, 300) == 1
    assert partitions(fleet) == ALWAYS | {f"{PREFIX}{month_of(kept):%Y_%m}"}
    assert scores(fleet) == [kept]


def test_scores_from_a_clock_far_ahead_make_no_partitions(fleet: Ledger) -> None:
    """They are kept, in the partition of everything else; else each could make one."""
    ahead = [NOW + days * DAY_MICROSECONDS for days in (100, 1000, 20_000)]
    store(fleet, *ahead)
    retain(fleet, 730)
    assert partitions(fleet) == ALWAYS
    assert scores(fleet) == ahead


def test_who_reads_for_long_keeps_partitions_and_nobody_waits_for_him(
    fleet: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retention goes on without them; the next hour drops them."""
    monkeypatch.setattr("leadscoring.ledger.partitions.LOCK_SECONDS", 1)
    retain(fleet, 730)
    old = NOW - 800 * DAY_MICROSECONDS
    store(fleet, old)
    with fleet.reading() as reader:
        reader.execute(select(score.c.number)).all()
        working = threading.Thread(target=retain, args=(fleet, 730))
        working.start()
        working.join(60)
        assert not working.is_alive()
        assert f"{PREFIX}{month_of(old):%Y_%m}" in partitions(fleet)
    retain(fleet, 730)
    assert partitions(fleet) == ALWAYS


def test_a_clock_ahead_of_the_databases_deletes_nothing_recent(fleet: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both clocks the earlier counts."""
    store(fleet, NOW)
    monkeypatch.setattr("leadscoring.ledger.retention.time.time_ns", lambda: (NOW + 3000 * DAY_MICROSECONDS) * 1000)
    assert retain(fleet, 730) == 0
    assert scores(fleet) == [NOW]


def test_months_are_those_of_utc() -> None:
    """Wherever the server is, and over the end of a year."""
    new_year = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    assert month_of(new_year - 1) == datetime(2025, 12, 1, tzinfo=UTC)
    assert month_of(new_year) == datetime(2026, 1, 1, tzinfo=UTC)
    assert after(month_of(new_year - 1)) == datetime(2026, 1, 1, tzinfo=UTC)


def test_only_months_until_the_next_one_have_partitions() -> None:
    """Whatever moment a broken clock gives."""
    now = int(datetime(2026, 11, 30, tzinfo=UTC).timestamp()) * 1_000_000
    december, january = (
        int(day.timestamp()) * 1_000_000
        for day in (datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    )
    assert months_of([0, december, january, 2**63 - 1], now) == [
        datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC),
    ]  # fmt: skip

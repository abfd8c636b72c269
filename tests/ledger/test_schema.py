"""The schema of a ledger is made and brought to the newest version, once."""

import threading
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

from leadscoring.errors import LedgerUnavailable, LedgerUnusable
from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.schema import VERSION_TABLE, migrate, version_of
from leadscoring.ledger.tables import metadata, score


def test_a_ledger_without_tables_says_what_makes_them(url: str) -> None:
    """Whoever asks before the first start of the service."""
    ledger = open_ledger(url)
    with pytest.raises(LedgerUnavailable, match=r"no tables yet.*ledger migrate"), ledger.reading() as connection:
        connection.execute(select(score))
    ledger.close()


def test_the_steps_make_the_tables_that_the_source_names(ledger: Ledger) -> None:
    """Every table, column, type, index and constraint, in both databases; the comments are for readers of the source."""

    def ours(_object: Any, name: str | None, kind: str, *_others: Any) -> bool:
        return not (kind == "table" and str(name).startswith("score_"))  # the partitions

    with ledger.reading() as connection:
        options = {"version_table": VERSION_TABLE, "include_object": ours, "compare_type": True}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        assert [one for one in found if not (isinstance(one, list) and one[0][0] == "modify_comment")] == []
        keys = {name: inspect(connection).get_pk_constraint(name)["constrained_columns"] for name in metadata.tables}
    expected = {name: list(table.primary_key.columns.keys()) for name, table in metadata.tables.items()}
    assert keys == expected | ({} if ledger.is_sqlite else {"score": ["number", "first_at"]})


def test_an_empty_database_gets_the_newest_version_and_stays_there(url: str) -> None:
    """The second time does nothing."""
    ledger = open_ledger(url)
    assert version_of(ledger).here is None
    before = migrate(ledger)
    assert before.here is None
    assert version_of(ledger) == (before.newest, before.newest)
    assert migrate(ledger) == (before.newest, before.newest)
    ledger.close()


def test_one_of_several_that_start_at_once_makes_the_tables(url: str) -> None:
    """The others wait for it, and find them made."""
    found, start = [], threading.Barrier(4)

    def begin() -> None:
        ledger = open_ledger(url)
        start.wait()
        found.append(migrate(ledger).here)
        ledger.close()

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(here) for here in found) == ["1", "1", "1", "None"]


def test_a_step_that_fails_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tables are made in one transaction."""
    from alembic.operations import Operations

    monkeypatch.setattr(Operations, "create_index", lambda *_a, **_k: 1 / 0)
    ledger = open_ledger(url)
    with pytest.raises(ZeroDivisionError):
        migrate(ledger)
    with ledger.reading() as connection:
        assert inspect(connection).get_table_names() == []
    ledger.close()


def test_tables_of_a_later_version_are_left_alone(ledger: Ledger) -> None:
    """The error says which version is there, and what to do."""
    with ledger.writing() as connection:
        connection.execute(text("UPDATE ledger_version SET version_num = '999'"))
    with pytest.raises(LedgerUnusable, match=r"version 999, .* knows 1: update"):
        migrate(ledger)

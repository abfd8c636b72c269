"""A ledger is opened in SQLite or PostgreSQL, and is read and written in transactions."""

import shutil
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from leadscoring.errors import LedgerUnavailable, LedgerUnusable
from leadscoring.ledger import database
from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.schema import migrate
from leadscoring.ledger.tables import act

ACT = {"at": 1, "actor": "test", "act": "add"}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger in SQLite."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/folder/ledger.db")
    migrate(ledger)
    return ledger


def acts(ledger: Ledger) -> int:
    """How many acts there are."""
    with ledger.reading() as connection:
        return connection.execute(select(func.count()).select_from(act)).scalar_one()


def test_the_file_and_its_folder_are_for_their_owner(ledger: Ledger, tmp_path: Path) -> None:
    """Rows of leads are personal data: also in the files that SQLite keeps beside its own."""
    with ledger.writing() as connection:
        connection.execute(insert(act).values(ACT))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "folder").iterdir()}
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700


def test_a_transaction_that_fails_changes_nothing(ledger: Ledger) -> None:
    """What is written is there as a whole or not at all."""
    with pytest.raises(KeyError), ledger.writing() as connection:  # noqa: PT012  # the change and its failure
        connection.execute(insert(act).values(ACT))
        raise KeyError
    assert acts(ledger) == 0
    with ledger.writing() as connection:
        connection.execute(insert(act).values(ACT))
    assert acts(ledger) == 1


def test_a_reader_sees_one_state(ledger: Ledger) -> None:
    """What is written meanwhile appears in the next transaction."""
    with ledger.reading() as connection:
        count = select(func.count()).select_from(act)
        assert connection.execute(count).scalar_one() == 0
        with ledger.writing() as other:
            other.execute(insert(act).values(ACT))
        assert connection.execute(count).scalar_one() == 0
    assert acts(ledger) == 1


def test_writers_take_turns(ledger: Ledger) -> None:
    """Nobody loses an update, since whoever writes excludes others from its first statement."""

    def count() -> None:
        for _ in range(20):
            with ledger.writing() as connection:
                number = connection.execute(select(func.count()).select_from(act)).scalar_one()
                connection.execute(insert(act).values(ACT | {"at": number}))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.reading() as connection:
        assert sorted(connection.execute(select(act.c.at)).scalars()) == list(range(80))


def test_a_ledger_that_is_busy_for_too_long_is_unavailable(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says so, and that a later attempt may succeed."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    with ledger.writing(), pytest.raises(LedgerUnavailable, match="locked") as caught, ledger.writing():
        pass
    assert caught.value.retry_after > 0
    assert acts(ledger) == 0


def test_sqlite_erases_and_survives_power_cuts(ledger: Ledger) -> None:
    """The pragmas that these need hold on every connection."""
    with ledger.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "secure_delete", "synchronous", "temp_store", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "secure_delete": 1, "synchronous": 2, "temp_store": 2, "busy_timeout": 5000}


def test_sqlite_on_a_network_share_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its locks do not work there; the error says what does."""
    monkeypatch.setattr(database, "network_share", lambda _path: "nfs4")
    with pytest.raises(LedgerUnusable, match=r"network share \(nfs4\).*postgresql://"):
        open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql://me:secret@host/db", "nonsense:secret", "sqlite://", "sqlite:///:memory:", ""])
def test_another_kind_of_address_is_refused(url: str) -> None:
    """The error does not repeat the password."""
    with pytest.raises(LedgerUnusable) as caught:
        open_ledger(url)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_unusable(tmp_path: Path) -> None:
    """It is not overwritten."""
    file = tmp_path / "ledger.db"
    file.write_bytes(b"something else entirely" * 100)
    with pytest.raises(LedgerUnusable, match="not a database"):
        migrate(open_ledger(f"sqlite:///{file}"))
    assert file.read_bytes() == b"something else entirely" * 100


def test_a_database_that_is_down_is_unavailable() -> None:
    """The error names the address without its password."""
    ledger = open_ledger("postgres://me:secret@127.0.0.1:1/db")
    with pytest.raises(LedgerUnavailable, match=r"me:\*\*\*@127.0.0.1") as caught:
        migrate(ledger)
    assert "secret" not in str(caught.value)


def test_a_file_that_was_replaced_or_deleted_is_unavailable(ledger: Ledger, tmp_path: Path) -> None:
    """What is written to a file without a name would be lost; put back, it is used again."""
    path = tmp_path / "folder" / "ledger.db"
    with ledger.writing() as connection:
        connection.execute(insert(act).values(ACT))
    aside = path.rename(tmp_path / "aside.db")
    with pytest.raises(LedgerUnavailable, match="replaced or deleted"), ledger.writing():
        raise AssertionError
    assert not path.exists()
    shutil.copyfile(aside, path)
    with pytest.raises(LedgerUnavailable, match="replaced or deleted"), ledger.reading():
        raise AssertionError
    with pytest.raises(LedgerUnavailable, match="replaced or deleted"):
        ledger.settle()
    aside.rename(path)
    assert acts(ledger) == 1


def test_a_port_that_is_no_number_and_a_password_with_an_at_are_refused() -> None:
    """Neither shows any of the password."""
    for url in ("postgresql://user:SECRET@:port/name", "postgresql://user:SEC@RET/SECRET@host:5432/name"):
        with pytest.raises(LedgerUnusable) as failure:
            open_ledger(url)
        assert "RET" not in str(failure.value)


def test_what_is_written_ahead_is_settled_while_others_write(tmp_path: Path) -> None:
    """The file has it then; a transaction that writes does not keep it from that."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    with ledger.writing() as connection:
        connection.execute(text("CREATE TABLE place (name TEXT)"))
        connection.execute(text("INSERT INTO place VALUES ('a rare word')"))
    assert b"a rare word" not in (tmp_path / "ledger.db").read_bytes()
    with ledger.writing() as connection:
        connection.execute(text("INSERT INTO place VALUES ('another')"))
        ledger.settle()
        assert b"a rare word" in (tmp_path / "ledger.db").read_bytes()
    ledger.close()

"""The database of the ledger: opened, and read or written in transactions. SQLite or PostgreSQL."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, CursorResult, Engine, Select, event, exc, make_url

from leadscoring.errors import LedgerUnavailable, LedgerUnusable
from leadscoring.ledger.share import network_share
from leadscoring.settings import Settings

DEFAULT_FILE = "data/ledger.db"

BUSY_SECONDS = 5.0
"""How long a transaction waits for another that writes."""

TURN_SECONDS = 0.001
"""Pause between two attempts to begin writing: SQLite's own grow to 100 ms, in which others go first."""

PING_SECONDS = 5.0
"""How long a connection that was not used for a while may take to respond."""

WRITE_SECONDS = 60.0
"""How long a statement of a transaction that writes may take: it has few rows, and may wait for a lock."""

READ_SECONDS = 300.0
"""How long a statement that reads may take: live quality reads months of scores."""

PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 8000",  # pages: the keeper does it before, beside those who write
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",  # no row of a lead outside of the file
)

POSTGRESQL = {
    "connect_timeout": 5,
    "application_name": "leadscoring",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # a server that vanished is noticed
}
WRITES = "writes"

REPLACED = "its file was replaced or deleted while it was open: put it back, or restart what has it open"

NO_TABLES = "it has no tables yet: the service makes them when it starts, as `leadscoring ledger migrate` does"


def ledger_url(settings: Settings) -> str | None:
    """Returns the URL of the ledger that LEDGER names, ``None`` if it is off."""
    return f"sqlite:///{DEFAULT_FILE}" if settings.ledger == "on" else settings.ledger or None


class Ledger:
    """An open ledger. Safe to use in several threads; a process that forks opens its own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.url.set(drivername=engine.dialect.name).render_as_string(hide_password=True)
        """The address without its password."""
        self.is_sqlite = engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yields a connection that reads one state of the ledger. Raises ``LedgerUnavailable``."""
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.reported(), self.engine.connect() as connection:
            connection.execution_options(**options)
            self._wait_for(connection, READ_SECONDS)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, patience: float | None = WRITE_SECONDS) -> Iterator[Connection]:
        """Yields a connection whose changes are on disk when the context ends, or are undone if it raises.

        ``patience`` is the time in seconds that a statement may take in PostgreSQL, without end if it is ``None``.
        Raises ``LedgerUnavailable``.
        """
        with self.reported(), self.engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            self._wait_for(connection, patience)
            with connection.begin():
                yield connection

    def _wait_for(self, connection: Connection, seconds: float | None) -> None:
        """Sets how long statements may take; SQLite gives up by itself."""
        if not self.is_sqlite:
            connection.connection.driver_connection.patience = seconds  # type: ignore[union-attr]  # it is ours

    def refuses(self, failure: BaseException) -> bool:
        """Whether an error says that the database cannot hold a value, as an integer that is too large for it."""
        return isinstance(
            failure, (exc.DataError, self.engine.dialect.loaded_dbapi.DataError, OverflowError, UnicodeError)
        )

    def checkpoint(self) -> None:
        """Empties the log that SQLite writes ahead, in which deleted rows are still to be found.

        Does nothing in PostgreSQL. Raises ``LedgerUnavailable`` if others read an older state for too long.
        """
        if not self.is_sqlite:
            return
        with self.reported(), closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            (busy, _, _) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if busy:
                raise LedgerUnavailable(self.name, "its log cannot be emptied while others read")

    def settle(self) -> None:
        """Moves what SQLite has written ahead into its file, as far as nobody has to wait; called every second.

        Else whoever commits at the wrong moment does it, and an outcome would take as long.
        """
        if self.is_sqlite:
            with self.reported(), closing(self.engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Raises what a database reports in the context as ``LedgerUnavailable`` or ``LedgerUnusable``."""
        dbapi = self.engine.dialect.loaded_dbapi
        try:
            yield
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, dbapi.OperationalError) as failure:
            raise LedgerUnavailable(self.name, reason_of(failure)) from failure
        except (exc.DatabaseError, dbapi.DatabaseError) as failure:
            if "UndefinedTable" in type(getattr(failure, "orig", failure)).__name__:
                raise LedgerUnavailable(self.name, NO_TABLES) from failure
            if "not a database" in str(failure) or "malformed" in str(failure):
                raise LedgerUnusable(self.name, reason_of(failure)) from failure
            raise


@contextmanager
def streamed(connection: Connection, statement: Select[Any], at_once: int) -> Iterator[CursorResult[Any]]:
    """Yields the rows of a statement while they are read, ``at_once`` of them in memory.

    The cursor is closed also where the reader raises: PostgreSQL has it open on its side.
    """
    options = {"stream_results": True, "yield_per": at_once}
    with connection.execute(statement, execution_options=options) as rows:
        yield rows


def open_ledger(url: str) -> Ledger:
    """Opens the ledger at a URL: ``sqlite:///FILE`` or ``postgresql://…``. Connects when it is first used.

    Creates the file of SQLite and its folder, for their owner alone. Raises ``LedgerUnusable`` if the URL is of no
    such database, if the file is on a network share, or if the extra ``postgres`` is not installed.
    """
    parsed = parsed_url(url)
    return Ledger(open_sqlite(parsed) if parsed.get_backend_name() == "sqlite" else open_postgresql(parsed))


def parsed_url(url: str) -> URL:
    """Parses the URL of a ledger. Raises ``LedgerUnusable``, without the URL's password."""
    kind = url.partition(":")[0].partition("+")[0]
    try:
        parsed = make_url("postgresql" + url[len("postgres") :] if kind == "postgres" else url)
    except (exc.ArgumentError, ValueError):  # a port that is no number
        raise LedgerUnusable(f"{kind[:20]}:…", "LEDGER must be `on`, sqlite:///FILE or postgresql://…") from None
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        hidden = parsed.render_as_string(hide_password=True)
        raise LedgerUnusable(hidden, "LEDGER must be `on`, sqlite:///FILE or postgresql://…")
    if parsed.get_backend_name() == "postgresql" and "@" in (parsed.database or ""):  # the rest of a password
        raise LedgerUnusable("postgresql:…", "its user or password has a /, ? or @, which must be percent-encoded")
    return parsed


def open_sqlite(url: URL) -> Engine:
    """Opens SQLite. Raises ``LedgerUnusable`` if its file is on a network share, or cannot be made."""
    name = url.render_as_string()
    if not url.database or url.database == ":memory:":
        raise LedgerUnusable(name, "a ledger needs a file, as in sqlite:///data/ledger.db")
    path = Path(url.database)
    if kind := network_share(path):
        raise LedgerUnusable(
            name, f"the file is on a network share ({kind}), where SQLite loses data: use LEDGER=postgresql://…"
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        opened = identity(path)
    except OSError as failure:
        raise LedgerUnusable(name, f"its file cannot be opened: {failure.strerror}") from None
    engine = sqlalchemy.create_engine(url)
    unchanged = partial(check_file, path, opened)
    event.listen(engine, "do_connect", unchanged)  # else SQLite would make an empty one
    event.listen(engine, "connect", prepare)
    event.listen(engine, "checkout", unchanged)
    event.listen(engine, "begin", begin)
    return engine


def identity(path: Path) -> tuple[int, int]:
    """Returns what distinguishes a file from others that had or get its name. Raises ``OSError``."""
    found = path.stat()
    return found.st_dev, found.st_ino


def check_file(path: Path, opened: tuple[int, int], *_connection: Any) -> None:
    """Raises ``sqlite3.OperationalError`` if the file is not the one that was opened: what is written would be lost."""
    try:
        same = identity(path) == opened
    except OSError:
        same = False
    if not same:
        raise sqlite3.OperationalError(REPLACED)


def check_output(ledger: Ledger, path: Path) -> None:
    """Raises ``LedgerUnusable`` if a file to be written is that of the ledger."""
    own = Path(ledger.engine.url.database or "")
    if ledger.is_sqlite and path.exists() and own.exists() and path.samefile(own):
        raise LedgerUnusable(ledger.name, f"{path} is the ledger itself: name another file")


def prepare(connection: sqlite3.Connection, _record: Any) -> None:
    """Prepares a new connection of SQLite; transactions begin where we say so."""
    connection.isolation_level = None
    for pragma in PRAGMAS:
        until_done(connection, pragma)  # while one turns the log of a new file on, the others fail at once


def begin(connection: Connection) -> None:
    """Begins a transaction of SQLite: one that writes excludes others from its start, so that it need not be undone."""
    if not connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql("BEGIN")
        return
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101  # it is SQLite
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        until_done(driver, "BEGIN IMMEDIATE")
    finally:
        driver.execute(PRAGMAS[0])


def until_done(connection: sqlite3.Connection, statement: str) -> None:
    """Executes a statement, again and again while others are in its way. Raises ``sqlite3.OperationalError``."""
    gives_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(statement).close()
        except sqlite3.OperationalError as failure:
            if failure.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= gives_up:
                raise
            time.sleep(TURN_SECONDS)
        else:
            return


def open_postgresql(url: URL) -> Engine:
    """Opens PostgreSQL. Raises ``LedgerUnusable`` if the extra ``postgres`` is not installed."""
    given = {name: value for name, value in POSTGRESQL.items() if name not in url.query}
    try:
        engine = sqlalchemy.create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args=given,
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
        )
    except ModuleNotFoundError:
        name = url.render_as_string(hide_password=True)
        raise LedgerUnusable(name, "PostgreSQL needs psycopg: pip install 'leadscoring[postgres]'") from None
    event.listen(engine, "do_connect", connect)
    event.listen(engine, "checkin", shorten)
    return engine


def connect(_dialect: Any, _record: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
    """Opens a connection of ours to PostgreSQL; psycopg is imported with the first one."""
    from leadscoring.ledger.patience import PatientConnection

    made = PatientConnection.connect(*arguments, **named)
    made.patience = PING_SECONDS
    return made


def shorten(connection: Any, _record: Any) -> None:
    """Lets a connection that waits in the pool respond fast to the question whether it is still good."""
    if connection is not None:
        connection.patience = PING_SECONDS


def reason_of(failure: BaseException) -> str:
    """Returns the driver's reason in one line, without the statement and its values, which are of leads."""
    cause = failure.orig if isinstance(failure, exc.DBAPIError) and failure.orig else failure
    return NO_TABLES if "no such table" in str(cause) else " ".join(str(cause).split())[:300]

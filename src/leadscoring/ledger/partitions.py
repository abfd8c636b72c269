"""The partitions of scores in PostgreSQL: one a month, made before its first score and dropped when it is empty.

Scores of a month without a partition are in ``score_else``, where nothing is lost but the ease of dropping them. So are
those from after the next month: their clock was wrong, and each could be in a month of its own.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import psycopg
from psycopg import sql

ELSE = "score_else"
PREFIX = "score_"

LOCK_SECONDS = 2
"""How long making or dropping a partition waits for those who read scores: everybody else waits behind it."""

EMPTY = """
SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = 'score'::regclass AND child.relname <> %s ORDER BY child.relname
"""


def month_of(moment: int) -> datetime:
    """Returns the beginning of the month of a moment in microseconds, in UTC."""
    return datetime.fromtimestamp(moment // 1_000_000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def after(month: datetime) -> datetime:
    """Returns the beginning of the month that follows."""
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def months_of(moments: Iterable[int], now: int) -> list[datetime]:
    """Returns the months of moments in microseconds that may have a partition: none that is far ahead of ``now``."""
    ends_at = int(after(after(month_of(now))).timestamp()) * 1_000_000
    return sorted({month_of(moment) for moment in moments if moment < ends_at})


def make_partitions(connection: psycopg.Connection, months: Iterable[datetime]) -> None:
    """Makes the partitions of months that have none, unless scores of theirs are in the one for everything else."""
    for month in months:
        name = f"{PREFIX}{month:%Y_%m}"
        if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,):
            continue
        begin, end = (int(day.timestamp()) * 1_000_000 for day in (month, after(month)))
        stray = "SELECT 1 FROM score_else WHERE first_at >= %s AND first_at < %s LIMIT 1"
        if connection.execute(stray, (begin, end)).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE TABLE {} PARTITION OF score FOR VALUES FROM ({}) TO ({})").format(
                    sql.Identifier(name), sql.Literal(begin), sql.Literal(end)
                )
            )


def drop_empty(connection: psycopg.Connection, before: datetime) -> list[str]:
    """Drops the partitions of months before the one of ``before`` that have no score; returns their names."""
    dropped = []
    first_kept = f"{PREFIX}{before:%Y_%m}"
    for (name,) in connection.execute(EMPTY, (ELSE,)).fetchall():
        table = sql.Identifier(name)
        if name >= first_kept:
            continue
        if connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone() is None:
            connection.execute(sql.SQL("DROP TABLE {}").format(table))
            dropped.append(str(name))
    return dropped


def tend(connection: psycopg.Connection, before: int, now: int) -> list[str]:
    """Makes the partitions of this month and the next, and drops empty ones of months before that of ``before``.

    Both are moments in microseconds. Returns the names of those dropped. Raises ``psycopg.OperationalError`` if others
    read scores for too long.
    """
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{LOCK_SECONDS}s")))
    this = month_of(now)
    make_partitions(connection, (this, after(this)))
    return drop_empty(connection, month_of(before))

"""Many rows at once in PostgreSQL, by binary COPY; one partition of scores a month."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from time import time_ns

import psycopg
from psycopg import sql

from leadscoring.ledger.folding import Folded, Lead
from leadscoring.ledger.partitions import make_partitions, months_of
from leadscoring.ledger.store import SCORE

TURN = 7_305_808_873
"""The advisory lock under which keepers take turns. The number is arbitrary."""

NUMBER, MOMENT, DIGEST = "int8", "int8", "bytea"
TYPES = {
    "score": (
        NUMBER, NUMBER, MOMENT, MOMENT, "int4", MOMENT, NUMBER, "float8", "float8", "varchar", "bytea", "text", "text",
        "int2",
    ),
    "moving_keys": (DIGEST, "text"),
    "moving_stretches": (NUMBER, MOMENT, MOMENT, "int4"),
    "moving_leads": (NUMBER, NUMBER, MOMENT, DIGEST, "text"),
}  # fmt: skip
"""The types of what is copied, in the order of the columns."""

TABLES = (
    "moving_keys (key bytea, name text)",
    "moving_stretches (number int8, first_at int8, last_at int8, times int4)",
    "moving_leads (number int8, score int8, first_at int8, digest bytea, name text)",
)
"""The temporary tables of a connection, empty at the end of each transaction."""

PREPARE = "; ".join(
    (
        "SET LOCAL client_min_messages = warning",
        *(f"SET LOCAL enable_{way} = off" for way in ("hashjoin", "mergejoin")),
        "SET LOCAL jit = off",
        *(f"CREATE TEMP TABLE IF NOT EXISTS {table} ON COMMIT DELETE ROWS" for table in TABLES),
    )
)
"""Temporary tables have no statistics: without these settings the whole of ``lead`` may be read to find a few."""

NEW = """
INSERT INTO lead (key, name) SELECT key, name FROM moving_keys
WHERE NOT EXISTS (SELECT 1 FROM lead WHERE lead.key = moving_keys.key) ORDER BY key ON CONFLICT (key) DO NOTHING
"""
KNOWN = """
SELECT moving_keys.key, lead.number, last_score, last_first_at, last_at, last_row, lead.name
FROM moving_keys JOIN lead ON lead.key = moving_keys.key
LEFT JOIN score ON score.number = last_score AND score.first_at = last_first_at
ORDER BY moving_keys.key FOR NO KEY UPDATE OF lead
"""
STRETCH = """
UPDATE score SET last_at = greatest(score.last_at, moving.last_at), times = score.times + moving.times
FROM moving_stretches AS moving WHERE score.number = moving.number AND score.first_at = moving.first_at
"""
LAST = """
UPDATE lead SET last_score = moving.score, last_first_at = moving.first_at, last_row = moving.digest,
name = coalesce(moving.name, lead.name) FROM moving_leads AS moving WHERE lead.number = moving.number
"""
MOVED = "INSERT INTO segment VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET moved_to = excluded.moved_to"

fields = attrgetter(*SCORE)


class PostgresqlStore:
    """One transaction of the keeper in PostgreSQL; workers that record outcomes go on meanwhile."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def take_turn(self) -> None:
        """Waits for other keepers, and for erasures that are not complete: none begins before this one's end."""
        run = self._connection.execute
        run("SELECT pg_advisory_xact_lock(%s)", (TURN,))
        run("LOCK TABLE erased IN SHARE MODE")
        run(PREPARE.encode())

    def erased(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Returns those of the keys that were erased, and when."""
        if self._connection.execute("SELECT 1 FROM erased LIMIT 1").fetchone() is None:
            return {}
        found = self._connection.execute("SELECT key, at FROM erased WHERE key = ANY(%s)", (list(keys),), binary=True)
        return dict(found.fetchall())

    def leads(self, names: Mapping[bytes, str | None]) -> dict[bytes, Lead]:
        """Returns the leads with these keys, with their last score; makes those that are new, with their names."""
        self._copy("moving_keys", ("key", "name"), names.items())
        self._connection.execute(NEW)
        return {
            key: Lead(number, score, first_at or 0, -1 if last_at is None else last_at, digest, name)
            for key, number, score, first_at, last_at, digest, name in self._connection.execute(KNOWN, binary=True)
        }

    def store(self, folded: Folded) -> None:
        """Stores folded scores; gives each new one its number."""
        make_partitions(self._connection, months_of((one.first_at for one in folded.scores), time_ns() // 1000))
        numbers = self._connection.execute(
            "SELECT nextval(pg_get_serial_sequence('score', 'number')) FROM generate_series(1, %s)",
            (len(folded.scores),),
            binary=True,
        )
        for score, (number,) in zip(folded.scores, numbers, strict=True):
            score.number = number
        self._copy("score", SCORE, map(fields, folded.scores))
        if folded.stretches:
            self._copy("moving_stretches", ("number", "first_at", "last_at", "times"), folded.stretches)
            self._connection.execute(STRETCH)
        last = [(one.number, one.fresh.number, one.first_at, one.digest, one.name) for one in folded.leads if one.fresh]
        self._copy("moving_leads", ("number", "score", "first_at", "digest", "name"), last)
        self._connection.execute(LAST)

    def moved(self, places: Sequence[tuple[str, int]]) -> None:
        """Stores to where segments are moved."""
        with self._connection.cursor() as cursor:
            cursor.executemany(MOVED, places)

    def _copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(TYPES[table])
            for row in rows:
                copy.write_row(row)

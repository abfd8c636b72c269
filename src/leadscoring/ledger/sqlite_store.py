"""Many rows at once in SQLite, by ``executemany`` of the standard library."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from leadscoring.ledger.folding import Folded, Lead
from leadscoring.ledger.store import SCORE

KEYS = "CREATE TEMP TABLE IF NOT EXISTS moving (key BLOB PRIMARY KEY) WITHOUT ROWID"
KNOWN = """
SELECT moving.key, lead.number, lead.last_score, lead.last_first_at, score.last_at, lead.last_row, lead.name
FROM moving JOIN lead ON lead.key = moving.key LEFT JOIN score ON score.number = lead.last_score
"""
INSERT_SCORES = f"INSERT INTO score ({', '.join(SCORE)}) VALUES ({', '.join('?' * len(SCORE))})"  # noqa: S608  # names are ours
STRETCH = "UPDATE score SET last_at = max(last_at, ?), times = times + ? WHERE number = ?"
LAST = "UPDATE lead SET last_score = ?, last_first_at = ?, last_row = ?, name = coalesce(?, name) WHERE number = ?"
MOVED = "INSERT INTO segment VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET moved_to = excluded.moved_to"

fields = attrgetter(*SCORE)


class SqliteStore:
    """One transaction of the keeper in SQLite; nobody else writes meanwhile."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def take_turn(self) -> None:
        """Does nothing: whoever writes to SQLite has excluded the others."""

    def erased(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Returns those of the keys that were erased, and when."""
        if self._connection.execute("SELECT 1 FROM erased LIMIT 1").fetchone() is None:
            return {}
        self._name(keys)
        found = self._connection.execute("SELECT erased.key, at FROM moving JOIN erased ON erased.key = moving.key")
        return dict(found.fetchall())

    def leads(self, names: Mapping[bytes, str | None]) -> dict[bytes, Lead]:
        """Returns the leads with these keys, with their last score; makes those that are new, with their names."""
        self._name(names)
        known = {
            key: Lead(number, score, first_at or 0, -1 if last_at is None else last_at, digest, name)
            for key, number, score, first_at, last_at, digest, name in self._connection.execute(KNOWN)
        }
        fresh = [key for key in names if key not in known]
        first = self._next("lead")
        self._connection.executemany(
            "INSERT INTO lead (number, key, name) VALUES (?, ?, ?)",
            [(number, key, names[key]) for number, key in enumerate(fresh, first)],
        )
        return known | {key: Lead(number, name=names[key]) for number, key in enumerate(fresh, first)}

    def store(self, folded: Folded) -> None:
        """Stores folded scores; gives each new one its number."""
        for number, score in enumerate(folded.scores, self._next("score")):
            score.number = number
        run = self._connection.executemany
        run(INSERT_SCORES, map(fields, folded.scores))
        run(STRETCH, [(one.last_at, one.times, one.number) for one in folded.stretches])
        run(LAST, [(lead.fresh.number, lead.first_at, lead.digest, lead.name, lead.number)
                   for lead in folded.leads if lead.fresh])  # fmt: skip

    def moved(self, places: Sequence[tuple[str, int]]) -> None:
        """Stores to where segments are moved."""
        self._connection.executemany(MOVED, places)

    def _name(self, keys: Iterable[bytes]) -> None:
        """Puts keys where a statement joins them."""
        self._connection.execute(KEYS)
        self._connection.execute("DELETE FROM moving")
        self._connection.executemany("INSERT INTO moving VALUES (?)", [(key,) for key in sorted(keys)])

    def _next(self, table: str) -> int:
        """Returns the number that the next row of a table gets."""
        (number,) = self._connection.execute(f"SELECT coalesce(max(number), 0) + 1 FROM {table}").fetchone()  # noqa: S608  # names are ours
        return int(number)

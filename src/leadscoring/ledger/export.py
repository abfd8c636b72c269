"""Exports of the ledger, for analyses elsewhere: scores, outcomes or acts, a few thousand at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, Table, select

from leadscoring.ledger.database import Ledger
from leadscoring.ledger.tables import act, lead, model, outcome, score

MOST = 5000

MOMENTS = frozenset(("first_at", "last_at", "as_of", "occurred_at", "received_at", "at"))
"""The columns that are microseconds since 1970."""

TABLES = {"scores": score, "outcomes": outcome, "acts": act}


def exported(ledger: Ledger, name: str) -> Iterator[list[dict[str, Any]]]:
    """Yields the rows of one of TABLES in the order of their numbers, with moments as ``datetime`` in UTC.

    A row has its lead's key, and the id if the ledger has it, and its model's SHA-256 in place of their numbers.
    Raises ``LedgerUnavailable``.
    """
    table, last = TABLES[name], -1
    while True:
        with ledger.reading() as connection:
            rows = connection.execute(named(table).where(table.c.number > last).order_by(table.c.number).limit(MOST))
            found = [dict(row) for row in rows.mappings()]
        if not found:
            return
        last = found[-1]["number"]
        yield [{name: moment(name, value) for name, value in row.items()} for row in found]


def named(table: Table) -> Select[Any]:
    """Returns the query of a table's rows, with leads and models by what names them outside of the ledger."""
    columns: list[Any] = [column for column in table.columns if column.name not in {"lead", "model", "before"}]
    joined: Any = table
    if "lead" in table.c:
        columns += [lead.c.key.label("lead"), lead.c.name.label("lead_id")]
        joined = joined.outerjoin(lead, lead.c.number == table.c.lead)
    for column in (name for name in ("model", "before") if name in table.c):
        other = model.alias()
        columns.append(other.c.sha256.label(column))
        joined = joined.outerjoin(other, other.c.number == table.c[column])
    return select(*columns).select_from(joined)


def moment(name: str, value: Any) -> Any:
    """Returns a cell as it is exported."""
    if name in MOMENTS and value is not None:
        return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)
    return value

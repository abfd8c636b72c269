"""What live quality reads of the ledger, and what it leaves there.

A lead counts once: by its first score, for the model that gave it. Later scores are of leads that have neither been won
nor given up, and would count those twice that take long; a month in which a lead is only scored again has no part of
it. Leads that had an outcome before their first score, or trained the model, or objected, do not count.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
)

from leadscoring.ledger.judged import Judged
from leadscoring.ledger.outcomes import current
from leadscoring.ledger.tables import act, day, lead, model, score

DAY = 86_400_000_000
"""Microseconds of a day."""

CELLS = 50
"""Leads are gathered in so many cells for one unit of log-odds, so that millions of them are few rows."""

FETCHED = 1000
"""Rows that are fetched together."""

ALL = ""
"""The group of all leads, in sums by day."""

ACT = "quality"


class Registered(msgspec.Struct, frozen=True):
    """A model of the ledger."""

    number: int
    name: str
    version: str
    sha256: str


class DaySums(msgspec.Struct, frozen=True):
    """The sums of a day, model and tier, as the table ``day`` has them."""

    day: int
    model: int
    tier: str
    leads: int
    expected: float
    variance: float
    won: int
    lost: int


def judged(connection: Connection) -> list[Judged]:
    """Returns all leads that count, in groups of equal day, model, tier, outcome, and nearly equal probability."""
    first = score.alias("first")
    cell = cast(func.round(first.c.margin * CELLS), Integer)
    keys, source, counts = counting(first)
    query = select(*keys, func.count(), func.avg(first.c.probability)).select_from(source).where(*counts)
    found = connection.execute(query.group_by(*keys, cell))
    return [one_of(row) for row in found]


def judged_rows(connection: Connection, number: int) -> Iterator[tuple[Judged, bytes]]:
    """Yields all leads that count for a model, one by one, with the row of their first score."""
    first = score.alias("first")
    keys, source, counts = counting(first)
    query = select(*keys, first.c.probability, first.c.row).select_from(source).where(*counts, first.c.model == number)
    for *facts, probability, row in connection.execute(query, execution_options={"yield_per": FETCHED}):
        yield one_of((*facts, 1, probability)), row


def counting(first: FromClause) -> tuple[list[ColumnElement[Any]], FromClause, list[ColumnElement[bool]]]:
    """Returns what finds all leads that count by their ``first`` score: day, model, tier, outcome; where; which."""
    earlier, latest = score.alias("earlier"), current().subquery("latest")
    is_first = ~exists().where(
        earlier.c.lead == first.c.lead,
        or_(
            earlier.c.first_at < first.c.first_at,
            and_(earlier.c.first_at == first.c.first_at, earlier.c.number < first.c.number),
        ),
    )
    scored = first.c.first_at // DAY
    decided = latest.c.kind.in_(("won", "lost"))
    kind = case((decided, latest.c.kind), else_="open").label("kind")
    after = case((decided, latest.c.occurred_at // DAY - scored)).label("after")
    source = (
        first.join(lead, lead.c.number == first.c.lead)
        .join(model, model.c.number == first.c.model)
        .outerjoin(latest, latest.c.lead == first.c.lead)
    )
    which = [
        is_first,
        lead.c.objected_at.is_(None),
        or_(model.c.trained_until.is_(None), first.c.first_at > model.c.trained_until),
        or_(after.is_(None), after >= 0),
    ]
    return [scored.label("scored"), first.c.model, first.c.tier, kind, after], source, which


def one_of(row: Sequence[Any]) -> Judged:
    """Returns a row of the query: day, model, tier, outcome and its delay, number of leads, probability."""
    scored, of, tier, kind, after, leads, probability = row
    return Judged(scored, of, tier, probability, leads, kind, None if after is None else int(after))


def models(connection: Connection) -> dict[int, Registered]:
    """Returns the models of the ledger by their number."""
    rows = connection.execute(select(model.c.number, model.c.name, model.c.version, model.c.sha256))
    return {row.number: Registered(*row) for row in rows}


def file_of(connection: Connection, number: int) -> bytes:
    """Returns the file of a model."""
    content: bytes = connection.execute(select(model.c.file).where(model.c.number == number)).scalar_one()
    return content


def keep_days(connection: Connection, sums: Sequence[DaySums]) -> None:
    """Writes sums by day in place of those of the same days and models; days before them stay as they are."""
    for number in {one.model for one in sums}:
        rows = [one for one in sums if one.model == number]
        first, last = min(one.day for one in rows), max(one.day for one in rows)
        within = day.c.day.between(first, last)
        connection.execute(delete(day).where(day.c.model == number, day.c.group == ALL, within))
        connection.execute(insert(day), [{**msgspec.structs.asdict(one), "group": ALL} for one in rows])


def kept_days(connection: Connection, number: int) -> list[DaySums]:
    """Returns the sums of a model by day and tier, the earliest first."""
    columns = [day.c[name] for name in DaySums.__struct_fields__]
    rows = connection.execute(
        select(*columns).where(day.c.model == number, day.c.group == ALL).order_by(day.c.day, day.c.tier)
    )
    return [DaySums(*row) for row in rows]


def keep_report(connection: Connection, at: int, actor: str, number: int | None, report: str) -> None:
    """Writes a report, as JSON, as an act of its own."""
    connection.execute(insert(act).values(at=at, actor=actor, act=ACT, model=number, report=report))


def latest_report(connection: Connection) -> tuple[int, str] | None:
    """Returns when the latest report was written, in microseconds since 1970, and the report; ``None`` without one."""
    row = connection.execute(
        select(act.c.at, act.c.report).where(act.c.act == ACT).order_by(act.c.number.desc()).limit(1)
    ).first()
    return None if row is None else (row.at, row.report)

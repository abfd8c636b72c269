"""Outcomes in the ledger: recorded once however often they are sent, never changed, and read as they count now.

The outcome with the latest ``occurred_at`` counts; of equals, the one received later. ``open`` takes back what came
before it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import groupby, pairwise
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Row, Select, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

from leadscoring.errors import LeadErased, OutcomeConflict
from leadscoring.ledger.database import Ledger, streamed
from leadscoring.ledger.lead_key import LeadKeys, plain_name
from leadscoring.ledger.outcome import Outcome, Place, now
from leadscoring.ledger.tables import erased, lead, outcome, score

AT_ONCE = 500
"""Values in one statement: SQLite allows 32,766 parameters, and older versions 999."""

Value = TypeVar("Value")


class Stored(NamedTuple):
    """An outcome with its keys: that of its lead, and the event by which it is known again."""

    key: bytes
    event: bytes
    sent: Outcome


def record(
    ledger: Ledger, keys: LeadKeys, outcomes: Sequence[Outcome], source: str, plain: bool = False
) -> list[Place | OutcomeConflict | LeadErased]:
    """Records outcomes in one transaction, which is committed on return; gives, in order, a place or an error of each.

    ``source`` is the label of the API key, or the name of the command. With ``plain`` the ids of new leads are kept,
    not only their keys. Raises ``LedgerUnavailable``; then none is recorded.
    """
    stored = [Stored(keys.key(one.lead_id), event_of(one, keys), one) for one in outcomes]
    with ledger.writing() as connection:
        return recorded(connection, stored, source, now(), plain)


def event_of(one: Outcome, keys: LeadKeys) -> bytes:
    """The event of an outcome, 32 bytes: the digest of its id, else of its lead, kind and moment."""
    if one.id is not None:  # keyed, since an id may name a person
        return blake2b(b"id\0" + keys.key("outcome\0" + one.id), digest_size=32).digest()
    content = b"%b\0%b\0%d" % (keys.key(one.lead_id), one.outcome.encode(), one.at)
    return blake2b(b"content\0" + content, digest_size=32).digest()


def recorded(
    connection: Connection, stored: Sequence[Stored], source: str, received_at: int, plain: bool
) -> list[Place | OutcomeConflict | LeadErased]:
    """Records outcomes in a transaction that its caller commits."""
    gone = erased_at(connection, {one.key for one in stored})
    kept = [one for one in stored if one.sent.at > gone.get(one.key, one.sent.at - 1)]
    first = {one.event: one for one in reversed(kept)}  # of those sent twice in one batch, the first one
    leads = leads_of(connection, {one.key: one.sent.lead_id for one in kept}, plain)
    once = [one for one in kept if first[one.event] is one]
    new = added(connection, [row_of(one, leads[one.key].number, source, received_at) for one in once])
    known = rows_with(connection, select(outcome), outcome.c.event, set(first) - new)
    held = {event: held_of(one, leads[one.key].number) for event, one in first.items()}
    held |= {row.event: Held(row.lead, row.kind, row.occurred_at, row.value) for row in known}
    fresh = {id(first[event]) for event in new}
    here = set(map(id, kept))
    return [
        answered(one, leads[one.key], None if id(one) in fresh else held[one.event])
        if id(one) in here
        else LeadErased(one.sent.lead_id)
        for one in stored
    ]


def answered(one: Stored, found: Row[Any], before: "Held | None") -> Place | OutcomeConflict:
    """The answer for one outcome; ``before`` is what was recorded of its event earlier, if anything."""
    if before is not None and (differs := differences(before, held_of(one, found.number))):
        return OutcomeConflict(one.sent.lead_id, one.sent.id, differs)
    scored = found.last_score is not None
    return Place(one.sent.lead_id, "recorded" if before is None else "repeated", scored)


class Held(NamedTuple):
    """What of a recorded outcome is compared with one that is sent again."""

    lead: int
    outcome: str
    at: int
    value: float | None


def held_of(one: Stored, number: int) -> Held:
    """What is compared of an outcome of the lead with this number."""
    return Held(number, one.sent.outcome, one.sent.at, one.sent.value)


def differences(before: Held, after: Held) -> list[str]:
    """The fields, by the names that are sent, in which two outcomes differ."""
    names = ("lead_id", *Held._fields[1:])
    return [name for name, old, new in zip(names, before, after, strict=True) if old != new]


def row_of(one: Stored, number: int, source: str, received_at: int) -> dict[str, Any]:
    """The row of an outcome."""
    sent = one.sent
    return {
        "lead": number, "kind": sent.outcome, "occurred_at": sent.at, "received_at": received_at,
        "event": one.event, "value": sent.value, "source": source,
    }  # fmt: skip


def erased_at(connection: Connection, keys: Iterable[bytes]) -> dict[bytes, int]:
    """When leads were erased, by key."""
    return {row.key: row.at for row in rows_with(connection, select(erased), erased.c.key, keys)}


def leads_of(connection: Connection, ids: Mapping[bytes, str], plain: bool) -> dict[bytes, Row[Any]]:
    """The leads with these keys; adds those that are missing, with their ids if ``plain``."""
    columns = select(lead.c.key, lead.c.number, lead.c.last_score)
    found = {row.key: row for row in rows_with(connection, columns, lead.c.key, ids)}
    missing = [{"key": key, "name": plain_name(ids[key]) if plain else None} for key in sorted(set(ids) - set(found))]
    for part in parts(missing):
        connection.execute(unless_there(connection, lead, part))
    return found | {row.key: row for row in rows_with(connection, columns, lead.c.key, set(ids) - set(found))}


def added(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[bytes]:
    """Adds the outcomes whose events are not recorded yet; returns their events.

    The database decides, so that of two callers at the same time one records an event, and the other repeats it.
    """
    new: set[bytes] = set()
    for part in parts(rows, AT_ONCE // 7):
        statement = unless_there(connection, outcome, part).returning(outcome.c.event)
        new.update(connection.scalars(statement))
    return new


def unless_there(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> Any:
    """The statement that inserts rows, except those whose unique column is there."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).values(list(rows)).on_conflict_do_nothing()


def rows_with(
    connection: Connection, statement: Select[Any], column: Any, values: Iterable[bytes]
) -> Iterator[Row[Any]]:
    """The rows of a statement in which a column has one of some values."""
    for part in parts(sorted(values)):
        yield from connection.execute(statement.where(column.in_(part)))


def parts(values: Sequence[Value], size: int = AT_ONCE) -> Iterator[Sequence[Value]]:
    """Splits values for statements of limited size."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


ORDER = (outcome.c.occurred_at.desc(), outcome.c.received_at.desc(), outcome.c.number.desc())
"""Of the outcomes of a lead, the one that counts is the first in this order."""


def current() -> Select[Any]:
    """The statement with the outcome that counts of each lead: number, lead, kind, occurred_at, received_at, value.

    A lead whose latest outcome is ``open`` is in it, with that kind: its outcome is not known.
    """
    place = func.row_number().over(partition_by=outcome.c.lead, order_by=ORDER).label("place")
    names = ("number", "lead", "kind", "occurred_at", "received_at", "value")
    ranked = select(*(outcome.c[name] for name in names), place).subquery()
    return select(*(ranked.c[name] for name in names)).where(ranked.c.place == 1)


def outcomes_of(connection: Connection, number: int) -> list[Row[Any]]:
    """All outcomes of a lead, in the order in which they occurred; the last one counts."""
    return list(reversed(connection.execute(select(outcome).where(outcome.c.lead == number).order_by(*ORDER)).all()))


def contradicts(kinds: Iterable[str]) -> bool:
    """Whether the outcomes of a lead, in their order, contain won and lost without ``open`` between them."""
    runs = [kind for kind, _ in groupby(kinds)]
    return any({"won", "lost"} == {one, other} for one, other in pairwise(runs))


class Checked(NamedTuple):
    """What the outcomes of the ledger are like."""

    outcomes: int
    leads: int
    kinds: dict[str, int]
    """Leads by the outcome that counts."""
    unmatched: int
    """Leads with outcomes that were never scored."""
    contradictions: int
    """Leads of which both won and lost were reported, without ``open`` between them."""
    early: int
    """Outcomes that occurred before the lead was first scored."""
    delays: list[float]
    """Days from the first score of each scored lead to the outcome that counts, in ascending order."""


def check(connection: Connection) -> Checked:
    """Reads all outcomes once, lead by lead, and counts what a team should know of them."""
    first = select(score.c.lead, func.min(score.c.first_at).label("at")).group_by(score.c.lead).subquery()
    order = (outcome.c.lead, outcome.c.occurred_at, outcome.c.received_at, outcome.c.number)
    statement = (
        select(outcome.c.lead, outcome.c.kind, outcome.c.occurred_at, first.c.at)
        .outerjoin(first, first.c.lead == outcome.c.lead)
        .order_by(*order)
    )
    counts = Counts()
    with streamed(connection, statement, 10_000) as found:
        for _, rows in groupby(found, key=lambda row: row.lead):
            counts.add([(row.kind, row.occurred_at, row.at) for row in rows])
    return counts.checked()


class Counts:
    """Counts the outcomes of leads."""

    def __init__(self) -> None:
        self._outcomes = self._unmatched = self._contradictions = self._early = 0
        self._kinds = dict.fromkeys(("won", "lost", "open"), 0)
        self._delays: list[float] = []

    def add(self, rows: Sequence[tuple[str, int, int | None]]) -> None:
        """Adds a lead: the kind and moment of each of its outcomes in order, and when it was first scored."""
        kind, occurred_at, first_at = rows[-1]
        self._outcomes += len(rows)
        self._kinds[kind] += 1
        self._contradictions += contradicts(kind for kind, _, _ in rows)
        if first_at is None:
            self._unmatched += 1
        elif kind != "open" and occurred_at < first_at:
            self._early += 1
        elif kind != "open":
            self._delays.append((occurred_at - first_at) / 86_400e6)

    def checked(self) -> Checked:
        """The counts."""
        leads = sum(self._kinds.values())
        counted = (self._kinds, self._unmatched, self._contradictions, self._early)
        return Checked(self._outcomes, leads, *counted, sorted(self._delays))

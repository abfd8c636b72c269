"""The rights of a person whose lead is kept: to object to scoring, to get everything, and to be erased."""

from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from leadscoring.contract.moment import written
from leadscoring.errors import LeadUnknown, LedgerUnavailable
from leadscoring.lead import LEAD_ID_LENGTH
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.history import at, lead_of
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.lead_record import Erased, Objection
from leadscoring.ledger.objections import FILE, replace_keys
from leadscoring.ledger.outcome import is_text, now
from leadscoring.ledger.outcomes import leads_of, unless_there
from leadscoring.ledger.tables import act, erased, lead, outcome, score, shadow


def put_objection(ledger: Ledger, keys: LeadKeys, lead_id: str, actor: str, plain: bool = False) -> Objection:
    """Notes that the person of a lead objects to scoring, also of a lead that the ledger does not know yet.

    Raises ``LeadUnknown`` for an id that no lead can have.
    """
    if not is_text(lead_id, LEAD_ID_LENGTH):
        raise LeadUnknown(lead_id)
    key = keys.key(lead_id)
    with ledger.writing() as connection:
        number = leads_of(connection, {key: lead_id}, plain)[key].number
        noted = update(lead).where(lead.c.number == number, lead.c.objected_at.is_(None)).values(objected_at=now())
        if connection.execute(noted).rowcount:
            note(connection, actor, "object", {"lead": number})
        return Objection(lead_id, at(lead_of(connection, key, lead_id).objected_at))


def withdraw_objection(ledger: Ledger, keys: LeadKeys, lead_id: str, actor: str) -> Objection:
    """Takes an objection back, if there is one. Raises ``LeadUnknown``."""
    key = keys.key(lead_id)
    with ledger.writing() as connection:
        found = lead_of(connection, key, lead_id)
        if found.objected_at is not None:
            connection.execute(update(lead).where(lead.c.number == found.number).values(objected_at=None))
            note(connection, actor, "withdraw", {"lead": found.number})
        return Objection(lead_id, None)


def erase(ledger: Ledger, keys: LeadKeys, lead_id: str, actor: str) -> Erased:
    """Erases all that is kept of a lead, and leaves a tombstone: its key, and the moment.

    The tombstone keeps scores that are still on tape, and those of a restored backup, from coming back. An objection
    stays, with the lead's key alone: without it, the person would be scored again. In SQLite no byte of the rows is
    left in the files; PostgreSQL frees them at its next vacuum. Raises ``LeadUnknown``.
    """
    key, erased_at = keys.key(lead_id), now()
    with ledger.writing() as connection:
        found = lead_of(connection, key, lead_id)
        # First: the keeper, which moves scores meanwhile, locks the tombstones before the rows.
        connection.execute(unless_there(connection, erased, [{"key": key, "at": erased_at}]))
        connection.execute(update(erased).where(erased.c.key == key).values(at=erased_at))
        scores = select(score.c.number).where(score.c.lead == found.number)
        connection.execute(delete(shadow).where(shadow.c.score.in_(scores)))
        counted = [
            connection.execute(delete(table).where(table.c.lead == found.number)).rowcount for table in (score, outcome)
        ]
        if not counted[0] and not counted[1] and found.objected_at is not None:
            raise LeadUnknown(lead_id)  # only an objection is there, and it stays
        this = lead.c.number == found.number
        if found.objected_at is None:
            connection.execute(delete(lead).where(this))
        else:
            connection.execute(
                update(lead).where(this).values(name=None, last_score=None, last_row=None, last_first_at=None)
            )
        note(connection, actor, "erase", {"scores": counted[0], "outcomes": counted[1]})
    scrub(ledger)
    return Erased(lead_id, counted[0], counted[1], written(erased_at))


def scrub(ledger: Ledger) -> bool:
    """Removes deleted rows from the files of SQLite, whose log holds their pages; returns whether it could.

    A reader in a long transaction is in the way; then the next erasure, or the keeper's next checkpoint, does it.
    """
    try:
        ledger.checkpoint()
    except LedgerUnavailable:
        return False
    return True


def note(connection: Connection, actor: str, what: str, report: dict[str, Any]) -> None:
    """Writes an act; it names no person, and of a lead the number alone."""
    row = {"at": now(), "actor": actor, "act": what, "report": msgspec.json.encode(report).decode()}
    connection.execute(insert(act).values(row))


def publish_objections(ledger: Ledger, folder: Path) -> bool:
    """Writes the keys of leads with an objection to the file that workers follow; returns whether it has changed."""
    with ledger.reading() as connection:
        found = connection.scalars(select(lead.c.key).where(lead.c.objected_at.is_not(None)).order_by(lead.c.key))
        return replace_keys(folder / FILE, b"".join(found))

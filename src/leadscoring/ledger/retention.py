"""Retention: what is older than LEDGER_DAYS is deleted, a little at a time."""

import threading
import time
from collections.abc import Callable, Iterator

from sqlalchemy import Connection, delete, exists, or_, select, text, update

from leadscoring.errors import LedgerUnavailable
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.stores import store_of
from leadscoring.ledger.tables import erased, lead, outcome, score, shadow
from leadscoring.telemetry.log import Log

DAY_MICROSECONDS = 86_400_000_000

MOST = 500
"""Rows in one transaction: those who record outcomes wait for it."""

log = Log("leadscoring")


def retain(ledger: Ledger, days: int, stopping: threading.Event | None = None) -> int:
    """Deletes scores that were last given more than ``days`` ago, and what only belonged to them.

    A lead goes when it has no score, no recent outcome and no objection. Returns the number of scores deleted. Raises
    ``LedgerUnavailable``; what was deleted by then stays so.
    """
    now = moment(ledger)
    before = now - days * DAY_MICROSECONDS
    deleted = 0
    for step in (delete_scores, delete_outcomes, delete_leads, delete_tombstones):
        for rows in repeated(ledger, step, before, stopping):
            deleted += rows if step is delete_scores else 0
    if deleted:
        ledger.checkpoint()
    if not ledger.is_sqlite:
        tend_partitions(ledger, before, now)
    return deleted


def moment(ledger: Ledger) -> int:
    """Returns the time in microseconds: of this machine and the database's the earlier, since one may be wrong."""
    here = time.time_ns() // 1000
    if ledger.is_sqlite:
        return here
    with ledger.reading() as connection:
        there = connection.scalar(text("SELECT extract(epoch FROM clock_timestamp()) * 1000000"))
    return min(here, int(there or here))


def tend_partitions(ledger: Ledger, before: int, now: int) -> None:
    """Makes the partition of the next month and drops empty ones; while others read for long, the next hour does."""
    from leadscoring.ledger import partitions  # imports psycopg

    try:
        with ledger.writing() as connection:
            store_of(ledger, connection).take_turn()
            driver = connection.connection.driver_connection
            dropped = partitions.tend(driver, before, now)  # type: ignore[arg-type]  # it is psycopg's
    except LedgerUnavailable as failure:
        log.warning("partitions not tended", reason=str(failure))
        return
    if dropped:
        log.info("partitions dropped", names=dropped)


def repeated(
    ledger: Ledger, step: Callable[[Connection, int], int], before: int, stopping: threading.Event | None
) -> Iterator[int]:
    """Runs a step until it finds nothing; yields the number of rows of each time."""
    while not (stopping is not None and stopping.is_set()):
        with ledger.writing() as connection:
            store_of(ledger, connection).take_turn()
            rows = step(connection, before)
        yield rows
        if rows < MOST:
            return


def delete_scores(connection: Connection, before: int) -> int:
    """Deletes scores with their shadows; the leads of which they were the last have none then."""
    old = (score.c.first_at < before) & (score.c.last_at < before)
    chosen = connection.execute(
        select(score.c.number, score.c.lead).where(old).order_by(score.c.first_at).limit(MOST)
    ).all()
    numbers = [number for number, _ in chosen]
    leads = [number for _, number in chosen if number is not None]
    connection.execute(delete(shadow).where(shadow.c.score.in_(numbers)))
    connection.execute(
        update(lead)
        .where(lead.c.number.in_(leads), lead.c.last_score.in_(numbers))
        .values(last_score=None, last_first_at=None, last_row=None)
    )
    connection.execute(delete(score).where(score.c.number.in_(numbers), score.c.first_at < before))
    return len(numbers)


def delete_outcomes(connection: Connection, before: int) -> int:
    """Deletes old outcomes of leads that have no score any more."""
    scored = exists().where(lead.c.number == outcome.c.lead, lead.c.last_score.is_not(None))
    old = select(outcome.c.number).where(outcome.c.received_at < before, ~scored).limit(MOST)
    return connection.execute(delete(outcome).where(outcome.c.number.in_(old))).rowcount


def delete_leads(connection: Connection, _before: int) -> int:
    """Deletes leads of which nothing is left."""
    left = or_(exists().where(outcome.c.lead == lead.c.number), exists().where(score.c.lead == lead.c.number))
    nothing = select(lead.c.number).where(lead.c.last_score.is_(None), lead.c.objected_at.is_(None), ~left).limit(MOST)
    return connection.execute(delete(lead).where(lead.c.number.in_(nothing))).rowcount


def delete_tombstones(connection: Connection, before: int) -> int:
    """Deletes the names of those erased before any score that is still kept, also in a backup."""
    old = select(erased.c.key).where(erased.c.at < before).limit(MOST)
    return connection.execute(delete(erased).where(erased.c.key.in_(old))).rowcount

"""What is older than LEDGER_DAYS goes, with all that only belonged to it."""

import time
from typing import Any

from sqlalchemy import func, insert, select

from leadscoring.ledger import retention
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.retention import DAY_MICROSECONDS, retain
from leadscoring.ledger.tables import erased, lead, outcome, score, shadow

NOW = time.time_ns() // 1000
OLD, RECENT = NOW - 800 * DAY_MICROSECONDS, NOW - 10 * DAY_MICROSECONDS


def add_lead(ledger: Ledger, name: str, **fields: Any) -> int:
    """A lead."""
    with ledger.writing() as connection:
        made = insert(lead).values(key=name.encode().ljust(16), **fields).returning(lead.c.number)
        return int(connection.execute(made).scalar_one())


def add_score(ledger: Ledger, of: int | None, first: int, last: int) -> int:
    """A score that is its lead's last one."""
    values = {"lead": of, "first_at": first, "last_at": last, "times": 1, "model": 1, "margin": 0.0, "probability": 0.5}
    with ledger.writing() as connection:
        made = insert(score).values(**values, tier="C", row=b"", flags=0).returning(score.c.number)
        number = int(connection.execute(made).scalar_one())
        connection.execute(insert(shadow).values(score=number, model=2, margin=0.0))
        connection.execute(lead.update().where(lead.c.number == of).values(last_score=number, last_first_at=first))
    return number


def add_outcome(ledger: Ledger, of: int, at: int) -> None:
    """An outcome."""
    event = f"{of}-{at}".encode().ljust(32)
    row = {"lead": of, "kind": "won", "occurred_at": at, "received_at": at, "event": event, "source": "test"}
    with ledger.writing() as connection:
        connection.execute(insert(outcome).values(row))


def numbers(ledger: Ledger, column: Any) -> set[int]:
    """The values of a column."""
    with ledger.reading() as connection:
        return set(connection.execute(select(column)).scalars())


def test_scores_that_were_last_given_long_ago_go(ledger: Ledger) -> None:
    """Also those without a lead; one that was given again recently stays."""
    leads = [add_lead(ledger, name) for name in "ab"]
    add_score(ledger, leads[0], OLD, OLD)
    kept = {add_score(ledger, leads[1], OLD, RECENT), add_score(ledger, None, RECENT, RECENT)}
    add_score(ledger, None, OLD, OLD)
    assert retain(ledger, 730) == 2
    assert numbers(ledger, score.c.number) == kept
    assert numbers(ledger, shadow.c.score) == kept
    assert numbers(ledger, lead.c.number) == {leads[1]}
    assert retain(ledger, 730) == 0


def test_a_lead_stays_for_its_outcome_or_its_objection(ledger: Ledger) -> None:
    """Old outcomes go with the last of its scores."""
    recent, old, objects, scored = (add_lead(ledger, name) for name in "abcd")
    with ledger.writing() as connection:
        connection.execute(lead.update().where(lead.c.number == objects).values(objected_at=OLD))
    for one in (recent, old, objects):
        add_score(ledger, one, OLD, OLD)
    add_score(ledger, scored, RECENT, RECENT)
    add_outcome(ledger, recent, RECENT)
    add_outcome(ledger, old, OLD)
    add_outcome(ledger, scored, OLD)
    retain(ledger, 730)
    assert numbers(ledger, lead.c.number) == {recent, objects, scored}
    assert numbers(ledger, outcome.c.lead) == {recent, scored}
    assert numbers(ledger, lead.c.last_score) == {None, *numbers(ledger, score.c.number)}


def test_it_deletes_a_little_at_a_time(ledger: Ledger, monkeypatch: Any) -> None:
    """Until nothing old is left."""
    monkeypatch.setattr(retention, "MOST", 2)
    for _ in range(5):
        add_score(ledger, None, OLD, OLD)
    assert retain(ledger, 730) == 5
    assert numbers(ledger, score.c.number) == set()


def test_tombstones_stay_as_long_as_scores_could(ledger: Ledger) -> None:
    """A backup that is restored has scores of those erased since."""
    with ledger.writing() as connection:
        connection.execute(insert(erased), [{"key": b"a" * 16, "at": OLD}, {"key": b"b" * 16, "at": RECENT}])
    retain(ledger, 730)
    with ledger.reading() as connection:
        assert connection.execute(select(func.count()).select_from(erased)).scalar_one() == 1

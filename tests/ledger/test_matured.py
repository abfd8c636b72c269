"""Each lead counts once, by its first score, with the outcome that counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live_ledger import at, empty, outcome
from sqlalchemy import update

from leadscoring.ledger import tables
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.judged import Judged
from leadscoring.ledger.matured import (
    DaySums,
    judged,
    keep_days,
    keep_report,
    kept_days,
    latest_report,
    models,
)

DAY = at(0) // 86_400_000_000


@pytest.fixture
def ledger(url: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with a model and nine leads."""
    opened = empty(tmp_path, 9, url)
    yield opened
    opened.close()


def put(ledger: Ledger, *rows: tuple[int, float, float], outcomes: tuple[dict[str, Any], ...] = ()) -> list[Judged]:
    """Puts scores of (lead, day, probability) and outcomes into the ledger; returns the leads that count."""
    scores = [
        {
            "lead": of,
            "first_at": at(day),
            "last_at": at(day),
            "times": 1,
            "model": 1,
            "margin": p,
            "probability": p,
            "tier": "C",
            "row": b"",
            "flags": 0,
        }
        for of, day, p in rows
    ]
    with ledger.writing() as connection:
        connection.execute(tables.score.insert(), scores)
        if outcomes:
            connection.execute(tables.outcome.insert(), list(outcomes))
    return found(ledger)


def found(ledger: Ledger) -> list[Judged]:
    """The leads that count, the earliest first."""
    with ledger.reading() as connection:
        return sorted(judged(connection), key=lambda one: (one.day, one.probability))


def test_a_lead_counts_by_its_first_score(ledger: Ledger) -> None:
    """However often it is scored again; a row without a lead never counts."""
    assert put(ledger, (1, 3.2, 0.25), (1, 1.5, 0.5), (1, 40.0, 0.75)) == [Judged(DAY + 1, 1, "C", 0.5, 1, "open")]


def test_leads_that_are_alike_are_counted_together(ledger: Ledger) -> None:
    """Of one day, outcome and nearly the same probability."""
    every = put(ledger, (1, 0.1, 0.5), (2, 0.9, 0.504), (3, 0.5, 0.9), outcomes=(outcome(3, "won", 2.0),))
    assert every == [
        Judged(DAY, 1, "C", pytest.approx(0.502), 2, "open"),  # type: ignore[arg-type]  # equal to a number
        Judged(DAY, 1, "C", 0.9, 1, "won", 2),
    ]


@pytest.mark.parametrize(
    ("outcomes", "kind", "after"),
    [
        ((), "open", None),
        ((outcome(1, "won", 4.0),), "won", 4),
        ((outcome(1, "lost", 2.0), outcome(1, "won", 5.0)), "won", 5),
        ((outcome(1, "won", 5.0, received=5.0), outcome(1, "lost", 3.0, received=9.0)), "won", 5),
        ((outcome(1, "lost", 5.0, received=6.0), outcome(1, "won", 5.0, received=7.0)), "won", 5),
        ((outcome(1, "lost", 2.0), outcome(1, "open", 3.0)), "open", None),
        ((outcome(1, "won", 0.0),), "won", 0),
    ],
)
def test_the_latest_outcome_counts(
    ledger: Ledger, outcomes: tuple[dict[str, Any], ...], kind: str, after: int | None
) -> None:
    """At a tie the one that was received later; a lead that was opened again is open."""
    assert [(one.kind, one.after) for one in put(ledger, (1, 0.5, 0.5), outcomes=outcomes)] == [(kind, after)]


def test_leads_with_an_outcome_before_their_score_do_not_count(ledger: Ledger) -> None:
    """Nobody predicts what is known."""
    assert put(ledger, (1, 3.5, 0.5), (2, 3.5, 0.5), outcomes=(outcome(1, "won", 2.0),)) == [
        Judged(DAY + 3, 1, "C", 0.5, 1, "open")
    ]


def test_leads_that_trained_the_model_or_objected_do_not_count(ledger: Ledger) -> None:
    """Those at the very end of the training data included."""
    put(ledger, (1, 1.0, 0.5), (2, 2.0, 0.5), (3, 2.5, 0.5))
    with ledger.writing() as connection:
        connection.execute(update(tables.model).values(trained_until=at(2.0)))
    assert [one.leads for one in found(ledger)] == [1]
    with ledger.writing() as connection:
        connection.execute(update(tables.lead).where(tables.lead.c.number == 3).values(objected_at=at(5.0)))
    assert found(ledger) == []


def test_sums_of_days_replace_those_of_the_same_days(ledger: Ledger) -> None:
    """Earlier ones, of which the leads may be gone, stay."""

    def sums(day: int, won: int) -> DaySums:
        return DaySums(day, 1, "A", 10, 1.5, 1.2, won, 0)

    with ledger.writing() as connection:
        keep_days(connection, [sums(5, 1), sums(6, 2)])
        keep_days(connection, [sums(6, 3), sums(7, 4)])
        assert [(one.day, one.won) for one in kept_days(connection, 1)] == [(5, 1), (6, 3), (7, 4)]


def test_the_latest_report_is_shown(ledger: Ledger) -> None:
    """Acts of other kinds are none; without a report there is nothing."""
    with ledger.writing() as connection:
        assert latest_report(connection) is None
        keep_report(connection, 1, "keeper", 1, "{}")
        keep_report(connection, 2, "command", None, '{"at":2}')
        connection.execute(tables.act.insert(), {"at": 3, "actor": "me", "act": "add"})
        assert latest_report(connection) == (2, '{"at":2}')
        assert [one.name for one in models(connection).values()] == ["lead-scoring"]

"""Rows of the ledger are exported in order, with what names leads and models outside of it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from leadscoring.ledger import export
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.export import exported
from leadscoring.ledger.tables import act, lead, model, outcome

MOMENT = 1_780_000_000_123_456


def test_outcomes_have_the_key_of_their_lead(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row once, a few at a time, to the microsecond."""
    monkeypatch.setattr(export, "MOST", 2)
    with ledger.writing() as connection:
        number = connection.execute(insert(lead).values(key=b"k" * 16).returning(lead.c.number)).scalar_one()
        row = {"lead": number, "kind": "won", "occurred_at": MOMENT, "received_at": MOMENT, "source": "test"}
        connection.execute(insert(outcome), [row | {"event": bytes([event]) * 32} for event in range(5)])
    parts = list(exported(ledger, "outcomes"))
    assert [len(rows) for rows in parts] == [2, 2, 1]
    every = [row for rows in parts for row in rows]
    assert {row["lead"] for row in every} == {b"k" * 16}
    assert len({row["event"] for row in every}) == 5
    assert every[0]["occurred_at"] == datetime.fromtimestamp(1_780_000_000, UTC).replace(microsecond=123456)


def test_acts_have_the_digests_of_their_models(ledger: Ledger) -> None:
    """Of the model, and of the one before it."""
    with ledger.writing() as connection:
        row = {"name": "m", "version": "1", "file": b"", "how": "registered", "added_at": 1}
        numbers = [
            connection.execute(insert(model).values(**row, sha256=sha256 * 64).returning(model.c.number)).scalar_one()
            for sha256 in "ab"
        ]
        promoted = {"at": MOMENT, "actor": "me", "act": "promote", "model": numbers[1], "before": numbers[0]}
        connection.execute(insert(act).values(promoted))
    ((found,),) = exported(ledger, "acts")
    assert (found["model"], found["before"]) == ("b" * 64, "a" * 64)

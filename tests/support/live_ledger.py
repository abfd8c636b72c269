"""A ledger of leads whose outcomes were drawn with known probabilities, as days of scores and late outcomes."""

import hashlib
import math
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from project import ROOT

from leadscoring.ledger import tables
from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.schema import migrate
from leadscoring.model.file import open_model

START = datetime(2026, 1, 1, tzinfo=UTC)
HORIZON = 30
DAYS, PER_DAY = 150, 30
MODEL = ROOT / "models" / "model.json"


def at(day: float) -> int:
    """A moment so many days after the start, in microseconds since 1970."""
    return int((START + timedelta(days=day)).timestamp() * 1_000_000)


def now(day: int = DAYS) -> datetime:
    """The start of a day."""
    return START + timedelta(days=day)


@cache
def rows(odds: float, changes_after: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Scores and outcomes: from a day on the odds of converting are multiplied. Every lead is scored again."""
    random = np.random.default_rng(5)
    model = open_model(MODEL)
    scores: list[dict[str, Any]] = []
    outcomes: list[dict[str, Any]] = []
    for number in range(1, DAYS * PER_DAY + 1):
        day = (number - 1) / PER_DAY
        p = float(random.beta(0.6, 2.5)) * 0.98 + 0.01
        true = p / (1.0 - p) * (odds if day >= changes_after else 1.0)
        same = {"lead": number, "times": 1, "model": 1, "row": b"", "flags": 0}
        for when, chance in ((day, p), (day + 3.0, min(0.99, 1.2 * p))):
            tier = model.score(math.log(chance / (1.0 - chance))).tier
            scores.append(
                {
                    **same,
                    "first_at": at(when),
                    "last_at": at(when),
                    "margin": math.log(chance / (1.0 - chance)),
                    "probability": chance,
                    "tier": tier,
                }
            )
        if random.random() < true / (1.0 + true):
            outcomes.append(outcome(number, "won", day + min(HORIZON - 1.0, float(random.exponential(8.0)))))
        elif random.random() < 0.5:
            outcomes.append(outcome(number, "lost", day + 5.0))
    return scores, outcomes


def outcome(lead: int, kind: str, day: float, received: float | None = None) -> dict[str, Any]:
    """A row of the table of outcomes."""
    event = hashlib.sha256(f"{lead} {kind} {day} {received}".encode()).digest()
    moments = {"occurred_at": at(day), "received_at": at(day if received is None else received)}
    return {"lead": lead, "kind": kind, **moments, "event": event, "source": "test"}


def empty(path: Path, leads: int, url: str | None = None) -> Ledger:
    """A ledger with the shipped model and so many leads, without scores: at a URL, else at a path."""
    ledger = open_ledger(url or f"sqlite:///{path}")
    migrate(ledger)
    model = open_model(MODEL)
    names = {"sha256": model.sha256, "name": model.identity.name, "version": model.identity.version}
    with ledger.writing() as connection:
        connection.execute(
            tables.model.insert(), {**names, "file": MODEL.read_bytes(), "how": "trained", "added_at": 0}
        )
        keys = [{"number": k, "key": k.to_bytes(16, "big")} for k in range(1, leads + 1)]
        if keys:
            connection.execute(tables.lead.insert(), keys)
    return ledger


def filled(path: Path, odds: float = 1.0, changes_after: int = 0) -> Ledger:
    """A ledger of ``DAYS`` days with ``PER_DAY`` leads each."""
    scores, outcomes = rows(odds, changes_after)
    ledger = empty(path, DAYS * PER_DAY)
    with ledger.writing() as connection:
        connection.execute(tables.score.insert(), scores)
        connection.execute(tables.outcome.insert(), outcomes)
    return ledger

"""Ledgers of a test: SQLite in a folder, with scored leads in them as the keeper would put them there."""

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.schema import migrate
from leadscoring.ledger.tables import lead, model, score
from leadscoring.model.file import model_of, open_model
from leadscoring.model.loaded import LoadedModel

SECRET = b"a secret of the tests, 32 bytes."
KEYS = LeadKeys(SECRET)

SECOND = 1_000_000
DAY = 86_400 * SECOND
NEW_YEAR = 1_767_225_600 * SECOND
"""The first of January 2026, in microseconds since 1970."""


def new_ledger(folder: Path, url: str | None = None) -> Ledger:
    """An empty ledger: at a URL, else in a folder."""
    made = open_ledger(url or f"sqlite:///{folder}/ledger.db")
    migrate(made)
    return made


def model_number(ledger: Ledger, path: Path) -> int:
    """The number of a model in the ledger, which gets its file if it has not got it."""
    loaded = open_model(path)
    with ledger.writing() as connection:
        found = connection.scalar(select(model.c.number).where(model.c.sha256 == loaded.sha256))
        if found is not None:
            return int(found)
        row = {"sha256": loaded.sha256, "name": loaded.card.name, "version": loaded.card.version,
               "file": path.read_bytes(), "how": "registered", "added_at": NEW_YEAR}  # fmt: skip
        made = connection.execute(insert(model).values(row)).inserted_primary_key
        assert made is not None
        return int(made[0])


def add_score(
    ledger: Ledger, path: Path, sent: dict[str, Any], at: int = NEW_YEAR, keys: LeadKeys = KEYS, **changed: Any
) -> int:
    """Scores a lead and adds it as the keeper does; returns the number of the score."""
    loaded = model_of(path.read_bytes(), path)
    found, rows = loaded.decoder.one(json.dumps(sent).encode())
    (margin,) = loaded.trees.predict(rows)
    number = model_number(ledger, path)
    with ledger.writing() as connection:
        of = lead_number(connection, keys.key(found.lead_id))
        row = row_of(loaded, margin, bytes(memoryview(rows)), at) | {"lead": of, "model": number, "as_of": found.as_of}
        made = connection.execute(insert(score).values(row | changed)).inserted_primary_key
        assert made is not None
        connection.execute(update(lead).where(lead.c.number == of).values(last_score=made[0]))
        return int(made[0])


def add_row(ledger: Ledger, path: Path, row: Sequence[float | None], margin: float, at: int = NEW_YEAR) -> None:
    """Adds a score of an encoded row without an id."""
    content = struct.pack(f"<{len(row)}f", *(math.nan if value is None else value for value in row))
    number, loaded = model_number(ledger, path), open_model(path)
    with ledger.writing() as connection:
        connection.execute(insert(score).values(row_of(loaded, margin, content, at) | {"lead": None, "model": number}))


def lead_number(connection: Any, key: bytes) -> int:
    """The number of the lead with a key, which is added if it is new."""
    found = connection.scalar(select(lead.c.number).where(lead.c.key == key))
    if found is None:
        found = connection.execute(insert(lead).values(key=key)).inserted_primary_key[0]
    return int(found)


def row_of(loaded: LoadedModel, margin: float, row: bytes, at: int) -> dict[str, Any]:
    """The columns of a score that follow from its margin."""
    shown = loaded.score(margin)
    return {
        "first_at": at, "last_at": at, "times": 1, "margin": margin, "probability": shown.raw_score,
        "tier": shown.tier, "row": row, "unseen": None, "request": f"request-{at}", "flags": 0,
    }  # fmt: skip


def ledger_settings(folder: Path) -> dict[str, str]:
    """The settings of a service whose ledger is that of ``new_ledger`` in this folder, with the keys of the tests."""
    (folder / "ledger.key").write_text(SECRET.hex())
    (folder / "ledger.key").chmod(0o600)
    return {
        "LEDGER": f"sqlite:///{folder}/ledger.db",
        "LEDGER_KEY_FILE": str(folder / "ledger.key"),
        "LEDGER_TAPE_PATH": str(folder / "tape"),
    }


def bytes_in(folder: Path, needle: bytes) -> list[str]:
    """The files of a folder that contain some bytes."""
    return [path.name for path in sorted(folder.rglob("*")) if path.is_file() and needle in path.read_bytes()]


def days(*numbers: float) -> Sequence[int]:
    """Moments some days after the first of January 2026."""
    return [NEW_YEAR + round(number * DAY) for number in numbers]

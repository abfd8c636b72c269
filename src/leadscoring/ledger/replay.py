"""Recomputes scores that were given, from the rows and models that the ledger keeps, and compares every bit."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from struct import pack
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from leadscoring.ledger.database import streamed
from leadscoring.ledger.kept_models import KeptModels, names_of
from leadscoring.ledger.lead_record import ScoringModel
from leadscoring.ledger.receipts import rows_from
from leadscoring.ledger.tables import score
from leadscoring.model.loaded import LoadedModel

REMOTE = 2
"""The flag of a score whose margin a remote model gave: its bits are not those of this engine."""

AT_ONCE = 2000
"""Rows that are scored at once."""

DAY = 86_400_000_000
"""Microseconds of a day."""


@dataclass(frozen=True)
class Chosen:
    """Which scores are recomputed: those of a lead, those given on a day (days since 1970, UTC), or a share of them."""

    lead: int | None = None
    day: int | None = None
    share: float = 1.0

    def statement(self) -> Select[Any]:
        """The statement that reads them, model by model."""
        columns = (score.c.number, score.c.model, score.c.margin, score.c.probability, score.c.tier, score.c.row)
        made = select(*columns, score.c.flags, score.c.first_at).order_by(score.c.model, score.c.number)
        if self.lead is not None:
            made = made.where(score.c.lead == self.lead)
        if self.day is not None:
            begin = self.day * DAY
            made = made.where(score.c.first_at < begin + DAY, score.c.last_at >= begin)
        if self.share < 1:
            made = made.where(score.c.number % STEP < round(self.share * STEP))
        return made


STEP = 9973
"""A prime, by which scores are drawn: no pattern of rescoring divides it."""


class Differing(Exception):
    """A score that is not recomputed to the bit."""

    def __init__(self, row: Row[Any], model: ScoringModel, what: str, again: object) -> None:
        kept = getattr(row, what)
        super().__init__(
            f"score {row.number} of {model.name} {model.version}: "
            f"{what} is kept as {kept!r}, but recomputed as {again!r}"
        )


@dataclass
class Replayed:
    """How many scores were chosen and recomputed, and how many cannot be, since a remote model gave their margins."""

    chosen: int = 0
    recomputed: int = 0
    remote: int = 0


def replay(connection: Connection, models: KeptModels, chosen: Chosen) -> Iterator[Replayed]:
    """Recomputes margin, probability and tier of the chosen scores; yields the counts so far, after each part.

    Raises ``Differing`` at the first score with another bit, and a ``ModelError`` if a model cannot be loaded.
    """
    counted = connection.scalar(select(func.count()).select_from(chosen.statement().order_by(None).subquery()))
    counts, names = Replayed(counted or 0), names_of(connection)
    with streamed(connection, chosen.statement(), AT_ONCE) as found:
        for part in found.partitions():
            for number, rows in groupby(part, key=lambda row: row.model):
                same = list(rows)
                own = [row for row in same if not row.flags & REMOTE]
                counts.remote += len(same) - len(own)
                compare(models.open(connection, number), names[number], own)
                counts.recomputed += len(own)
            yield counts


def compare(model: LoadedModel, name: ScoringModel, rows: list[Row[Any]]) -> None:
    """Recomputes scores of one model. Raises ``Differing`` for the first that differs."""
    if not rows:
        return
    for row, margin in zip(rows, model.trees.predict(rows_from([row.row for row in rows])), strict=True):
        again = model.score(margin)
        for what, found in (("margin", margin), ("probability", again.raw_score), ("tier", again.tier)):
            if bits(getattr(row, what)) != bits(found):
                raise Differing(row, name, what, found)


def bits(value: float | str) -> bytes:
    """A value as its bytes: zeros of different signs differ."""
    return pack("<d", value) if isinstance(value, float) else str(value).encode()

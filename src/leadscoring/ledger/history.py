"""The history of one lead: its scores with receipts, its outcomes, and what would change its tier."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select

from leadscoring.contract.moment import written
from leadscoring.errors import LeadUnknown, ModelError
from leadscoring.ledger.kept_models import KeptModels, names_of
from leadscoring.ledger.lead_record import KeptOutcome, KeptScore, LeadRecord, Receipt, ScoringModel, TierChange
from leadscoring.ledger.outcomes import contradicts, outcomes_of
from leadscoring.ledger.receipts import Explained, nearest_tier
from leadscoring.ledger.tables import lead, score

FALLBACK = 1
"""The flag of a score that the fallback model gave."""

SHOWN = 500
"""The scores that are shown, the latest ones; an export has all."""


def lead_of(connection: Connection, key: bytes, lead_id: str) -> Row[Any]:
    """The row of a lead. Raises ``LeadUnknown``."""
    row = connection.execute(select(lead).where(lead.c.key == key)).first()
    if row is None:
        raise LeadUnknown(lead_id)
    return row


def record_of(
    connection: Connection, models: KeptModels, key: bytes, lead_id: str, reasons: int, most: int | None = SHOWN
) -> LeadRecord:
    """All that is kept of a lead, with at most ``most`` scores. Raises ``LeadUnknown``."""
    found = lead_of(connection, key, lead_id)
    latest = select(score).where(score.c.lead == found.number).order_by(score.c.first_at.desc(), score.c.number.desc())
    rows = list(reversed(connection.execute(latest if most is None else latest.limit(most + 1)).all()))
    earlier = None if most is None or len(rows) <= most else rows.pop(0)
    telling = Telling(connection, models)
    scores = telling.scores(rows, earlier)
    reported = outcomes_of(connection, found.number)
    explained = telling.explained(rows[-1]) if rows else None
    kind: Literal["won", "lost", "open"] = reported[-1].kind if reported else "open"
    return LeadRecord(
        lead_id=lead_id,
        outcome=None if kind == "open" else kind,
        contradictory=contradicts(row.kind for row in reported),
        objected_at=at(found.objected_at),
        score=scores[-1] if scores else None,
        reasons=explained.reasons(reasons) if explained else None,
        nearest_tier=telling.nearest_tier(rows[-1]) if rows else None,
        earlier_scores=max(0, telling.count(found.number) - len(rows)),
        scores=scores,
        outcomes=[kept_outcome(row, row is reported[-1]) for row in reported],
    )


class Telling:
    """Turns the rows of a lead's scores into what is shown of them."""

    def __init__(self, connection: Connection, models: KeptModels) -> None:
        self._connection = connection
        self._models = models
        self._names = names_of(connection)

    def count(self, number: int) -> int:
        """How many scores a lead has."""
        counted = self._connection.scalar(select(func.count()).select_from(score).where(score.c.lead == number))
        return int(counted or 0)

    def scores(self, rows: Sequence[Row[Any]], earlier: Row[Any] | None) -> list[KeptScore]:
        """The scores, each with its receipt; ``earlier`` is the one before the first, if there is one."""
        before, explained_before = earlier, self.explained(earlier) if earlier is not None else None
        shown = []
        for row in rows:
            explained = self.explained(row)
            receipt = None if before is None else self._receipt(before, row, explained_before, explained)
            shown.append(self._score(row, receipt))
            before, explained_before = row, explained
        return shown

    def explained(self, row: Row[Any]) -> Explained | None:
        """The contributions of a score; ``None`` if its model cannot be loaded here."""
        try:
            return Explained(self._models.open(self._connection, row.model), row.row)
        except ModelError:
            return None

    def nearest_tier(self, row: Row[Any]) -> TierChange | None:
        """The tier nearest to a score; ``None`` if its model cannot be loaded here."""
        try:
            return nearest_tier(self._models.open(self._connection, row.model), row.margin)
        except ModelError:
            return None

    def _receipt(
        self, before: Row[Any], row: Row[Any], explained_before: Explained | None, explained: Explained | None
    ) -> Receipt:
        margin = row.margin - before.margin
        if row.model != before.model:
            return Receipt(margin, self._model(before.model), [], margin)
        if explained is None or explained_before is None:
            return Receipt(margin, None, [], margin)
        return explained.receipt(explained_before, margin)

    def _model(self, number: int) -> ScoringModel:
        return self._names.get(number) or ScoringModel("unknown", "", "")

    def _score(self, row: Row[Any], receipt: Receipt | None) -> KeptScore:
        return KeptScore(
            first_at=written(row.first_at),
            last_at=written(row.last_at),
            times=row.times,
            model=self._model(row.model),
            margin=row.margin,
            raw_score=row.probability,
            tier=row.tier,
            as_of=at(row.as_of),
            request_id=row.request,
            fallback=bool(row.flags & FALLBACK),
            receipt=receipt,
        )


def kept_outcome(row: Row[Any], counts: bool) -> KeptOutcome:
    """An outcome as it is shown."""
    return KeptOutcome(row.kind, written(row.occurred_at), written(row.received_at), row.value, row.source, counts)


def at(moment: int | None) -> str | None:
    """A moment as it is shown, if there is one."""
    return None if moment is None else written(moment)

"""Leads whose persons objected are rejected, in the words of the service, and nothing of them is kept."""

from pathlib import Path

import factories
import polars as pl

from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.objected import Objected, fault_of
from leadscoring.bulk.recorder import TableRecorder
from leadscoring.errors import LeadObjected
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.model.file import open_model

KEYS = LeadKeys(b"secret")
OBJECTED = Objected(KEYS, frozenset(map(KEYS.key, ("ann", "bob", "ü"))))


def test_ids_are_found_by_their_keys() -> None:
    """One by one and by column; an empty cell is nobody."""
    assert OBJECTED.holds("ann")
    assert not OBJECTED.holds("Ann")
    assert OBJECTED.marks(pl.Series(["eve", "bob", None, "ü", ""])).tolist() == [0, 1, 0, 1, 0]
    assert OBJECTED.marks(pl.Series([], dtype=pl.String)).tolist() == []


def test_they_are_rejected_and_not_recorded(tmp_path: Path) -> None:
    """The others are scored as if alone; a lead that is refused anyway keeps its own faults."""
    model = open_model(factories.model_file(tmp_path))
    sent = [factories.lead("ann"), factories.lead("eve"), factories.lead("bob", open_rate=7.0), factories.lead("zoe")]
    names = model.card.contract.names
    frame = pl.DataFrame({name: [lead["features"][name] for lead in sent] for name in names}, strict=False)
    ids = pl.Series([lead["lead_id"] for lead in sent])
    recorder = TableRecorder(model.card.contract, KEYS)
    chunk = BulkScorer(model, 2, objected=OBJECTED, recorder=recorder).score(frame, None, ids)
    assert chunk.kept.tolist() == [1, 3]
    first, second = chunk.rejected
    assert (first.position, first.faults) == (0, (fault_of("ann"),))
    assert first.faults[0].message == f"lead_objected: {LeadObjected('ann')}"
    assert second.position == 2
    assert "open_rate" in second.faults[0].path
    assert chunk.records.leads == 2
    for name, kept in (("ann", False), ("bob", False), ("eve", True)):
        assert (KEYS.key(name) in bytes(chunk.records.content)) == kept
    alone = BulkScorer(model, 2).score(frame[[1, 3]], None, ids[[1, 3]])
    assert chunk.margins.tolist() == alone.margins.tolist()

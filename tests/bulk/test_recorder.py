"""A table is recorded as the service records each of its leads."""

import asyncio
import json
from pathlib import Path
from typing import Any

import factories
import numpy as np
import polars as pl
from timed import AS_OF, timed_model

from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.recorder import TableRecorder
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.recorder import Recorder
from leadscoring.ledger.segments import BULK, PAGE, Header, Record, read, segments_in
from leadscoring.ledger.tape import Tape
from leadscoring.ledger.tape_folder import TapeFolder
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.local import Local
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served

KEYS = LeadKeys(b"secret")
NOW = 1_767_225_600_000_000
LEADS: list[dict[str, Any]] = [
    factories.lead("sound"),
    factories.lead("of a new source", source="fair" * 30),
    factories.lead("without much", visits=None, growth=None, source=None),
    factories.lead("with text for numbers", revenue=1e7, visits=0),
    factories.lead("refused", open_rate=7),
]


def tabled(model: LoadedModel, leads: list[dict[str, Any]], folder: Path) -> list[Record]:
    """What a table of leads leaves on the tape."""
    names = model.card.contract.names
    frame = pl.DataFrame({name: [lead["features"].get(name) for lead in leads] for name in names}, strict=False)
    ids = pl.Series([lead["lead_id"] for lead in leads])
    recorder = TableRecorder(model.card.contract, KEYS)
    chunk = BulkScorer(model, 2, now=NOW, recorder=recorder).score(frame, NOW, ids)
    assert chunk.records.leads == len(chunk)
    path = folder / "table-000001.tape"
    path.write_bytes(Header((model.sha256,), "table", "here").written() + bytes(chunk.records.content))
    found = read(path, PAGE, 1000)
    assert not found.damaged
    return found.records


def served(model: LoadedModel, leads: list[dict[str, Any]], folder: Path) -> list[Record]:
    """What a service leaves there for the same leads."""
    tape = Tape(TapeFolder(folder, 1 << 30), KEYS)
    recorder = Recorder(tape, model.sha256, model.card.contract)
    scorer = Scorer(Served.of(model, Local(model.trees), recorder=recorder))
    for lead in leads:
        sent = json.dumps(lead).encode()

        async def one(body: bytes = sent) -> None:
            await scorer.one(body, Asked(), "")

        try:
            asyncio.run(one())
        except Exception as failure:
            assert "refused" in lead["lead_id"], failure  # noqa: PT017
    tape.close()
    return [record for path in segments_in(folder) for record in read(path, 0, 1000).records]


def alike(record: Record) -> tuple[Any, ...]:
    """All of a record that does not depend on when and by whom it was scored."""
    return record.margin, record.model, record.row, record.key, record.unseen, record.flags & ~BULK


def test_the_records_are_those_of_the_service(tmp_path: Path) -> None:
    """Every bit of row and margin, keys, and values that the model does not know; a rejected lead is not there."""
    (tmp_path / "tape").mkdir()
    model = open_model(factories.model_file(tmp_path))
    mine, theirs = tabled(model, LEADS, tmp_path), served(model, LEADS, tmp_path / "tape")
    assert len(mine) == len(LEADS) - 1
    assert list(map(alike, mine)) == list(map(alike, theirs))
    assert [bool(record.unseen) for record in mine] == [False, True, False, False]
    assert all(record.flags & BULK for record in mine)


def test_a_lead_that_needs_a_second_look_has_its_row(tmp_path: Path) -> None:
    """The service's decoder decides on it, and encodes it."""
    model = open_model(factories.model_file(tmp_path))
    frame = pl.DataFrame({name: [str(LEADS[0]["features"][name])] for name in model.card.contract.names})
    frame = frame.with_columns(pl.lit("1").alias("decision_maker"))
    long = pl.Series(["x" * 127 + "é"])
    scorer = BulkScorer(model, 0, now=NOW, recorder=TableRecorder(model.card.contract, KEYS))
    plain, odd = scorer.score(frame, None, pl.Series(["a"])), scorer.score(frame, None, long)
    width = len(model.card.contract.columns.feature)
    rows = [np.frombuffer(bytes(chunk.records.content)[32:][: 4 * width], np.float32) for chunk in (plain, odd)]
    np.testing.assert_array_equal(rows[0], rows[1])


def test_leads_are_recorded_with_their_moment(tmp_path: Path) -> None:
    """If scores depend on it."""
    model = open_model(timed_model(tmp_path))
    frame = pl.DataFrame({"amount": [1200.5], "source": ["web"], "created": [AS_OF]})
    recorder = TableRecorder(model.card.contract, KEYS)
    chunk = BulkScorer(model, 0, now=NOW, recorder=recorder).score(frame, NOW, pl.Series(["a"]))
    assert not chunk.rejected
    path = tmp_path / "table-000001.tape"
    path.write_bytes(Header((model.sha256,), "table", "here").written() + bytes(chunk.records.content))
    assert [record.as_of for record in read(path, PAGE, 9).records] == [NOW]

"""What a scorer answers is on the tape, with everything that is needed to compute it again."""

import asyncio
import json
from collections.abc import Awaitable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import factories
import numpy as np
import pytest
import xgboost as xgb
from hypothesis import given, settings
from hypothesis import strategies as st
from lead_strategies import leads

from leadscoring._engine import Rows
from leadscoring.contract.features import Contract
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.recorder import MOST_UNSEEN, Recorder, shortened, written
from leadscoring.ledger.segments import (
    BULK,
    ENCODED,
    FALLBACK,
    HAS_MOMENT,
    PLAIN_ID,
    REMOTE,
    Record,
    read,
    segments_in,
)
from leadscoring.ledger.tape import Tape
from leadscoring.ledger.tape_folder import TapeFolder
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.local import Local
from leadscoring.providers.provider import Given, Provider
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.telemetry.metrics import Spent

KEYS = LeadKeys(b"secret")
DETAILS = Asked(details=True)


class Elsewhere:
    """A remote model that returns margins as no float32 has them."""

    name = "azure"

    def __init__(self, degraded: bool) -> None:
        self._degraded = degraded

    def margins(self, rows: Rows) -> Awaitable[Given]:
        """A turn of the loop later."""
        return self._margins(rows)

    async def _margins(self, rows: Rows) -> Given:
        await asyncio.sleep(0)
        served_by: Any = "local" if self._degraded else "azure"
        return Given([0.1 + place for place in range(len(rows))], served_by, self._degraded)

    def running(self) -> "nullcontext[None]":
        """Nothing else goes on."""
        return nullcontext()

    def retire(self) -> None:
        """Nothing is reported."""

    def status(self) -> dict[str, Any]:
        """Nothing to tell."""
        return {}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """The small model."""
    return open_model(factories.model_file(tmp_path_factory.mktemp("model")))


class Kept:
    """A scorer that records, and its tape."""

    def __init__(self, folder: Path, model: LoadedModel, provider: Provider | None = None, plain: bool = False) -> None:
        self.folder = folder
        self.tape = Tape(TapeFolder(folder, 1 << 22, 1 << 20), KEYS)
        recorder = Recorder(self.tape, model.sha256, model.card.contract, plain)
        self.served = Served.of(model, provider or Local(model.trees), recorder=recorder)
        self.scorer = Scorer(self.served)

    def score(self, sent: Any, request: str = "request-1") -> list[Any]:
        """The answers to a lead, or to a list of them."""

        async def answered() -> list[Any]:
            if not isinstance(sent, list):
                return [(await self.scorer.one(factories.body(sent), DETAILS, request))[0]]
            parts = self.scorer.many(factories.body(sent), len(sent), DETAILS, request, Spent())
            return [answer async for part in parts for answer in part]

        return asyncio.run(answered())

    def records(self) -> list[Record]:
        """What is on the tape."""
        return [record for path in segments_in(self.folder) for record in read(path, 0, 100_000).records]


def recomputed(records: list[Record]) -> list[float]:
    """The margins of rows as stock XGBoost has them."""
    rows = np.array([np.frombuffer(record.row, "<f4") for record in records])
    stock = factories.booster()
    types = stock.feature_types
    data = xgb.DMatrix(rows, feature_names=stock.feature_names, feature_types=types, enable_categorical=True)
    return [float(margin) for margin in stock.predict(data, output_margin=True)]


@settings(deadline=None, max_examples=25)
@given(st.lists(leads(factories.SMALL), min_size=1, max_size=5))
def test_stock_xgboost_computes_every_margin_again_from_its_row(
    tmp_path_factory: pytest.TempPathFactory, model: LoadedModel, sent: list[dict[str, Any]]
) -> None:
    """Alone and in a batch: what is answered is what is recorded, to the last bit."""
    kept = Kept(tmp_path_factory.mktemp("tape"), model)
    answers = [answer for lead in sent for answer in kept.score(lead)] + kept.score(sent)
    records = kept.records()
    assert [record.margin for record in records] == [answer.explanation.margin for answer in answers]
    assert [record.margin for record in records] == recomputed(records)
    assert {record.model for record in records} == {model.sha256}
    kept.tape.close()


def test_records_have_the_key_the_request_and_no_id(tmp_path: Path, model: LoadedModel) -> None:
    """Whatever a client sends as an id, it is not in any file."""
    kept = Kept(tmp_path, model)
    kept.score(factories.lead("lead-äöü"), "request-a")
    kept.score([factories.lead("lead-1"), {"lead_id": "broken"}, factories.lead("lead-2")], "request-b")
    assert [(record.key, record.request) for record in kept.records()] == [
        (KEYS.key("lead-äöü"), "request-a"),
        (KEYS.key("lead-1"), "request-b"),
        (KEYS.key("lead-2"), "request-b"),
    ]
    assert all(record.flags == 0 and record.name is None for record in kept.records())
    kept.tape.close()
    assert not any(
        "lead-ä".encode() in path.read_bytes() or b"lead-1" in path.read_bytes() for path in segments_in(tmp_path)
    )


def test_ids_are_kept_if_they_are_asked_for(tmp_path: Path, model: LoadedModel) -> None:
    """Beside the key, as they were sent; a number is its text."""
    kept = Kept(tmp_path, model, plain=True)
    kept.score([factories.lead("lead-äöü"), factories.lead() | {"lead_id": 12}])
    assert [(record.key, record.name) for record in kept.records()] == [
        (KEYS.key("lead-äöü"), "lead-äöü"),
        (KEYS.key("12"), "12"),
    ]
    assert all(record.flags == PLAIN_ID for record in kept.records())
    kept.tape.close()


def test_values_that_the_model_does_not_know_are_kept(tmp_path: Path, model: LoadedModel) -> None:
    """Without them retraining would never learn a new level; long ones are cut."""
    kept = Kept(tmp_path, model)
    region = "region / city (ü)"
    known, new = factories.lead(), factories.lead(source="podcast", **{region: "x" * 100})
    kept.score(new)
    kept.score([known, new, known])
    unseen = [record.unseen for record in kept.records()]
    assert [text and json.loads(text) for text in unseen] == [
        {"source": "podcast", region: "x" * 64},
        None,
        {"source": "podcast", region: "x" * 64},
        None,
    ]
    kept.tape.close()


def test_long_values_are_shortened() -> None:
    """Texts, lists of texts, and what of one lead is too long together; numbers stay."""
    assert shortened("x" * 65) == "x" * 64
    assert shortened(["y" * 100] * 30) == ["y" * 64] * 20
    assert shortened(12.5) == 12.5
    many = {f"feature {number}": "ü" * 64 for number in range(1000)}
    text = written(many)
    assert len(text) <= MOST_UNSEEN
    assert set(json.loads(text).items()) < set(many.items())


@pytest.mark.parametrize(("degraded", "flag"), [(False, REMOTE), (True, FALLBACK)])
def test_margins_of_a_remote_model_say_so(tmp_path: Path, model: LoadedModel, degraded: bool, flag: int) -> None:
    """With every bit of the float64; those of the fallback say that they are its own."""
    kept = Kept(tmp_path, model, Elsewhere(degraded))
    kept.score(factories.lead("a"))
    kept.score([factories.lead("b"), factories.lead("c")])
    assert [(record.margin, record.flags) for record in kept.records()] == [(0.1, flag), (0.1, flag), (1.1, flag)]
    kept.tape.close()


def test_rows_that_a_client_has_encoded_belong_to_no_lead(tmp_path: Path, model: LoadedModel) -> None:
    """They can be computed again, and never joined to an outcome."""
    kept = Kept(tmp_path, model)
    rows = Rows([[1.0, 2.0, None, 1.0, 0.0, 1.0, 0.5], [None] * 7])
    margins = asyncio.run(kept.scorer.encoded(rows, Spent(), request_id="request-1"))
    records = kept.records()
    assert [record.margin for record in records] == margins == recomputed(records)
    assert all((record.key, record.name, record.flags) == (b"", None, ENCODED) for record in records)
    assert b"".join(record.row for record in records) == bytes(memoryview(rows))
    kept.tape.close()


def test_the_moment_of_a_lead_is_kept(tmp_path: Path, model: LoadedModel) -> None:
    """By contracts whose scores depend on one."""

    class Timed(Contract, frozen=True):
        """A contract with dates, as far as a recorder asks."""

        is_timed = True

    kept = Kept(tmp_path, model)
    rows = Rows([[0.0] * 7] * 2)
    lead = model.decoder.one(factories.body(factories.LEAD))[0]
    timed = [type(lead)("a", lead.values, 1_700_000_000_000_000), type(lead)("b", lead.values, -1)]
    Recorder(kept.tape, model.sha256, Timed(model.card.contract.features)).record(rows, [0.0, 1.0], timed, "r", BULK)
    assert [record.as_of for record in kept.records()] == [1_700_000_000_000_000, -1]
    assert all(record.flags == BULK | HAS_MOMENT for record in kept.records())
    kept.tape.close()

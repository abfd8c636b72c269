"""Leads that a remote model scored, or the local one in its stead, are counted for drift; golden rows are not."""

from pathlib import Path

import pytest
from drift_reference import REFERENCE, bins_of, counting
from factories import LEAD, body, card, lead, model_file

from leadscoring._engine import Rows
from leadscoring.errors import EndpointUnreachable
from leadscoring.model.file import open_model
from leadscoring.providers.remote import Remote
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.telemetry.metrics import Spent

from .endpoints import QUIET, Outcome, Scripted, metrics, remote, run

DOWN = EndpointUnreachable("azure", "the connection failed")


@pytest.mark.parametrize(("then", "fallback", "leads"), [("answers", "none", 5), (DOWN, "local", 5), (DOWN, "none", 0)])
def test_a_lead_that_got_a_score_counts_once(tmp_path: Path, then: Outcome, fallback: str, leads: int) -> None:
    """Alone, in a batch, or encoded by its caller; one that got none does not count, and no check does."""
    loaded = open_model(model_file(tmp_path, card(reference=REFERENCE)))
    counts = counting()
    endpoint = Scripted(loaded)

    async def test(provider: Remote) -> None:
        scorer = Scorer(Served(loaded, provider, loaded.trees.reasons, counts.count))
        assert bins_of(counts)["score"] == {}
        endpoint.then = then
        for answer in (one, many, encoded):
            try:
                await answer(scorer)
            except EndpointUnreachable:
                assert not leads
        assert sum(bins_of(counts)["score"].values()) == leads
        assert bins_of(counts)["visits"] == ({"2": leads} if leads else {})
        endpoint.then = "answers"

    run(remote(endpoint, loaded, metrics(), MODEL_FALLBACK=fallback, **QUIET), test)


async def one(scorer: Scorer) -> None:
    """One lead."""
    await scorer.one(body(LEAD), Asked(), "a")


async def many(scorer: Scorer) -> None:
    """Two leads, and one that is refused."""
    leads = [lead("a"), lead("b", revenue=-1), lead("c")]
    _ = [part async for part in scorer.many(body(leads), 10, Asked(), "a", Spent())]


async def encoded(scorer: Scorer) -> None:
    """Two rows."""
    await scorer.encoded(Rows([[1e6, 3.0, 0.35, 1.0, 1.0, 1.0, 0.4]] * 2), Spent())

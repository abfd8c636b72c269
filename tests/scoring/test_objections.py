"""Leads whose persons objected are left out of a batch, as if they had not been sent."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from factories import lead, model_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadscoring.errors import LeadObjected, RequestError
from leadscoring.lead import Scored
from leadscoring.model.file import open_model
from leadscoring.providers.local import Local
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.telemetry.metrics import Spent


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    """A scorer of the small model, in a service where some have objected."""
    model = open_model(model_file(tmp_path_factory.mktemp("objections")))
    return Scorer(Served.of(model, Local(model.trees)))


def many(scorer: Scorer, leads: list[Any]) -> list[Scored | RequestError]:
    """The places of a batch."""

    async def collected() -> list[Scored | RequestError]:
        body = json.dumps(leads).encode()
        return [one async for part in scorer.many(body, 1000, Asked(), "r", Spent()) for one in part]

    return asyncio.run(collected())


def shown(place: Scored | RequestError) -> str:
    """A place as text, to be compared."""
    return str(place) if isinstance(place, RequestError) else msgspec.json.encode(place).decode()


sent = st.builds(
    lambda name, visits, source: lead(name, visits=visits, source=source),
    st.sampled_from(("ann", "bob", "carl")),
    st.sampled_from((1, 5, -1, "x")),
    st.sampled_from(("web", "never seen", "unknown")),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(sent | st.just(5), max_size=40), st.sets(st.sampled_from(("ann", "bob", "carl"))))
def test_the_others_are_scored_as_without_them(scorer: Scorer, leads: list[Any], objected: set[str]) -> None:
    """With their warnings and errors; whoever objected has an error with the id, unless the lead is invalid."""
    scorer.objected = None
    before = many(scorer, leads)
    scorer.objected = objected.__contains__
    after = many(scorer, leads)
    scorer.objected = None
    for plain, place in zip(before, after, strict=True):
        if isinstance(plain, Scored) and plain.lead_id in objected:
            assert isinstance(place, LeadObjected)
            assert place.lead_id == plain.lead_id
        else:
            assert shown(place) == shown(plain)


def test_nothing_of_them_is_counted(scorer: Scorer) -> None:
    """Neither their rows nor their margins reach what counts."""
    counted: list[int] = []
    served = scorer.served
    counting = Served(served.model, served.provider, served.reasons, lambda rows, _: counted.append(len(rows)))
    scorer.served, scorer.objected = counting, {"ann"}.__contains__
    try:
        many(scorer, [lead("ann"), lead("bob"), lead("ann")])
        many(scorer, [lead("ann")])
        with pytest.raises(LeadObjected):
            asyncio.run(scorer.one(json.dumps(lead("ann")).encode(), Asked(), "r"))
    finally:
        scorer.served, scorer.objected = served, None
    assert counted == [1]

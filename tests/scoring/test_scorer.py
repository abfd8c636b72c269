"""A scorer says of each answer where its margin comes from, and why reasons are missing when they are."""

import asyncio
import dataclasses
import json
from collections.abc import Awaitable
from contextlib import nullcontext
from typing import Any

import factories
import msgspec
import pytest
from factories import SMALL
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from leadscoring._engine import Rows
from leadscoring.errors import RequestError
from leadscoring.lead import Scored, Warned
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.local import Local
from leadscoring.providers.provider import Given, Provider
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.serving.served_model import lenient_decoder
from leadscoring.telemetry.metrics import Spent
from leadscoring.transport.failures import refused


class Elsewhere:
    """A provider that is awaited, and returns the configured margins."""

    name = "azure"

    def __init__(self, model: LoadedModel, **said: Any) -> None:
        self._model = model
        self._said = {"served_by": "azure"} | said

    def margins(self, rows: Rows) -> Awaitable[Given]:
        """The right margins, a turn of the loop later."""
        return self._margins(rows)

    async def _margins(self, rows: Rows) -> Given:
        await asyncio.sleep(0)
        return Given(self._model.trees.predict(rows), **self._said)

    def running(self) -> "nullcontext[None]":
        """Nothing else goes on."""
        return nullcontext()

    def retire(self) -> None:
        """Nothing is reported."""

    def status(self) -> dict[str, Any]:
        """Nothing to tell."""
        return {}


def scoring(model: LoadedModel, provider: Provider) -> Scorer:
    """A scorer that counts nothing."""
    return Scorer(Served.of(model, provider))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """The small model."""
    return open_model(factories.model_file(tmp_path_factory.mktemp("model")))


def both(scorer: Scorer, asked: Asked) -> list[Scored]:
    """The same lead, alone and in a batch of a hundred."""

    async def score() -> list[Scored]:
        alone, spent = await scorer.one(factories.body(factories.LEAD), asked, "id")
        assert spent.waited <= spent.predict
        assert (spent.waited > 0) == isinstance(scorer.served.provider, Elsewhere)
        batch = factories.body([factories.lead(f"lead-{place}") for place in range(100)])
        parts = [part async for part in scorer.many(batch, 100, asked, "id", Spent())]
        found = [place for part in parts for place in part if isinstance(place, Scored)]
        assert len(found) == 100
        return [alone, found[0], found[99]]

    return asyncio.run(score())


def test_a_remote_margin_is_answered_as_a_local_one_and_names_its_source(model: LoadedModel) -> None:
    """Score, reasons and details are the same; the response only adds who served it."""
    asked = Asked(details=True)
    for here, there in zip(
        both(scoring(model, Local(model.trees)), asked), both(scoring(model, Elsewhere(model)), asked), strict=True
    ):
        assert (there.score, there.reasons, there.warnings, there.explanation) == (
            here.score, here.reasons, here.warnings, here.explanation,
        )  # fmt: skip
        assert (here.model.served_by, there.model.served_by) == (UNSET, "azure")
        assert (here.degraded, there.degraded) == (UNSET, UNSET)


def test_reasons_that_cannot_be_had_are_null_and_a_warning_says_why(model: LoadedModel) -> None:
    """An empty list would say that there are none."""
    scorer = scoring(model, Elsewhere(model, unexplained="nobody knows"))
    for answer in both(scorer, Asked(details=True)):
        assert answer.reasons is None
        assert answer.explanation is UNSET
        assert answer.warnings == [Warned("reasons_unavailable", None, "nobody knows")]


def test_rows_that_are_encoded_already_get_their_margins(model: LoadedModel) -> None:
    """From any provider; waiting for them is measured apart from work."""
    rows = Rows([[1e6, 3.0, 0.35, 1.0, 1.0, 1.0, 0.4]] * 3)
    for provider in (Local(model.trees), Elsewhere(model)):
        spent = Spent()
        assert asyncio.run(scoring(model, provider).encoded(rows, spent)) == model.trees.predict(rows)
        assert (spent.waited > 0) == isinstance(provider, Elsewhere)


class Awaited:
    """The local provider, as one that has to be waited for."""

    name = "local"

    def __init__(self, model: LoadedModel) -> None:
        self._local = Local(model.trees)
        self.running, self.retire, self.status = self._local.running, self._local.retire, self._local.status

    def margins(self, rows: Rows) -> Awaitable[Given]:
        """The same margins, a turn of the loop later."""
        return self._margins(rows)

    async def _margins(self, rows: Rows) -> Given:
        await asyncio.sleep(0)
        return Given(self._local.margins(rows))


values = st.sampled_from(
    [..., None, 0, 1, 2.5, -1, 1e6, 1e39, True, "web", "fair", "unknown", "south", "west", "3", "true", "", [1]]
)
sound = st.fixed_dictionaries(
    {},
    optional={
        "visits": st.integers(0, 9) | st.none(),
        "source": st.sampled_from(["web", "event", "fair", "unknown"]),
        "growth": st.floats(-1, 1, width=32),
        "revenue": st.floats(0, 1e7),
    },
)
any_lead = sound | st.dictionaries(st.sampled_from([*factories.SMALL.names, "more"]), values, max_size=4)
bodies = any_lead.map(lambda features: factories.body(factories.lead("lead-1", **features))) | st.binary(max_size=20)
asking = st.builds(Asked, st.sampled_from([0, 1, 3, 5, 100]), st.booleans())


def written(answer: object) -> bytes:
    """An answer as it is sent, without what the clock says; the text of an error without where its lead stood."""
    if isinstance(answer, Scored):
        answer.timing = UNSET
        return msgspec.json.encode(answer)
    assert isinstance(answer, RequestError)
    return msgspec.json.encode(refused(answer))


async def ways(model: LoadedModel, sent: bytes, asked: Asked, leads: int) -> list[list[bytes]]:
    """What each way answers to the same lead: alone and so many times in a batch, awaited or at once."""
    found: list[list[bytes]] = []
    for provider in (Local(model.trees), Awaited(model)):
        scorer = scoring(model, provider)
        try:
            found.append([written((await scorer.one(sent, asked, "id"))[0])])
        except RequestError as error:
            found.append([written(error)])
        try:
            batch = b"[%b]" % b",".join([sent] * leads)
            answers = [place async for part in scorer.many(batch, leads, asked, "id", Spent()) for place in part]
            found.append([written(place) for place in answers])
        except RequestError as error:
            found.append([written(error)])
    return found


@settings(deadline=None)
@given(bodies, asking, st.integers(1, 40), st.booleans())
def test_every_way_answers_the_same_bytes(
    model: LoadedModel, sent: bytes, asked: Asked, leads: int, lenient: bool
) -> None:
    """A sound lead has one answer, alone or anywhere in a batch, whether its margin had to be waited for or not."""
    used = dataclasses.replace(model, decoder=lenient_decoder(SMALL)) if lenient else model
    alone, batch, awaited_alone, awaited_batch = asyncio.run(ways(used, sent, asked, leads))
    assert alone == awaited_alone
    assert batch == awaited_batch
    if b'"score"' in alone[0]:
        assert batch == alone * leads
        rows = used.decoder.one(sent)[1]
        for provider in (Local(used.trees), Awaited(used)):
            margins = asyncio.run(scoring(used, provider).encoded(rows, Spent()))
            assert margins == used.trees.predict(rows)
            assert used.score(margins[0]).raw_score == json.loads(alone[0])["score"]["raw_score"]

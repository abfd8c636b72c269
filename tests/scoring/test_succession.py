"""A model takes over between two requests; what has begun ends with the one that it began with, and then that is closed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from factories import LEAD, body, card, lead, model_file
from msgspec.structs import replace as changed

from leadscoring._engine import Rows
from leadscoring.errors import EndpointUnreachable
from leadscoring.lead import Scored
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.local import Local
from leadscoring.providers.provider import Given
from leadscoring.quality.model_counts import AREA, ROOMS, CountedModels
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.scoring.succession import Succession
from leadscoring.telemetry.metrics import Spent
from leadscoring.telemetry.tally import Tally


class Slow:
    """A provider that answers when it is let go, and notes what becomes of it."""

    name = "azure"

    def __init__(self, model: LoadedModel, fails: bool = False) -> None:
        self.version = model.card.version
        self.go = asyncio.Event()
        self.life: list[str] = []
        self._predict = model.trees.predict
        self._fails = fails

    def margins(self, rows: Rows) -> Awaitable[Given]:
        """The margins, once it is let go."""
        return self._margins(rows)

    async def _margins(self, rows: Rows) -> Given:
        self.life.append("asked")
        await self.go.wait()
        assert "closed" not in self.life
        return Given(self._predict(rows), "azure")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Notes when it is opened and closed."""
        if self._fails:
            raise EndpointUnreachable("azure", "no credentials")
        self.life.append("open")
        yield
        self.life.append("closed")

    def retire(self) -> None:
        """Notes it."""
        self.life.append("retired")

    def status(self) -> dict[str, Any]:
        """Nothing to tell."""
        return {}


class Office:
    """A scorer whose models take over from each other, and all providers that it has had."""

    def __init__(self, model: LoadedModel, providers: Callable[[LoadedModel], Any]) -> None:
        self.counted = CountedModels(Tally((), area=AREA))
        self.providers: list[Any] = []
        self._make = providers
        self.scorer = Scorer(self._open(model))
        self.succession = Succession(self.scorer, self._open)

    def _open(self, model: LoadedModel) -> Served:
        self.providers.append(self._make(model))
        return Served.of(model, self.providers[-1], self.counted.open(model.card, model.card.version, None))

    async def one(self) -> Scored:
        """A lead's answer."""
        return (await self.scorer.one(body(LEAD), Asked(), "id"))[0]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[LoadedModel]:
    """The small model in as many versions as there are rooms, and one more."""
    folder, made = tmp_path_factory.mktemp("models"), card()
    return [
        open_model(model_file(folder, changed(made, version=f"{number}"), f"{number}.json"))
        for number in range(ROOMS + 1)
    ]


async def until(holds: Callable[[], bool]) -> None:
    """Lets others have the loop until something holds."""
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0)


def run(office: Callable[[], Office], test: Callable[[Office], Awaitable[None]]) -> None:
    """Runs a test while what is served runs; at the end all that was opened is closed."""

    async def whole() -> None:
        made = office()
        async with made.succession.running():
            await test(made)
        for provider in made.providers:
            if isinstance(provider, Slow) and "open" in provider.life:
                assert provider.life[-1] == "closed"

    asyncio.run(whole())


def test_a_call_under_way_ends_with_the_model_that_it_began_with(models: list[LoadedModel]) -> None:
    """Whose provider is closed then, and not before."""

    async def test(office: Office) -> None:
        before = asyncio.create_task(office.one())
        old = office.providers[0]
        await until(lambda: "asked" in old.life)
        await office.succession.serve(models[1])
        new = office.providers[1]
        new.go.set()
        assert (await office.one()).model.version == "1"
        assert old.life == ["open", "asked", "retired"]
        assert office.succession.in_use == 2
        old.go.set()
        assert (await before).model.version == "0"
        await until(lambda: office.succession.in_use == 1)
        assert old.life[-1] == "closed"
        assert "closed" not in new.life

    run(lambda: Office(models[0], Slow), test)


def test_a_batch_between_two_of_its_parts_ends_with_what_it_began_with(models: list[LoadedModel]) -> None:
    """Each lead of it, its reasons counted for that model."""

    async def test(office: Office) -> None:
        leads = body([lead(f"lead-{number}") for number in range(200)])
        parts = office.scorer.many(leads, 200, Asked(2), "id", Spent())
        found: list[Any] = []
        while not found:
            found += await anext(parts)
        counts = office.scorer.served.counts
        assert counts is not None
        await office.succession.serve(models[1])
        async for part in parts:
            found += part
        assert len(found) == 200
        assert {place.model.version for place in found} == {"0"}
        assert sum(counts.reasons.numbers) == 400
        served = office.scorer.served.counts
        assert served is not None
        assert not any(served.reasons.numbers)
        del parts
        await until(lambda: office.succession.in_use == 1)

    run(lambda: Office(models[0], lambda model: Local(model.trees)), test)


def test_where_the_next_cannot_be_had_all_stays(models: list[LoadedModel]) -> None:
    """The error is the provider's, and the room of the one that failed is free again."""

    async def test(office: Office) -> None:
        for _ in range(2 * ROOMS):
            with pytest.raises(EndpointUnreachable):
                await office.succession.serve(models[1])
        office.providers[0].go.set()
        assert (await office.one()).model.version == "0"
        await until(lambda: office.succession.in_use == 1)
        for number in range(1, ROOMS):
            office.counted.open(models[number].card, str(number), None)

    run(lambda: Office(models[0], lambda model: Slow(model, fails=model.card.version == "1")), test)


def test_a_swap_waits_while_every_room_is_in_use(models: list[LoadedModel]) -> None:
    """Until the calls of one of them have ended."""

    async def test(office: Office) -> None:
        asked = []
        for model in models[1:]:
            asked.append(asyncio.create_task(office.one()))
            await until(lambda: "asked" in office.providers[-1].life)
            if model is not models[-1]:
                await office.succession.serve(model)
        last = asyncio.create_task(office.succession.serve(models[-1]))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not last.done()
        assert office.scorer.served.model is models[-2]
        office.providers[1].go.set()
        await asyncio.wait_for(last, 30)
        assert office.scorer.served.model is models[-1]
        for provider in office.providers:
            provider.go.set()
        assert [answer.model.version for answer in await asyncio.gather(*asked)] == ["0", "1", "2", "3"]
        del asked
        await until(lambda: office.succession.in_use == 1)

    run(lambda: Office(models[0], Slow), test)


def test_a_swap_is_logged(models: list[LoadedModel], caplog: pytest.LogCaptureFixture) -> None:
    """With the model before it, for whoever looks for the moment."""

    async def test(office: Office) -> None:
        await office.succession.serve(models[1])

    with caplog.at_level("INFO"):
        run(lambda: Office(models[0], Slow), test)
    assert "model replaced" in caplog.text

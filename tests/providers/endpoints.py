"""An endpoint without a cloud, for what all remote models have in common."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from leadscoring._engine import Rows
from leadscoring.lead import ServedBy
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.payload import JsonRows, Payload
from leadscoring.providers.remote import Remote
from leadscoring.settings import read_settings
from leadscoring.telemetry.metrics import Metrics

QUIET = {"MODEL_CHECK_SECONDS": "86400"}
"""One check of the golden rows, and no more."""

Outcome = BaseException | Literal["answers", "hangs"]


class Scripted:
    """Scores with a model, and does for each call what its script says; when that is at its end, what it ``then`` does."""

    name: ServedBy = "azure"

    def __init__(self, model: LoadedModel, script: Sequence[Outcome] = (), then: Outcome = "answers") -> None:
        self.payload: Payload = JsonRows(len(model.card.contract.columns), "data")
        self.script = list(script)
        self.then = then
        self.shift = 0.0
        """How far off all its margins are."""
        self.calls = 0
        self.opened = self.closed = False
        self._model = model

    def open(self) -> None:
        """Notes it."""
        self.opened = True

    async def close(self) -> None:
        """Notes it."""
        self.closed = True

    async def call(self, body: bytes, rows: int) -> list[float]:
        """Margins, an error, or nothing."""
        self.calls += 1
        outcome = self.script.pop(0) if self.script else self.then
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome == "hangs":
            await asyncio.Event().wait()
        found: list[float] = self._model.trees.predict(Rows(json.loads(body)["data"]))
        assert len(found) == rows
        return [margin + self.shift for margin in found]


def metrics() -> Metrics:
    """Those of a process on its own."""
    return Metrics((), "azure")


def remote(endpoint: Scripted, model: LoadedModel, /, *counted: Metrics, **environ: str) -> Remote:
    """The provider over an endpoint; ``counted`` are the metrics to count in."""
    needed = {"MODEL_ENDPOINT_PROVIDER": "azure", "AZURE_ML_ENDPOINT_URL": "https://unused.example/score"}
    return Remote(endpoint, model, read_settings(needed | environ), *(counted or (metrics(),)))


def run(provider: Remote, test: Callable[[Remote], Awaitable[None]], compares: bool = True) -> None:
    """Runs a test while the provider is open and, where it ``compares``, has tried the golden rows once."""

    async def whole() -> None:
        async with provider.running():
            while compares and provider.status()["state"] == "unknown":
                await asyncio.sleep(0)
            await test(provider)

    asyncio.run(whole())

"""The routes for operators and probes: identity, liveness, readiness, status, resources and metrics."""

import asyncio
import platform
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import asdict, astuple

import leadscoring
from leadscoring.access.keys import KeyRing
from leadscoring.api.answers import (
    About,
    Endpoint,
    Environment,
    Health,
    Liveness,
    Readiness,
    Resources,
    Security,
    ServedModel,
    Status,
    Workers,
    answer,
)
from leadscoring.api.ledger_report import LedgerReport, problems_of
from leadscoring.api.pulse import Pulse
from leadscoring.api.scrape import Scrape
from leadscoring.quality.published import published
from leadscoring.scoring.answer import API_VERSION
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.scoring.scorer import Scorer
from leadscoring.settings import Settings
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.vitals import Vitals
from leadscoring.transport.exchange import Exchange, Reply
from leadscoring.transport.failures import plain_problem


class Operations:
    """The routes about the service itself, and those with operational details.

    ``age`` is the uptime of the service in seconds; a worker may be younger.
    """

    def __init__(
        self,
        scorer: Scorer,
        metrics: Metrics,
        keys: KeyRing,
        vitals: Vitals,
        lifecycle: Lifecycle,
        pulse: Pulse,
        settings: Settings,
        age: float = 0.0,
    ) -> None:
        self._lifecycle = lifecycle
        self._scorer = scorer
        self._metrics = metrics
        self._keys = keys
        self._vitals = vitals
        self._pulse = pulse
        self._scrape = Scrape(self._exposition)
        self._env = settings.env
        self._workers = settings.workers
        self._tape = Path(settings.ledger_tape_path) if settings.ledger else None
        self._started = time.monotonic() - age
        self.ledger = LedgerReport(None)
        """Of the ledger, with LEDGER."""

    async def root(self, _exchange: Exchange) -> Reply:
        """Returns the identity of the service, and links."""
        return answer(
            About(
                service="Lead Scoring Service",
                version=leadscoring.__version__,
                api_version=API_VERSION,
                model=self._scorer.served.model.identity,
                score="/api/v1/score",
                docs="/docs",
                openapi="/openapi.json",
                health="/health",
            )
        )

    async def health(self, _exchange: Exchange) -> Reply:
        """Confirms that the process responds."""
        return answer(Health("healthy", now()))

    async def live(self, _exchange: Exchange) -> Reply:
        """Confirms that the process responds; returns the uptime of the service."""
        return answer(Liveness("alive", self._uptime(), now()))

    async def ready(self, exchange: Exchange) -> Reply:
        """Returns 200 if the golden rows of the model pass and the process does not drain, else 503."""
        model = self._scorer.served.model
        state = self._lifecycle.seen(model)
        if state != "ready":
            return plain_problem(503, f"the service is {state}", exchange.request_id, state=state)
        return answer(Readiness("ready", model.card.version, now()))

    async def status(self, _exchange: Exchange) -> Reply:
        """Returns the state of the service: uptime, model, workers, security and problems."""
        self._keys.refresh()
        served = self._scorer.served
        provider, model = served.provider, served.model
        serving, state = self._metrics.serving(), self._lifecycle.seen(model)
        endpoint = msgspec.convert(provider.status(), Endpoint | None)
        ledger = self.ledger.section()
        problems = [*self._problems(serving, endpoint), *problems_of(ledger)]
        return answer(
            Status(
                status=("degraded" if problems else "healthy") if state == "ready" else state,
                problems=problems,
                version=leadscoring.__version__,
                uptime_seconds=self._uptime(),
                model=ServedModel(
                    name=model.card.name,
                    version=model.card.version,
                    loaded=True,
                    n_features=len(model.card.contract),
                    endpoint_provider=provider.name,
                    endpoint=endpoint,
                ),
                environment=Environment(self._env, platform.python_version(), socket.gethostname()),
                workers=Workers(self._workers, serving),
                security=Security(self._keys.demo_active),
                ledger=ledger,
                timestamp=now(),
            )
        )

    def _problems(self, serving: int, endpoint: Endpoint | None) -> list[str]:
        """Returns the reasons why a service that responds is degraded."""
        problems = []
        if serving < self._workers:
            problems.append(f"{serving} of {self._workers} workers serve")
        if self._keys.refused:
            problems.append("the key file cannot be loaded, so the previous keys stay in effect; see the log")
        if endpoint is not None and endpoint.state not in ("healthy", "unknown"):
            problems.append(f"the model endpoint: {endpoint.state}")
        return problems

    async def resources(self, _exchange: Exchange) -> Reply:
        """Returns the resource usage of the machine and of the responding process."""
        measured = self._vitals.recent()
        if measured is None:
            measured = await asyncio.to_thread(self._vitals.measure)
        return answer(Resources(**asdict(measured), timestamp=now()))

    async def metrics(self, _exchange: Exchange) -> Reply:
        """Returns all metrics in Prometheus' text format."""
        return Reply(200, await self._scrape.read(), b"text/plain; version=0.0.4; charset=utf-8")

    async def _exposition(self) -> bytes:
        self._keys.refresh()
        self._metrics.workers(self._workers)
        self._metrics.keys(self._keys.demo_active, self._keys.next_expiry)
        self._metrics.machine(*await asyncio.to_thread(self._vitals.machine))
        self.ledger.count(self._metrics)
        if self._tape is not None:
            self._metrics.judged(*astuple(published(self._tape)))
        self._pulse.beat()
        return self._metrics.exposition()

    def _uptime(self) -> float:
        return round(time.monotonic() - self._started, 3)


def now() -> str:
    """Returns the current time in ISO 8601 and UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

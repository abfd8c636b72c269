"""What operators and their probes ask: who is this, does it live, is it ready."""

import asyncio
import platform
import socket
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

import leadscoring
from leadscoring.access.keys import KeyRing
from leadscoring.api.pulse import Pulse
from leadscoring.api.scrape import Scrape
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.scoring.scorer import API_VERSION, Scorer
from leadscoring.settings import Settings
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.vitals import Vitals
from leadscoring.transport.exchange import Exchange, Reply
from leadscoring.transport.failures import plain_problem


class Operations:
    """The routes that need no key, and those of operational detail, which need one when they are ``closed``.

    ``age`` is for how many seconds the service has run; a worker may be younger.
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
        self._closed = settings.operations_access == "key"
        self._workers = settings.workers
        self._started = time.monotonic() - age

    async def root(self, _exchange: Exchange) -> Reply:
        """What this service is, and where to go next."""
        return said(
            {
                "service": "Lead Scoring Service",
                "version": leadscoring.__version__,
                "api_version": API_VERSION,
                "model": self._scorer.model.identity,
                "score": "/api/v1/score",
                "docs": "/docs",
                "openapi": "/openapi.json",
                "health": "/health",
            }
        )

    async def health(self, _exchange: Exchange) -> Reply:
        """The process answers."""
        return said({"status": "healthy", "timestamp": now()})

    async def live(self, _exchange: Exchange) -> Reply:
        """The process answers, and for how long the service has run."""
        return said({"status": "alive", "uptime_seconds": self._uptime(), "timestamp": now()})

    async def ready(self, exchange: Exchange) -> Reply:
        """The model is loaded, its golden rows score as they should, and the process was not asked to end."""
        model = self._scorer.model
        state = self._lifecycle.seen(model)
        if state != "ready":
            return plain_problem(503, f"the service is {state}", exchange.request_id, state=state)
        return said({"status": "ready", "model_version": model.card.version, "timestamp": now()})

    async def status(self, exchange: Exchange) -> Reply:
        """What runs here, since when, and whether it is set up safely."""
        self._admit(exchange)
        self._keys.refresh()
        provider, model = self._scorer.provider, self._scorer.model
        serving, state, endpoint = self._metrics.serving(), self._lifecycle.seen(model), provider.status()
        problems = self._problems(serving, endpoint)
        return said(
            {
                "status": ("degraded" if problems else "healthy") if state == "ready" else state,
                "problems": problems,
                "version": leadscoring.__version__,
                "uptime_seconds": self._uptime(),
                "model": {
                    "name": model.card.name,
                    "version": model.card.version,
                    "loaded": True,
                    "n_features": len(model.card.contract),
                    "endpoint_provider": provider.name,
                    "endpoint": endpoint,
                },
                "environment": {
                    "name": self._env,
                    "python_version": platform.python_version(),
                    "hostname": socket.gethostname(),
                },
                "workers": {"wanted": self._workers, "serving": serving},
                "security": {"demo_key_active": self._keys.demo_active},
                "timestamp": now(),
            }
        )

    def _problems(self, serving: int, endpoint: dict[str, Any] | None) -> list[str]:
        """What keeps a service that answers from being healthy."""
        found = []
        if serving < self._workers:
            found.append(f"{serving} of {self._workers} workers serve")
        if self._keys.refused:
            found.append("the key file cannot be loaded, so the previous keys stay in effect; the log has the reason")
        if endpoint is not None and endpoint["state"] not in ("healthy", "unknown"):
            found.append(f"the model endpoint: {endpoint['state']}")
        return found

    async def resources(self, exchange: Exchange) -> Reply:
        """How the machine and the process that answers are doing."""
        self._admit(exchange)
        measured = self._vitals.recent()
        if measured is None:
            measured = await asyncio.to_thread(self._vitals.measure)
        return said(measured | {"timestamp": now()})

    async def metrics(self, exchange: Exchange) -> Reply:
        """Every metric, in Prometheus' text format."""
        self._admit(exchange)
        return Reply(200, await self._scrape.read(), b"text/plain; version=0.0.4; charset=utf-8")

    async def _exposition(self) -> bytes:
        self._keys.refresh()
        self._metrics.workers(self._workers)
        self._metrics.keys(self._keys.demo_active, self._keys.next_expiry)
        self._metrics.machine(*await asyncio.to_thread(self._vitals.machine))
        self._pulse.beat()
        return self._metrics.exposition()

    def _admit(self, exchange: Exchange) -> None:
        if self._closed:
            exchange.key = self._keys.check(exchange.presented_key, "admin").label

    def _uptime(self) -> float:
        return round(time.monotonic() - self._started, 3)


def said(value: dict[str, Any]) -> Reply:
    """A value as a JSON reply."""
    return Reply(200, msgspec.json.encode(value))


def now() -> str:
    """The time, in ISO 8601 and UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

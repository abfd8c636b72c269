"""What operators and their probes ask: who is this, does it live, is it ready."""

import time
from datetime import UTC, datetime
from typing import Any

import msgspec

import leadscoring
from leadscoring.api.exchange import Exchange, Reply
from leadscoring.api.failures import plain_problem
from leadscoring.api.lifecycle import Lifecycle
from leadscoring.metrics import Metrics
from leadscoring.scoring import API_VERSION, Scorer


class Operations:
    """The routes that need no key."""

    def __init__(self, scorer: Scorer, metrics: Metrics, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._scorer = scorer
        self._metrics = metrics
        self._started = time.monotonic()

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
        """The process answers, and for how long it has."""
        uptime = round(time.monotonic() - self._started, 3)
        return said({"status": "alive", "uptime_seconds": uptime, "timestamp": now()})

    async def ready(self, exchange: Exchange) -> Reply:
        """The model is loaded, its golden rows score as they should, and the process was not asked to end."""
        model = self._scorer.model
        state = self._lifecycle.seen(model)
        if state != "ready":
            return plain_problem(503, f"the service is {state}", exchange.request_id, state=state)
        return said({"status": "ready", "model_version": model.card.version, "timestamp": now()})

    async def metrics(self, _exchange: Exchange) -> Reply:
        """Every metric, in Prometheus' text format."""
        return Reply(200, self._metrics.exposition(), b"text/plain; version=0.0.4; charset=utf-8")


def said(value: dict[str, Any]) -> Reply:
    """A value as a JSON reply."""
    return Reply(200, msgspec.json.encode(value))


def now() -> str:
    """The time, in ISO 8601 and UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

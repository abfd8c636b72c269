"""Every metric of the service, declared once, and the handles that requests write to.

No label is ever made of what a client sent: a path that is no route is ``unknown``.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from leadscoring.lead import Scored
from leadscoring.model.card import TIERS

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Edges of request times: the guide's alerts stand at 0.1 s and 1 s."""

MODEL_SECONDS = (0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5)
SCORES = tuple(step / 20 for step in range(1, 20))
BATCHES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)


class Metrics:
    """The metrics of one process; with ``shared``, of all workers that share its folder."""

    def __init__(self, provider: str, shared: bool = False) -> None:
        self.registry = CollectorRegistry()
        self.shared = shared
        self._requests = Counter(
            "http_requests", "Requests answered", ["method", "endpoint", "status"], registry=self.registry
        )
        self._durations = Histogram(
            "http_request_duration_seconds",
            "Time from a request's head to the answer sent",
            ["method", "endpoint"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.active = Gauge(
            "http_requests_active", "Requests being answered", multiprocess_mode="livesum", registry=self.registry
        )
        predictions = Counter(
            "model_predictions", "Leads scored", ["endpoint_provider", "tier"], registry=self.registry
        )
        self._tiers = {tier: predictions.labels(provider, tier) for tier in TIERS}
        self.latency = Histogram(
            "model_prediction_latency_seconds",
            "Time of one call of the model endpoint",
            ["endpoint_provider"],
            buckets=MODEL_SECONDS,
            registry=self.registry,
        ).labels(provider)
        self._errors = Counter(
            "model_prediction_errors",
            "Leads and calls that could not be scored",
            ["endpoint_provider", "error_type"],
            registry=self.registry,
        )
        self._raw_scores = Histogram(
            "model_prediction_raw_scores",
            "Calibrated probabilities given",
            ["endpoint_provider"],
            buckets=SCORES,
            registry=self.registry,
        ).labels(provider)
        self._buckets = Histogram(
            "model_prediction_buckets",
            "Buckets given, 5 is best",
            ["endpoint_provider"],
            buckets=(1, 2, 3, 4, 5),
            registry=self.registry,
        ).labels(provider)
        self._batches = Histogram("model_batch_size", "Leads in a batch", buckets=BATCHES, registry=self.registry)
        self._provider = provider
        self._seen: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """One request was answered; ``endpoint`` is the route, never the path that was sent."""
        handles = self._seen.get((method, endpoint, status))
        if handles is None:
            known = method if method in METHODS else "other"
            handles = self._requests.labels(known, endpoint, str(status)), self._durations.labels(known, endpoint)
            if known == method:
                self._seen[method, endpoint, status] = handles
        handles[0].inc()
        handles[1].observe(seconds)

    def scored(self, answer: Scored) -> None:
        """One lead was scored."""
        score = answer.score
        self._tiers[score.tier].inc()
        self._raw_scores.observe(score.raw_score)
        self._buckets.observe(score.bucket)

    def batch(self, size: int, answers: Iterable[object]) -> None:
        """A batch of ``size`` leads was answered with these scores and errors."""
        self._batches.observe(size)
        for answer in answers:
            if isinstance(answer, Scored):
                self.scored(answer)
            else:
                self.failed(type(answer).__name__)

    def failed(self, error_type: str) -> None:
        """A lead or call could not be scored; ``error_type`` is the name of one of our errors."""
        self._errors.labels(self._provider, error_type).inc()

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format, over all workers when they share a folder."""
        if not self.shared:
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return generate_latest(everyone)

"""Every metric of the service, declared once, and the handles that requests write to.

No label is ever made of what a client sent: a path that is no route is ``unknown``.
"""

from collections.abc import Iterable
from pathlib import Path

from leadscoring import errors
from leadscoring.lead import Scored
from leadscoring.model.card import TIERS
from leadscoring.tally import OTHER, Count, Family, Spread, Tally

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", OTHER)
STATUSES = (*map(str, (200, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 431, 499, 500, 502, 503, 504)), OTHER)
UNKNOWN = "unknown"
"""The endpoint of a request whose path is no route."""

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Edges of request times: the guide's alerts stand at 0.1 s and 1 s."""

MODEL_SECONDS = (0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5)
STAGES = ("decode", "predict", "explain", "encode", "queue")
REJECTIONS = ("overloaded", "deadline", "rate_limit", "connections", "header_time", "body_time", "headers", "malformed")
SCORES = tuple(step / 20 for step in range(1, 20))
BATCHES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)


def error_types(tree: type[errors.LeadScoringError] = errors.LeadScoringError) -> tuple[str, ...]:
    """The names of all errors below a branch of the tree, itself included."""
    below = [name for kind in tree.__subclasses__() for name in error_types(kind)]
    return tuple(dict.fromkeys([tree.__name__, *below]))


def declared(endpoints: Iterable[str], provider: str) -> tuple[Family, ...]:
    """All metrics of a service with these routes and this model provider."""
    routes = (*sorted(set(endpoints)), UNKNOWN, OTHER)
    request = {"method": METHODS, "endpoint": routes}
    endpoint = {"endpoint_provider": (provider,)}
    failure = {**endpoint, "error_type": (*error_types(), OTHER)}
    return (
        Family("counter", "http_requests", "Requests answered", {**request, "status": STATUSES}),
        Family("histogram", "http_request_duration_seconds", "Time to answer a request", request, SECONDS),
        Family("gauge", "http_requests_active", "Requests being answered"),
        Family("counter", "model_predictions", "Leads scored", {**endpoint, "tier": TIERS}),
        Family("histogram", "model_prediction_latency_seconds", "Time to get margins", endpoint, MODEL_SECONDS),
        Family(
            "histogram",
            "scoring_stage_seconds",
            "Time in a stage of scoring (queue: of those that waited)",
            {"stage": STAGES},
            MODEL_SECONDS,
        ),
        Family("counter", "model_prediction_errors", "Leads and calls that were not scored", failure),
        Family("histogram", "model_prediction_raw_scores", "Calibrated probabilities given", endpoint, SCORES),
        Family("histogram", "model_prediction_buckets", "Buckets given, 5 is best", endpoint, (1, 2, 3, 4, 5)),
        Family("counter", "requests_rejected", "Requests refused to protect the service", {"reason": REJECTIONS}),
        Family("gauge", "scoring_queue_requests", "Requests that wait for their turn at scoring"),
        Family("counter", "log_lines_dropped", "Log lines that could not be written"),
        Family("histogram", "model_batch_size", "Leads in a batch", {}, BATCHES),
    )


class Metrics:
    """The metrics of one process; with ``file``, of all workers that share it."""

    def __init__(self, endpoints: Iterable[str], provider: str, file: Path | None = None) -> None:
        self._tally = Tally(declared(endpoints, provider), file)
        self._provider = provider
        self._requests: dict[tuple[str, str, int], tuple[Count, Spread]] = {}
        self._errors: dict[str, Count] = {}
        self._tiers = [self._tally.count("model_predictions", provider, tier) for tier in reversed(TIERS)]
        self._raw_scores = self._tally.spread("model_prediction_raw_scores", provider)
        self._buckets = self._tally.spread("model_prediction_buckets", provider)
        self._batches = self._tally.spread("model_batch_size")
        self.active = self._tally.count("http_requests_active")
        self._latency = self._tally.spread("model_prediction_latency_seconds", provider)
        self._rejections = {reason: self._tally.count("requests_rejected", reason) for reason in REJECTIONS}
        self.queued = self._tally.count("scoring_queue_requests")
        self.log_lines_dropped = self._tally.count("log_lines_dropped")
        self._stages = [self._tally.spread("scoring_stage_seconds", stage).observe for stage in STAGES]

    def answered(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """One request was answered; ``endpoint`` is the route, never the path that was sent."""
        handles = self._requests.get((method, endpoint, status))
        if handles is None:
            handles = self._handles(method, endpoint, status)
        handles[0].add()
        handles[1].observe(seconds)

    def _handles(self, method: str, endpoint: str, status: int) -> tuple[Count, Spread]:
        handles = (
            self._tally.count("http_requests", method, endpoint, str(status)),
            self._tally.spread("http_request_duration_seconds", method, endpoint),
        )
        if method in METHODS:  # a client may make up methods, and they must not pile up here
            self._requests[method, endpoint, status] = handles
        return handles

    def timed(self, decode: float, predict: float, explain: float) -> None:
        """One request spent these seconds in stages of scoring."""
        stages = self._stages
        stages[0](decode)
        stages[1](predict)
        stages[2](explain)
        self._latency.observe(predict)

    def waited(self, seconds: float) -> None:
        """One request waited for its turn."""
        self._stages[4](seconds)

    def rejected(self, reason: str) -> None:
        """One request, or connection, was refused to protect the service."""
        self._rejections[reason].add()

    def encoded(self, seconds: float) -> None:
        """One answer was turned into bytes."""
        self._stages[3](seconds)

    def scored(self, answer: Scored) -> None:
        """One lead was scored."""
        score = answer.score
        self._tiers[score.bucket - 1].add()
        self._raw_scores.observe(score.raw_score)
        self._buckets.observe(score.bucket)

    def batch(self, size: int) -> None:
        """A batch of ``size`` leads was answered."""
        self._batches.observe(size)

    def places(self, answers: Iterable[object]) -> None:
        """These scores and errors stand in the answer to a batch."""
        for answer in answers:
            if isinstance(answer, Scored):
                self.scored(answer)
            else:
                self.failed(type(answer).__name__)

    def failed(self, error_type: str) -> None:
        """A lead or call could not be scored; ``error_type`` is the name of one of our errors."""
        count = self._errors.get(error_type)
        if count is None:
            count = self._errors[error_type] = self._tally.count("model_prediction_errors", self._provider, error_type)
        count.add()

    def close(self) -> None:
        """Leaves the file to the other workers."""
        self._tally.close()

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format, over all workers that share the file."""
        return self._tally.exposition()

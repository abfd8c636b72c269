"""Every metric of the service, declared once, and the handles that requests write to.

No label contains client input: a path that matches no route is ``unknown``.
"""

from collections.abc import Callable, Iterable, Sequence
from math import nan
from pathlib import Path
from time import monotonic

import msgspec

from leadscoring import __version__, errors
from leadscoring.lead import Score, Scored
from leadscoring.model.card import TIERS
from leadscoring.telemetry import live_quality
from leadscoring.telemetry.live_quality import LiveQuality
from leadscoring.telemetry.tally import OTHER, Count, Family, Tally

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", OTHER)
STATUSES = (
    *map(str, (200, 400, 401, 403, 404, 405, 406, 408, 413, 415, 422, 429, 431, 499, 500, 502, 503, 504)),
    OTHER,
)
UNKNOWN = "unknown"
"""The endpoint of a request whose path is no route."""

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Edges of request times: the guide's alerts stand at 0.1 s and 1 s."""

MODEL_SECONDS = (0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5)
STAGES = ("decode", "predict", "explain", "encode")
QUEUE = "queue"
"""The stage before the others, of those requests that had to wait."""

BEAT = "worker_beat_seconds"
STALL = "event_loop_longest_stall_seconds"

BEAT_SECONDS = 2.0
"""A process that has not reported for this long counts as not serving."""

REJECTIONS = ("overloaded", "deadline", "rate_limit", "connections", "header_time", "body_time", "headers", "malformed",
              "memory", "slow_reader", "descriptors")  # fmt: skip
SCORES = tuple(step / 20 for step in range(1, 20))
BATCHES = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)


ATTEMPTS = ("ok", "timeout", "unreachable", "throttled", "not_ready", "failed", "refused", "rejected",
            "answer_invalid", "abandoned")  # fmt: skip
"""The outcomes of a call to a remote model: success, an error code, or abandoned by its caller."""

OUTCOMES = ("200", "500", "502", "503", "504")
"""Of routes that are timed, failed requests are shown at zero, so that an alert on their rate includes the first one.
So are successful ones, or the ratio after the first failure would be 1."""


def error_types(tree: type[errors.LeadScoringError] = errors.LeadScoringError) -> tuple[str, ...]:
    """The names of all errors below a branch of the tree, itself included."""
    below = [name for kind in tree.__subclasses__() for name in error_types(kind)]
    return tuple(dict.fromkeys([tree.__name__, *below]))


def declared(
    endpoints: Iterable[str], provider: str, env: str = "", timed: Iterable[tuple[str, str]] = ()
) -> tuple[Family, ...]:
    """All metrics of a service with these routes and this model provider, in this environment.

    The times and outcomes of those routes that are ``timed``, by method and path, are shown while there are none.
    """
    shown = frozenset(timed)
    outcomes = frozenset((*request, status) for request in shown for status in OUTCOMES)
    routes = (*sorted(set(endpoints)), UNKNOWN, OTHER)
    request = {"method": METHODS, "endpoint": routes}
    endpoint = {"endpoint_provider": (provider,)}
    failure = {**endpoint, "error_type": (*error_types(), OTHER)}
    return (
        Family("counter", "http_requests", "Requests answered", {**request, "status": STATUSES}, shown=outcomes),
        Family("histogram", "http_request_duration_seconds", "Time to answer a request", request, SECONDS, shown=shown),
        Family("gauge", "http_requests_active", "Requests in progress"),
        Family("counter", "model_predictions", "Leads scored", {**endpoint, "tier": TIERS}),
        Family("histogram", "model_prediction_latency_seconds", "Time to compute margins", endpoint, MODEL_SECONDS),
        Family(
            "histogram",
            "scoring_stage_seconds",
            "Time per request in each stage of scoring",
            {"stage": (*STAGES, QUEUE)},
            MODEL_SECONDS,
        ),
        Family("counter", "model_prediction_errors", "Leads and calls that could not be scored", failure),
        Family("histogram", "model_prediction_raw_scores", "Predicted probabilities (raw_score)", endpoint, SCORES),
        Family("histogram", "model_prediction_buckets", "Buckets of leads, 5 is best", endpoint, (1, 2, 3, 4, 5)),
        Family("counter", "requests_rejected", "Requests rejected to protect the service", {"reason": REJECTIONS}),
        Family("gauge", "scoring_queue_requests", "Requests waiting in the scoring queue"),
        Family("counter", "log_lines_dropped", "Log lines dropped because they could not be written"),
        Family("counter", "ledger_unrecorded_leads", "Leads that were scored but could not be kept for the ledger"),
        Family("counter", "ledger_moved_leads", "Leads moved from the tape to the ledger", alike=True),
        Family("counter", "ledger_failures", "Attempts of the keeper that failed: the database is down", alike=True),
        Family("counter", "ledger_damaged_segments", "Damaged parts of the tape that were set aside", alike=True),
        Family("gauge", "ledger_lag_seconds", "Age of the earliest score that is not in the ledger yet", alike=True),
        Family("gauge", "ledger_down", "1 when the ledger's database or its keeper does not respond", alike=True),
        Family("gauge", "ledger_tape_bytes", "Size of the tape: scores that are not yet in the ledger", alike=True),
        Family("histogram", "model_batch_size", "Leads per batch", {}, BATCHES),
        Family("gauge", BEAT, "When a process last reported that it serves, on the monotonic clock", hidden=True),
        Family("gauge", "api_demo_key_active", "1 when the service accepts the demo key, else 0", alike=True),
        Family(
            "gauge",
            "api_key_expiry_timestamp_seconds",
            "Unix time at which the next key expires; +Inf for never",
            alike=True,
        ),
        *of_endpoint(provider),
        *live_quality.families(),
        *of_process(env),
    )


def of_endpoint(provider: str) -> tuple[Family, ...]:
    """The metrics of a remote model; a local one has none of them."""
    remote = {"endpoint_provider": () if provider == "local" else (provider,)}
    breaker = "Circuit breaker of the remote model: 0 closed (normal), 1 half-open (one trial call), 2 open (no calls)"
    matches = "1 when the remote model reproduces the certified golden-row scores, 0 when it does not, NaN when unknown"
    return (
        Family("gauge", "model_endpoint_breaker_state", breaker, remote, worst=True),
        Family(
            "counter",
            "model_endpoint_attempts",
            "Calls sent to the remote model, retries included",
            {**remote, "outcome": ATTEMPTS},
        ),
        Family("counter", "model_fallback_answers", "Leads scored by the local fallback", remote),
        Family("gauge", "model_endpoint_matches", matches, remote, alike=True),
    )


def of_process(env: str) -> tuple[Family, ...]:
    """The metrics of the service's processes, and of their container or machine."""
    about = {"env": (env,), "version": (__version__,)}
    return (
        Family("gauge", "service_info", "Always 1; the labels are the environment and the version", about, alike=True),
        Family("gauge", "service_workers", "Configured number of workers", alike=True),
        Family("gauge", "service_ready_workers", "Workers that are ready to score", alike=True),
        Family("counter", "process_cpu_seconds", "CPU time of all workers in seconds"),
        Family("gauge", "process_resident_memory_bytes", "Memory of all workers; shared pages count in each"),
        Family("gauge", "process_open_fds", "Open file descriptors of all workers"),
        Family("gauge", STALL, "Longest time that an event loop was blocked in the last minute", worst=True),
        Family("gauge", "process_start_time_seconds", "Unix time at which the service started", alike=True),
        Family("counter", "system_cpu_seconds", "CPU time used in the container or machine in seconds", alike=True),
        Family("gauge", "system_cpu_cores", "CPUs that the service may use", alike=True),
        Family("gauge", "system_memory_usage_ratio", "Share of container or machine memory in use", alike=True),
        Family("gauge", "system_disk_usage_ratio", "Share of the root file system in use", alike=True),
    )


def metrics_markdown(families: Iterable[Family]) -> str:
    """A table of metrics as Markdown for the documentation, with the names in ``/metrics``."""
    lines = ["| Metric | Type | Labels | Meaning |", "|---|---|---|---|"]
    for family in families:
        if family.hidden:
            continue
        name = family.name + ("_total" if family.kind == "counter" else "")
        labels = ", ".join(f"`{label}`" for label in family.labels)
        lines.append(f"| `{name}` | {family.kind} | {labels} | {family.help} |")
    return "\n".join(lines)


class Spent(msgspec.Struct, gc=False):
    """Seconds that one request spent in each stage of scoring; a batch in parts adds them up."""

    decode: float = 0.0
    predict: float = 0.0
    explain: float = 0.0
    encode: float = 0.0
    waited: float = 0.0
    """Seconds of waiting for a remote model."""
    places: int = 0
    """The number of leads in a batch, valid or not, once it is read."""

    def stages(self) -> tuple[float, float, float, float]:
        """In the order of STAGES."""
        return self.decode, self.predict, self.explain, self.encode


class Metrics:
    """The metrics of one process; with ``file``, of all workers that share it.

    ``area`` numbers of each process are reserved for counts per model; ``of_model`` writes those of the current and
    the previous models.
    """

    def __init__(
        self,
        endpoints: Iterable[str],
        provider: str,
        file: Path | None = None,
        env: str = "",
        area: int = 0,
        timed: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.tally = tally = Tally(declared(endpoints, provider, env, timed), file, area)
        self.of_model: Callable[[], bytes] = bytes
        self._provider = provider
        self._answered: dict[tuple[str, str, int], Callable[..., None]] = {}
        self._turned_away: dict[str, Callable[..., None]] = {}
        self._errors: dict[str, Count] = {}
        self._active = tally.count("http_requests_active")
        self._batches = tally.spread("model_batch_size")
        self._demo_active = tally.count("api_demo_key_active")
        self._next_expiry = tally.count("api_key_expiry_timestamp_seconds")
        self._rejections = {reason: tally.count("requests_rejected", reason) for reason in REJECTIONS}
        tally.count("service_info", env, __version__).set(1.0)
        self._workers = tally.count("service_workers")
        self._ready = tally.count("service_ready_workers")
        self._started = tally.count("process_start_time_seconds")
        self._process = counts(tally, "process", "cpu_seconds resident_memory_bytes open_fds")
        self._machine = counts(tally, "system", "cpu_seconds cpu_cores memory_usage_ratio disk_usage_ratio")
        self.judged = LiveQuality(tally).set
        self.stall = tally.count(STALL).set
        self.beat = tally.count(BEAT).set
        self.queued = tally.count("scoring_queue_requests")
        self.log_lines_dropped = tally.count("log_lines_dropped")
        self.unrecorded: Callable[[float], None] = tally.count("ledger_unrecorded_leads").add
        self._ledger = counts(tally, "ledger", "moved_leads failures damaged_segments lag_seconds down")
        self.tape_bytes: Callable[[float], None] = tally.count("ledger_tape_bytes").set
        self.waited = tally.spread("scoring_stage_seconds", QUEUE).observe
        stages = [tally.spread("scoring_stage_seconds", stage) for stage in STAGES]
        staged = (tally.spread("model_prediction_latency_seconds", provider), *stages)
        scored = [
            (
                tally.count("model_predictions", provider, tier),
                tally.spread("model_prediction_raw_scores", provider),
                tally.spread("model_prediction_buckets", provider),
            )
            for tier in reversed(TIERS)
        ]
        self._staged = tally.together(*staged)
        self._scored = [tally.together(*handles) for handles in scored]
        self._alone = [tally.together(*handles, *staged) for handles in scored]

    def _counts(self, prefix: str, *names: str) -> tuple[Count, ...]:
        return tuple(self.tally.count(f"{prefix}_{name}") for name in names)

    def arrived(self) -> None:
        """A request has started."""
        self._active.add()

    def answered(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """One request was answered; ``endpoint`` is the route, never the path that was sent."""
        record = self._answered.get((method, endpoint, status)) or self._recorder(method, endpoint, status)
        record(1.0, seconds, -1.0)

    def _recorder(self, method: str, endpoint: str, status: int) -> Callable[..., None]:
        record = self.tally.together(
            self.tally.count("http_requests", method, endpoint, str(status)),
            self.tally.spread("http_request_duration_seconds", method, endpoint),
            self._active,
        )
        if method in METHODS:  # a client may make up methods, and they must not pile up here
            self._answered[method, endpoint, status] = record
        return record

    def timed(self, spent: Spent) -> None:
        """One request went through all stages of scoring."""
        self._staged(spent.predict, spent.decode, spent.predict, spent.explain, spent.encode)

    def scored_alone(self, score: Score, spent: Spent) -> None:
        """The only lead of a request was scored: counts everything about it in one call."""
        predict = spent.predict
        self._alone[score.bucket - 1](
            1.0, score.raw_score, score.bucket, predict, spent.decode, predict, spent.explain, spent.encode
        )

    def rejected(self, reason: str) -> None:
        """One request, or connection, was rejected to protect the service."""
        self._rejections[reason].add()

    def turned_away(self, endpoint: str, waited: float = 0.0) -> None:
        """A request was rejected with a 503 before its body was read, because of overload.

        ``waited`` is the seconds that it waited before that, which is all the time that it took.
        """
        if waited:
            self.waited(waited)
        record = self._turned_away.get(endpoint)
        if record is None:
            record = self._turned_away[endpoint] = self.tally.together(
                self.tally.count("http_requests", "POST", endpoint, "503"),
                self.tally.spread("http_request_duration_seconds", "POST", endpoint),
                self._rejections["overloaded"],
            )
        record(1.0, waited, 1.0)

    def scored(self, score: Score) -> None:
        """One lead was scored."""
        self._scored[score.bucket - 1](1.0, score.raw_score, score.bucket)

    def batch(self, size: int) -> None:
        """A batch of ``size`` leads was answered."""
        self._batches.observe(size)

    def places(self, answers: Sequence[object]) -> None:
        """Counts the scores and errors in the response to a batch."""
        for answer in answers:
            if isinstance(answer, Scored):
                self.scored(answer.score)
            else:
                self.failed(type(answer).__name__)

    def failed(self, error_type: str) -> None:
        """A lead or call could not be scored; ``error_type`` is the name of one of our errors."""
        count = self._errors.get(error_type)
        if count is None:
            count = self._errors[error_type] = self.tally.count("model_prediction_errors", self._provider, error_type)
        count.add()

    def attempted(self, outcome: str) -> None:
        """A call to the remote model ended with one of ATTEMPTS."""
        self.tally.count("model_endpoint_attempts", self._provider, outcome).add()

    def breaker(self, state: int) -> None:
        """The circuit breaker of the remote model has changed state."""
        self.tally.count("model_endpoint_breaker_state", self._provider).set(float(state))

    def matches(self, as_certified: bool | None) -> None:
        """Whether the remote model reproduces the certified golden-row scores; ``None`` if unknown."""
        known = nan if as_certified is None else float(as_certified)
        self.tally.count("model_endpoint_matches", self._provider).set(known)

    def fell_back(self, leads: int) -> None:
        """The local fallback scored this many leads."""
        self.tally.count("model_fallback_answers", self._provider).add(leads)

    def keys(self, demo_active: bool, next_expiry: float) -> None:
        """Whether the demo key is accepted, and when the next valid key expires."""
        self._demo_active.set(float(demo_active))
        self._next_expiry.set(next_expiry)

    def serving(self) -> int:
        """The number of processes that serve now."""
        now = monotonic()
        return sum(now - beat < BEAT_SECONDS for beat in self.tally.each(BEAT) if beat)

    def workers(self, wanted: int) -> None:
        """Sets the configured number of workers, and the number of those that serve."""
        self._workers.set(wanted)
        self._ready.set(self.serving())

    def started(self, moment: float) -> None:
        """Sets the start time of the service."""
        self._started.set(moment)

    def process(self, cpu_seconds: float, memory_bytes: float, open_fds: float) -> None:
        """What this process uses; of CPU time, the seconds since the last call."""
        cpu, memory, descriptors = self._process
        cpu.add(cpu_seconds)
        memory.set(memory_bytes)
        descriptors.set(open_fds)

    def machine(self, cpu_seconds: float, cpu_cores: float, memory_ratio: float, disk_ratio: float) -> None:
        """What is used of the container or machine, as ``/metrics`` reports it."""
        for count, value in zip(self._machine, (cpu_seconds, cpu_cores, memory_ratio, disk_ratio), strict=True):
            count.set(value)

    def ledger(self, moved: float, failures: float, damaged: float, lag_seconds: float, down: float) -> None:
        """Sets what the keeper of the ledger reports."""
        for count, value in zip(self._ledger, (moved, failures, damaged, lag_seconds, down), strict=True):
            count.set(value)

    def close(self) -> None:
        """Closes this process's view of the shared file."""
        self.tally.close()

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format, over all workers that share the file."""
        return self.tally.exposition() + self.of_model()


def counts(tally: Tally, prefix: str, names: str) -> tuple[Count, ...]:
    """Returns the counts of several metrics whose names begin alike."""
    return tuple(tally.count(f"{prefix}_{name}") for name in names.split())

"""Opens everything that the service is made of, and closes it in reverse.

Every collaborator can be handed in, so that a test builds the service that it wants.
"""

import gc
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import replace

from starlette.applications import Starlette

from leadscoring._engine import count_colons
from leadscoring.access.key_file import Scope
from leadscoring.access.keys import KeyRing
from leadscoring.access.rate_limit import RateLimit
from leadscoring.api.app import PATHS, App
from leadscoring.api.framework import Lifespan, RouteTable
from leadscoring.api.operations import Operations
from leadscoring.api.pulse import Pulse
from leadscoring.api.routes import SINGLE_PATH, detail_table, route_table
from leadscoring.api.score import Scoring
from leadscoring.api.service import Service
from leadscoring.contract.features import Contract
from leadscoring.contract.lenience import LenientDecoder
from leadscoring.errors import CannotStart
from leadscoring.model.loaded import LoadedModel, encoder
from leadscoring.providers.provider import Provider
from leadscoring.providers.table import is_installed, provider_of
from leadscoring.quality.drift import baseline
from leadscoring.quality.model_counts import AREA, ModelCounts
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.scoring.scorer import Scorer
from leadscoring.serving.served_model import kept_model, model_at_path
from leadscoring.serving.shared_folder import Shared
from leadscoring.settings import Settings
from leadscoring.telemetry.access_log import AccessLog
from leadscoring.telemetry.log import Log, configure
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.vitals import Vitals, age, started_at
from leadscoring.transport.admission import Admission
from leadscoring.transport.backlog import Backlog
from leadscoring.transport.buffers import Buffers, most
from leadscoring.transport.compression import with_compression
from leadscoring.transport.kept import Kept
from leadscoring.transport.listener import CONNECTIONS, listening

log = Log("leadscoring")

GARBAGE_THRESHOLD = 50_000
"""New objects between two collections: a request makes dozens, and none of them in a cycle."""

TRACES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
"""What the extra ``otel`` brings."""


def create(settings: Settings, shared: Shared | None = None) -> App:
    """The application of these settings, for the server of one process to run; ``shared`` is what it has with others.

    Raises ``KeyFileInvalid`` or a ``ModelError`` when it cannot be served.
    """
    closing = ExitStack()
    service = closing.enter_context(open_service(settings, PATHS, shared=shared))
    lifecycle, backlog = Lifecycle(), backlog_of(service)
    admission = backlog.admission
    pulse = Pulse(service.scorer, lifecycle, service.metrics, service.vitals)
    first = os.getppid() if shared else os.getpid()
    service.metrics.started(started_at(first))
    operations = Operations(
        service.scorer, service.metrics, service.keys, service.vitals, lifecycle, pulse, settings, age(first)
    )
    limit = RateLimit(settings.rate_limit_per_minute, shared.limits if shared else None)
    closing.callback(limit.close)
    provider = service.scorer.provider
    scoring = Scoring(service.scorer, service.keys, service.metrics, settings, admission, limit)
    routes = route_table(service, scoring, operations, admission, lifecycle, limit)
    detail = with_compression(detail_table(operations), admission)
    if settings.operations_access != "port":
        beside = (provider.running(), pulse.beating())
        routes, life = routes | detail, lifespan(lifecycle, closing, *beside)
        return application(service, scoring, routes, life, lifecycle, backlog)
    apart = App(service, detail, lifespan(lifecycle, ExitStack()), lifecycle, backlog)
    apart.gate.limits = apart.gate.limits._replace(connections=CONNECTIONS)
    second = listening(apart, settings.host, settings.operations_port)
    opened = lifespan(lifecycle, closing, provider.running(), second, pulse.beating())
    return application(service, scoring, routes, opened, lifecycle, backlog)


def application(
    service: Service, scoring: Scoring, routes: RouteTable, life: Lifespan, lifecycle: Lifecycle, backlog: Backlog
) -> App:
    """The application of the port that scores: one that tells of its requests where traces are on.

    What is traced, or asks a remote model, has to have a task of its own, and is not answered where it was read.
    """
    if not service.settings.otel_traces:
        prompt = {SINGLE_PATH: scoring.one} if service.settings.model_endpoint_provider == "local" else {}
        return App(service, routes, life, lifecycle, backlog, prompt)
    from leadscoring.api.traced import told_away, traced

    app = App(service, traced(routes), life, lifecycle, backlog)
    app.gate.turn_away = told_away(app.turn_away)
    return app


def backlog_of(service: Service) -> Backlog:
    """The lines in front of this process's scoring."""
    settings, metrics = service.settings, service.metrics
    longest = settings.max_queue_seconds
    bytes_each_way = most(settings.max_buffered_bytes, settings.max_body_bytes)
    kept = Kept(bytes_each_way, settings.request_timeout_seconds)
    admission = Admission(longest, settings.request_timeout_seconds, metrics.queued.set, metrics.waited, kept)
    return Backlog(admission, longest, Buffers(bytes_each_way, metrics.rejected))


def lifespan(lifecycle: Lifecycle, closing: ExitStack, *beside: AbstractAsyncContextManager[None]) -> Lifespan:
    """What is open while the server runs: all that is ``beside``, and what ``closing`` closes at the end."""

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as opened:
            for context in beside:
                await opened.enter_async_context(context)
            lifecycle.start()
            yield
        closing.close()

    return life


@contextmanager
def open_service(
    settings: Settings,
    endpoints: Iterable[str],
    model: LoadedModel | None = None,
    shared: Shared | None = None,
) -> Iterator[Service]:
    """The service of these settings, open as long as the context is.

    ``endpoints`` are the routes to count by; ``shared`` is what the workers have in common, if
    there are several: then the model is the one that ``keep_model`` kept.
    Raises a ``ModelError`` when the model cannot be served, ``KeyFileInvalid`` when the key file cannot be taken.
    """
    with ExitStack() as closing:
        readable = sys.stdout.isatty()
        output = configure(settings.log_level, readable)
        keys = KeyRing.of(settings, shared.keys if shared else None)
        if model is None:
            model = kept_model(settings, shared) if shared else model_at_path(settings)
        if settings.lenient_clients:
            model = replace(model, decoder=lenient_decoder(model.card.contract))
        access_log = AccessLog(output, readable, settings.log_level in ("DEBUG", "INFO"))
        closing.callback(access_log.flush)
        file = shared.metrics if shared else None
        metrics = Metrics(endpoints, settings.model_endpoint_provider, file, settings.env, AREA)
        counts = ModelCounts(metrics.tally, model.card, baseline(model.card) if settings.drift_metrics else None)
        metrics.of_model = counts.exposition
        output.dropped = metrics.log_lines_dropped.add
        closing.callback(metrics.close)
        if settings.otel_traces:
            closing.callback(start_traces(settings))
        provider = provider_of(settings, model, metrics)
        announce(settings, model, keys)
        settle_memory()
        yield Service(
            settings=settings,
            scorer=scorer_of(settings, model, provider, counts),
            keys=keys,
            metrics=metrics,
            access_log=access_log,
            vitals=Vitals(),
            counts=counts,
        )


def lenient_decoder(contract: Contract) -> LenientDecoder:
    """What reads leads where LENIENT_CLIENTS is on."""
    return LenientDecoder(contract, encoder(contract).encode, count_colons)


def check_traces_installed() -> None:
    """Raises ``CannotStart`` when the libraries of traces are not installed."""
    missing = [module for module in TRACES if not is_installed(module)]
    if missing:
        raise CannotStart(f"OTEL_TRACES=on needs {' and '.join(missing)}: pip install 'leadscoring[otel]'")


def start_traces(settings: Settings) -> Callable[[], None]:
    """Sends traces from now on; gives what ends that. Raises ``CannotStart`` when the libraries are not installed."""
    check_traces_installed()
    from leadscoring.telemetry import tracing

    return tracing.start(settings)


def scorer_of(settings: Settings, model: LoadedModel, provider: Provider, counts: ModelCounts) -> Scorer:
    """The scorer: one that reports its spans where traces are on."""
    count = counts.drift.count if counts.drift else None
    reasons = model.trees.counting(counts.reasons.numbers)
    if settings.otel_traces:
        from leadscoring.scoring.traced import TracedScorer

        return TracedScorer(model, provider, count, reasons)
    return Scorer(model, provider, count, reasons)


def settle_memory() -> None:
    """Keeps the garbage collector from walking what lives as long as the process, again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def announce(settings: Settings, model: LoadedModel, keys: KeyRing) -> None:
    """Says in the log what is served, and what an operator should not leave as it is."""
    log.info(
        "model loaded",
        name=model.card.name,
        version=model.card.version,
        trees=model.trees.n_trees,
        certified=model.certified,
    )
    for caution in model.cautions:
        log.warning("model caution", advice=caution)
    if settings.serves_shipped_model:
        log.warning(
            "shipped model served",
            advice="this model is trained on synthetic leads: set MODEL_PATH to your own model",
        )
    if keys.demo_active and not settings.is_private:
        log.warning("demo key accepted", advice="the demo API key is public: set API_KEYS or API_KEYS_FILE")
    if "sagemaker" in settings.endpoint_protocols:
        log.warning(
            "scoring without a key",
            protocol="sagemaker",
            port=settings.port,
            advice="allow only SageMaker to reach this port, or remove sagemaker from ENDPOINT_PROTOCOLS",
        )
    scopes: tuple[Scope, ...] = ("score", "admin") if settings.operations_access == "key" else ("score",)
    for scope in scopes:
        if not keys.usable(scope):
            log.warning("no key works", scope=scope, advice="add a key to API_KEYS_FILE: leadscoring keys new")

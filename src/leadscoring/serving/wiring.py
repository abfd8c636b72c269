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
from functools import partial

from starlette.applications import Starlette

from leadscoring.access.key_file import Scope
from leadscoring.access.keys import KeyRing
from leadscoring.access.rate_limit import RateLimit
from leadscoring.api.app import App
from leadscoring.api.entrances import Entrances
from leadscoring.api.framework import Lifespan, RouteTable
from leadscoring.api.operations import Operations
from leadscoring.api.pulse import Pulse
from leadscoring.api.routes import PATHS, TABLE, TIMED, apart, here
from leadscoring.api.service import Service
from leadscoring.errors import CannotStart
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.table import is_installed
from leadscoring.quality.model_counts import AREA, CountedModels
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.scoring.succession import Succession
from leadscoring.serving.served_model import kept_model, model_at_path, open_served
from leadscoring.serving.shared_folder import Shared
from leadscoring.settings import Settings
from leadscoring.telemetry.access_log import AccessLog
from leadscoring.telemetry.log import Log, configure
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.vitals import Vitals, age, started_at
from leadscoring.transport.admission import Admission
from leadscoring.transport.backlog import Backlog
from leadscoring.transport.buffers import Buffers, most
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
    service = closing.enter_context(open_service(settings, PATHS, shared=shared, timed=TIMED))
    return assembled(service, closing, shared)


def assembled(
    service: Service, closing: ExitStack, shared: Shared | None = None, *beside: AbstractAsyncContextManager[None]
) -> App:
    """The application of a service, which closes what ``closing`` holds; ``beside`` it is open what is handed in."""
    settings, lifecycle, backlog = service.settings, Lifecycle(), backlog_of(service)
    admission = backlog.admission
    pulse = Pulse(service.scorer, lifecycle, service.metrics, service.vitals)
    first = os.getppid() if shared else os.getpid()
    service.metrics.started(started_at(first))
    operations = Operations(
        service.scorer, service.metrics, service.keys, service.vitals, lifecycle, pulse, settings, age(first)
    )
    limit = RateLimit(settings.rate_limit_per_minute, shared.limits if shared else None)
    closing.callback(limit.close)
    entrances = Entrances(service, operations, admission, lifecycle, limit)
    opened = [service.succession.running(), pulse.beating(), *beside]
    if settings.operations_access == "port":
        detail = App(service, entrances.table(apart(settings)), lifespan(lifecycle, ExitStack()), lifecycle, backlog)
        detail.gate.limits = detail.gate.limits._replace(connections=CONNECTIONS)
        opened.insert(1, listening(detail, settings.host, settings.operations_port))
    routes = entrances.table(here(settings))
    return application(service, routes, lifespan(lifecycle, closing, *opened), lifecycle, backlog)


def application(service: Service, routes: RouteTable, life: Lifespan, lifecycle: Lifecycle, backlog: Backlog) -> App:
    """The application of the port that scores: one that tells of its requests where traces are on.

    What is traced, or asks a remote model, has to have a task of its own, and is not answered where it was read.
    """
    if not service.settings.otel_traces:
        local = service.settings.model_endpoint_provider == "local"
        prompt = {route.path: routes[route.method, route.path] for route in TABLE if route.at_once and local}
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
    admission = Admission(longest, settings.request_timeout_seconds, metrics.queued.set, kept)
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
    timed: Iterable[tuple[str, str]] = (),
) -> Iterator[Service]:
    """The service of these settings, open as long as the context is.

    ``endpoints`` are the routes to count by, ``timed`` those to show from the start; ``shared`` is what the workers
    have in common, if there are several: then the model is the one that ``keep_model`` kept.
    Raises a ``ModelError`` when the model cannot be served, ``KeyFileInvalid`` when the key file cannot be taken.
    """
    with ExitStack() as closing:
        readable = sys.stdout.isatty()
        output = configure(settings.log_level, readable)
        keys = KeyRing.of(settings, shared.keys if shared else None)
        if model is None:
            model = kept_model(settings, shared) if shared else model_at_path(settings)
        access_log = AccessLog(output, readable, settings.log_level in ("DEBUG", "INFO"))
        closing.callback(access_log.flush)
        file = shared.metrics if shared else None
        metrics = Metrics(endpoints, settings.model_endpoint_provider, file, settings.env, AREA, timed)
        counted = CountedModels(metrics.tally)
        opened = partial(open_served, settings, metrics=metrics, counted=counted)
        output.dropped = metrics.log_lines_dropped.add
        closing.callback(metrics.close)
        if settings.otel_traces:
            closing.callback(start_traces(settings))
        scorer = scorer_of(settings, opened(model))
        metrics.of_model = lambda: counted.exposition(scorer.served.counts)
        announce(settings, model, keys)
        settle_memory()
        yield Service(
            settings=settings,
            scorer=scorer,
            succession=Succession(scorer, opened),
            keys=keys,
            metrics=metrics,
            access_log=access_log,
            vitals=Vitals(),
        )


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


def scorer_of(settings: Settings, served: Served) -> Scorer:
    """The scorer: one that reports its spans where traces are on."""
    if settings.otel_traces:
        from leadscoring.scoring.traced import TracedScorer

        return TracedScorer(served)
    return Scorer(served)


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

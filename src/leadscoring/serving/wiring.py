"""Opens all components of the service, and closes them in reverse order.

Every collaborator can be passed in, so that tests can build the service that they need.
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
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from leadscoring.access.key_file import Scope
from leadscoring.access.keys import KeyRing
from leadscoring.access.rate_limit import RateLimit
from leadscoring.api.app import App
from leadscoring.api.entrances import Entrances
from leadscoring.api.framework import Lifespan, RouteTable
from leadscoring.api.ledger_report import LedgerReport
from leadscoring.api.operations import Operations
from leadscoring.api.pulse import Pulse
from leadscoring.api.routes import PATHS, TABLE, TIMED, apart, here
from leadscoring.api.service import Service
from leadscoring.errors import CannotStart
from leadscoring.ledger.known_key import known_keys
from leadscoring.ledger.objections import FILE, Objected, Objections
from leadscoring.ledger.on_demand import LedgerOnDemand
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

if TYPE_CHECKING:  # imported only where the ledger is on
    from leadscoring.serving.recording import Recording

log = Log("leadscoring")

GARBAGE_THRESHOLD = 50_000
"""New objects between two garbage collections: a request creates dozens, none of them in a cycle."""

TRACES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
"""The modules that the extra ``otel`` provides."""


def create(settings: Settings, shared: Shared | None = None) -> App:
    """Creates the application for the server of one process; ``shared`` is the state it shares with other workers.

    Raises ``KeyFileInvalid`` or a ``ModelError`` if it cannot be served.
    """
    closing = ExitStack()
    service = closing.enter_context(open_service(settings, PATHS, shared=shared, timed=TIMED))
    return assembled(service, closing, shared)


def assembled(
    service: Service, closing: ExitStack, shared: Shared | None = None, *beside: AbstractAsyncContextManager[None]
) -> App:
    """Assembles the application of a service; keeps ``beside`` open while it runs, then closes ``closing``."""
    settings, lifecycle, backlog = service.settings, Lifecycle(), backlog_of(service)
    admission = backlog.admission
    pulse = Pulse(service.scorer, lifecycle, service.metrics, service.vitals)
    first = os.getppid() if shared else os.getpid()
    service.metrics.started(started_at(first))
    operations = Operations(
        service.scorer, service.metrics, service.keys, service.vitals, lifecycle, pulse, settings, age(first)
    )
    operations.ledger = LedgerReport(shared.keeper if shared and settings.ledger else None)
    limit = RateLimit(settings.rate_limit_per_minute, shared.limits if shared else None)
    closing.callback(limit.close)
    entrances = Entrances(service, operations, admission, lifecycle, limit)
    kept = [] if service.tape is None else [service.tape.running()]
    opened = [*kept, service.succession.running(), pulse.beating(), service.keys.following(), *beside]
    if settings.ledger:
        opened.append(objections_of(service).following())
    if settings.operations_access == "port":
        detail = App(service, entrances.table(apart(settings)), lifespan(lifecycle, ExitStack()), lifecycle, backlog)
        detail.gate.limits = detail.gate.limits._replace(connections=CONNECTIONS)
        opened.insert(len(kept) + 1, listening(detail, settings.host, settings.operations_port))
    routes = entrances.table(here(settings))
    return application(service, routes, lifespan(lifecycle, closing, *opened), lifecycle, backlog)


def objections_of(service: Service) -> Objections:
    """Creates what follows the leads whose persons objected, and tells the scorer."""
    settings, scorer = service.settings, service.scorer

    def use(objected: Objected | None) -> None:
        scorer.objected = objected

    return Objections(Path(settings.ledger_tape_path) / FILE, known_keys(settings), use)


def application(service: Service, routes: RouteTable, life: Lifespan, lifecycle: Lifecycle, backlog: Backlog) -> App:
    """Creates the application of the scoring port, which traces its requests if tracing is on.

    Requests that are traced or use a remote model need a task of their own, and are not answered where they are read.
    """
    if not service.settings.otel_traces:
        local = service.settings.model_endpoint_provider == "local"
        prompt = {route.path: routes[route.method, route.path] for route in TABLE if route.at_once and local}
        return App(service, routes, life, lifecycle, backlog, prompt)
    from leadscoring.api.traced import traced, traced_refusals

    app = App(service, traced(routes), life, lifecycle, backlog)
    app.gate.turn_away = traced_refusals(app.turn_away)
    return app


def backlog_of(service: Service) -> Backlog:
    """Creates the queues in front of scoring in this process."""
    settings, metrics = service.settings, service.metrics
    longest = settings.max_queue_seconds
    bytes_each_way = most(settings.max_buffered_bytes, settings.max_body_bytes)
    kept = Kept(bytes_each_way, settings.request_timeout_seconds)
    admission = Admission(longest, settings.request_timeout_seconds, metrics.queued.set, kept)
    return Backlog(admission, longest, Buffers(bytes_each_way, metrics.rejected))


def lifespan(lifecycle: Lifecycle, closing: ExitStack, *beside: AbstractAsyncContextManager[None]) -> Lifespan:
    """Returns the ASGI lifespan: keeps ``beside`` open while the server runs, and closes ``closing`` at the end."""

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
    """Opens the service as long as the context is open.

    ``endpoints`` are the routes to count requests by, ``timed`` those whose metrics exist from the start; ``shared``
    is the state shared by several workers: the model is then the one that ``keep_model`` stored.
    Raises a ``ModelError`` if the model cannot be served, ``KeyFileInvalid`` if the key file is invalid.
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
        recording = open_recording(settings, metrics, shared) if settings.ledger else None
        if recording is not None:
            closing.callback(recording.tape.close)
        opened = partial(open_served, settings, metrics=metrics, counted=counted, recording=recording)
        output.dropped = metrics.log_lines_dropped.add
        closing.callback(metrics.close)
        if settings.otel_traces:
            closing.callback(start_traces(settings))
        scorer = scorer_of(settings, opened(model))
        metrics.of_model = lambda: counted.exposition(scorer.served.counts)
        ledger = LedgerOnDemand(settings)
        closing.callback(ledger.close)
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
            ledger=ledger,
            tape=None if recording is None else recording.tape,
        )


def open_recording(settings: Settings, metrics: Metrics, shared: Shared | None) -> "Recording":
    """Opens what keeps scored leads. Raises ``CannotStart`` if its folder or the key file cannot be used."""
    from leadscoring.serving.recording import Recording

    sources = (shared.model, settings.model_path) if shared else (settings.model_path,)
    return Recording(settings, sources, metrics.unrecorded, metrics.tape_bytes)


def check_traces_installed() -> None:
    """Raises ``CannotStart`` if the tracing libraries are not installed."""
    missing = [module for module in TRACES if not is_installed(module)]
    if missing:
        raise CannotStart(f"OTEL_TRACES=on needs {' and '.join(missing)}: pip install 'leadscoring[otel]'")


def start_traces(settings: Settings) -> Callable[[], None]:
    """Starts tracing; returns the function that stops it. Raises ``CannotStart`` if libraries are not installed."""
    check_traces_installed()
    from leadscoring.telemetry import tracing

    return tracing.start(settings)


def scorer_of(settings: Settings, served: Served) -> Scorer:
    """Creates the scorer: a traced one if tracing is on."""
    if settings.otel_traces:
        from leadscoring.scoring.traced import TracedScorer

        return TracedScorer(served)
    return Scorer(served)


def settle_memory() -> None:
    """Exempts the objects that live as long as the process from garbage collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def announce(settings: Settings, model: LoadedModel, keys: KeyRing) -> None:
    """Logs which model is served, and warns about insecure or incomplete settings."""
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

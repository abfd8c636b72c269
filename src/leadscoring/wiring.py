"""Opens everything that the service is made of, and closes it in reverse.

Every collaborator can be handed in, so that a test builds the service that it wants.
"""

import gc
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from leadscoring._engine import count_colons
from leadscoring.access.key_file import Scope
from leadscoring.access.keys import KeyRing
from leadscoring.contract.features import Contract
from leadscoring.contract.lenience import LenientDecoder
from leadscoring.errors import CannotStart, ModelChanged, ModelNotFound, ModelUnreadable
from leadscoring.model.content import read_content
from leadscoring.model.file import Opening, model_of, open_model
from leadscoring.model.loaded import LoadedModel, encoder
from leadscoring.providers.provider import Provider
from leadscoring.providers.table import is_installed, provider_of
from leadscoring.quality.drift import baseline
from leadscoring.quality.model_counts import AREA, ModelCounts
from leadscoring.scoring.scorer import Scorer
from leadscoring.settings import Settings
from leadscoring.telemetry.access_log import AccessLog
from leadscoring.telemetry.log import Log, configure
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.vitals import Vitals

log = Log("leadscoring")

GARBAGE_THRESHOLD = 50_000
"""New objects between two collections: a request makes dozens, and none of them in a cycle."""

TRACES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
"""What the extra ``otel`` brings."""


class Shared(NamedTuple):
    """What must be one for all workers of a service, as files in a folder that lives as long as it does."""

    folder: Path

    @property
    def metrics(self) -> Path:
        """Where they count together."""
        return self.folder / "metrics"

    @property
    def keys(self) -> Path:
        """The last state of the key file that could be taken, for a worker that starts while it cannot."""
        return self.folder / "keys.json"

    @property
    def limits(self) -> Path:
        """What each key has left of its rate limit."""
        return self.folder / "limits"

    @property
    def model(self) -> Path:
        """The model file as it was when the service started, where there was room for it."""
        return self.folder / "model"

    @property
    def digest(self) -> Path:
        """Its SHA-256."""
        return self.folder / "model.sha256"


@dataclass(frozen=True)
class Service:
    """What the entrances are built on."""

    settings: Settings
    scorer: Scorer
    keys: KeyRing
    metrics: Metrics
    access_log: AccessLog
    vitals: Vitals
    counts: ModelCounts


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


def model_at_path(settings: Settings) -> LoadedModel:
    """The model at MODEL_PATH. Raises a ``ModelError``."""
    return open_model(settings.model_path, opening_of(settings))


def opening_of(settings: Settings) -> Opening:
    """What the settings say of the model that its file may not say."""
    return Opening(version=settings.model_version, rounds=settings.model_rounds, missing=settings.model_missing)


def keep_model(shared: Shared, data: bytes) -> None:
    """Keeps the content of the model file for workers that start later. Raises ``OSError`` on a disk that is full.

    They may start when another file is at MODEL_PATH, or half of one: then they would score otherwise than those
    beside them. Where there is no room for a copy, they have to find the same file again.
    """
    shared.digest.write_text(hashlib.sha256(data).hexdigest())
    try:
        shared.model.write_bytes(data)
    except OSError:
        shared.model.unlink(missing_ok=True)


def kept_model(settings: Settings, shared: Shared) -> LoadedModel:
    """The model that was kept, whatever is at MODEL_PATH now.

    Raises ``ModelChanged`` when there was no room for it and another file is there, or another ``ModelError``.
    """
    kept, path = shared.digest.read_text(), settings.model_path
    if not shared.model.exists():
        model = model_at_path(settings)
        if model.sha256 != kept:
            raise ModelChanged(path, kept, model.sha256)
        return model
    model = model_of(read_content(shared.model), path, opening_of(settings))
    if not holds(path, kept):
        log.warning(
            "model file changed", serves=kept, advice="the file at MODEL_PATH is not served until the service restarts"
        )
    return model


def holds(path: str, digest: str) -> bool:
    """Whether there is a file with this SHA-256."""
    try:
        return hashlib.sha256(read_content(path)).hexdigest() == digest
    except (ModelNotFound, ModelUnreadable):
        return False


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
            advice="there is no models/model.json here: this model knows synthetic leads only; set MODEL_PATH to yours",
        )
    if keys.demo_active and not settings.is_private:
        log.warning("demo key accepted", advice="everyone knows the demo API key: set API_KEYS or API_KEYS_FILE")
    if "sagemaker" in settings.endpoint_protocols:
        log.warning(
            "scoring without a key",
            protocol="sagemaker",
            port=settings.port,
            advice="let nothing but SageMaker reach this port, or take sagemaker out of ENDPOINT_PROTOCOLS",
        )
    scopes: tuple[Scope, ...] = ("score", "admin") if settings.operations_access == "key" else ("score",)
    for scope in scopes:
        if not keys.usable(scope):
            log.warning("no key works", scope=scope, advice="add a key to API_KEYS_FILE: leadscoring keys new")

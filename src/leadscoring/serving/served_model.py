"""Opens the model that a service serves, with everything that is served with it.

All workers, however late they start, serve the file that was at MODEL_PATH when the service started.
"""

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from leadscoring._engine import count_colons
from leadscoring.contract.features import Contract
from leadscoring.contract.lenience import LenientDecoder
from leadscoring.errors import ModelChanged, ModelNotFound, ModelUnreadable
from leadscoring.model.content import read_content
from leadscoring.model.file import Opening, model_of, open_model
from leadscoring.model.loaded import LoadedModel, encoder
from leadscoring.providers.table import provider_of
from leadscoring.quality.drift import baseline
from leadscoring.quality.model_counts import CountedModels
from leadscoring.scoring.served import Served
from leadscoring.serving.shared_folder import Shared
from leadscoring.settings import Settings
from leadscoring.telemetry.log import Log
from leadscoring.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from leadscoring.serving.recording import Recording

log = Log("leadscoring")


def model_at_path(settings: Settings) -> LoadedModel:
    """Opens the model at MODEL_PATH. Raises a ``ModelError``."""
    return open_model(settings.model_path, opening_of(settings))


def opening_of(settings: Settings) -> Opening:
    """Returns the settings for what the model file may not specify."""
    return Opening(version=settings.model_version, rounds=settings.model_rounds, missing=settings.model_missing)


def keep_model(shared: Shared, data: bytes) -> None:
    """Stores the content of the model file for workers that start later. Raises ``OSError`` on a full disk.

    A worker may start when another or an incomplete file is at MODEL_PATH, and would then score differently from the
    other workers. If there is no space for a copy, only the digest is stored, and workers verify the file against it.
    """
    shared.digest.write_text(hashlib.sha256(data).hexdigest())
    try:
        shared.model.write_bytes(data)
    except OSError:
        shared.model.unlink(missing_ok=True)


def kept_model(settings: Settings, shared: Shared) -> LoadedModel:
    """Opens the stored model, whatever is at MODEL_PATH now.

    Raises ``ModelChanged`` if no copy was stored and the file has changed, or another ``ModelError``.
    """
    kept, path = shared.digest.read_text(), settings.model_path
    if not shared.model.exists():
        model = model_at_path(settings)
        if model.sha256 != kept:
            raise ModelChanged(path, kept, model.sha256)
        return model
    model = model_of(read_content(shared.model), path, opening_of(settings))
    if not holds(path, kept):
        log.warning("model file changed", serves=kept, advice="restart the service to serve the file at MODEL_PATH")
    return model


def holds(path: str, digest: str) -> bool:
    """Whether the file exists and has this SHA-256."""
    try:
        return hashlib.sha256(read_content(path)).hexdigest() == digest
    except (ModelNotFound, ModelUnreadable):
        return False


def open_served(
    settings: Settings,
    model: LoadedModel,
    metrics: Metrics,
    counted: CountedModels,
    recording: "Recording | None" = None,
) -> Served:
    """Combines a model with the decoder, provider, counts and recorder that the settings select.

    Raises ``CannotStart`` if the configuration of its provider is not usable, or its file cannot be kept.
    """
    if settings.lenient_clients:
        model = replace(model, decoder=lenient_decoder(model.card.contract))
    provider = provider_of(settings, model, metrics)
    base = baseline(model.card) if settings.drift_metrics else None
    recorder = recording.of(model) if recording else None
    return Served.of(model, provider, counted.open(model.card, model.sha256, base), recorder)


def lenient_decoder(contract: Contract) -> LenientDecoder:
    """Returns the decoder for LENIENT_CLIENTS."""
    return LenientDecoder(contract, encoder(contract).encode, count_colons)

"""The model that a service serves: the file at MODEL_PATH when it started, for every worker, however late it starts."""

import hashlib

from leadscoring.errors import ModelChanged, ModelNotFound, ModelUnreadable
from leadscoring.model.content import read_content
from leadscoring.model.file import Opening, model_of, open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.serving.shared_folder import Shared
from leadscoring.settings import Settings
from leadscoring.telemetry.log import Log

log = Log("leadscoring")


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
        log.warning("model file changed", serves=kept, advice="restart the service to serve the file at MODEL_PATH")
    return model


def holds(path: str, digest: str) -> bool:
    """Whether there is a file with this SHA-256."""
    try:
        return hashlib.sha256(read_content(path)).hexdigest() == digest
    except (ModelNotFound, ModelUnreadable):
        return False

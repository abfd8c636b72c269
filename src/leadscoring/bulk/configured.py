"""What a run has to do with the ledger by the environment; only with LEDGER is the database imported."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadscoring.bulk.recording import NOTHING, Recording
from leadscoring.errors import ScoringFileError
from leadscoring.model.loaded import LoadedModel
from leadscoring.settings import read_settings

OFF = (
    "to record leads, set LEDGER to that of the service, with LEDGER_KEY_FILE: LEDGER is empty "
    "(on: SQLite at data/ledger.db)"
)


@contextmanager
def configured(model: LoadedModel, path: str | Path | None, *, record: bool) -> Iterator[Recording]:
    """Opens what there is to do with the ledger that LEDGER names in the environment: nothing where it is empty.

    ``path`` is the file of the model, which is needed to record. Raises ``ScoringFileError`` to record without LEDGER,
    ``SettingError`` for a setting that is not valid, and as ``ledgered.opened_recording`` does.
    """
    settings = read_settings(os.environ) if os.environ.get("LEDGER") else None
    if settings is None or not settings.ledger:
        if record:
            raise ScoringFileError(OFF)
        yield NOTHING
        return
    if record and path is None:
        raise ScoringFileError("to record leads, name the model by the path of its file, which the ledger keeps")
    from leadscoring.bulk.ledgered import opened_recording  # which imports the database

    with opened_recording(settings, model, str(path), record=record) as recording:
        yield recording

"""Runs the service: one process, or several workers under one supervisor."""

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvicorn

from leadscoring.api.app import METRICS_FILE, PATHS
from leadscoring.api.listener import check_free
from leadscoring.api.upgrade import StayingHttp
from leadscoring.keys import KeyRing
from leadscoring.logs import configure
from leadscoring.metrics import declared
from leadscoring.model.loaded import LoadedModel
from leadscoring.settings import Settings
from leadscoring.tally import make_file

SPARE_SLOTS = 2
"""Room in the metrics for a worker that starts while the one it replaces still ends."""

KEEP_ALIVE_SECONDS = 75
"""Longer than the 60 s that load balancers hold an idle connection, so that they close it, not we."""


def run(settings: Settings) -> None:
    """Serves until told to stop.

    Raises a ``ModelError``, ``KeyFileInvalid`` or ``SettingError`` before any worker starts when the service
    cannot start as it is set up.
    """
    configure(settings.log_level, sys.stdout.isatty())
    KeyRing.of(settings)
    if settings.operations_access == "port":
        check_free(settings.host, settings.operations_port)
    signal.signal(signal.SIGTERM, leave)
    if settings.workers == 1:
        uvicorn.run(**arguments(settings))
        return
    LoadedModel.load(settings.model_path, settings.model_version)
    with tempfile.TemporaryDirectory(prefix="leadscoring-metrics-") as folder:
        file = Path(folder) / "metrics"
        make_file(file, declared(PATHS, settings.model_endpoint_provider), settings.workers + SPARE_SLOTS)
        os.environ[METRICS_FILE] = str(file)
        uvicorn.run(**arguments(settings), workers=settings.workers)


def leave(_signal: int, _frame: object) -> None:
    """Ends the process as asked, which is no failure.

    The server takes the signal while it runs, and passes it on when it has answered what it had accepted.
    """
    sys.exit(0)


def arguments(settings: Settings) -> dict[str, Any]:
    """What uvicorn is told."""
    return {
        "app": "leadscoring.api.app:create",
        "factory": True,
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": StayingHttp,
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
    }

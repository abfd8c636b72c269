"""Runs the service: one process, or several workers under one supervisor."""

import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any

import uvicorn

from leadscoring.access import rate_limit as limits
from leadscoring.access.keys import KeyCopy, KeyRing
from leadscoring.api.routes import PATHS, TIMED
from leadscoring.errors import CannotStart
from leadscoring.model.content import read_content
from leadscoring.model.file import model_of
from leadscoring.providers.table import check_installed
from leadscoring.quality.model_counts import AREA, FAMILIES
from leadscoring.serving.drain import Server
from leadscoring.serving.keeper_process import keeping
from leadscoring.serving.served_model import keep_model, opening_of
from leadscoring.serving.shared_folder import Shared, shared_folder
from leadscoring.serving.supervisor import Supervisor
from leadscoring.serving.wiring import check_traces_installed, create
from leadscoring.settings import Settings
from leadscoring.telemetry.log import Log, configure
from leadscoring.telemetry.metrics import declared
from leadscoring.telemetry.tally import make_file
from leadscoring.transport.connection import RESERVE
from leadscoring.transport.front import connection
from leadscoring.transport.listener import CONNECTIONS, cannot_listen, check_free

SPARE_SLOTS = 2
"""Extra slots in the metrics for workers that start while those they replace still shut down."""

SPARE_FILES = 64 + CONNECTIONS + RESERVE
"""File descriptors of a process besides the connections of its main port."""

log = Log("leadscoring")


def run(settings: Settings, on_ready: Callable[[int], None] = lambda _port: None) -> None:
    """Serves until a signal ends it; calls ``on_ready`` with its port once it accepts connections.

    Raises a ``ModelError``, ``KeyFileInvalid`` or ``SettingError`` before any worker starts if the configuration is
    not usable, and ``CannotStart`` if the port is not available, the disk is full, or the tape cannot be used.
    """
    configure(settings.log_level, sys.stdout.isatty())
    KeyRing.of(settings)
    if settings.operations_access == "port":
        check_free(settings.host, settings.operations_port)
    check_installed(settings.model_endpoint_provider)
    if settings.otel_traces:
        check_traces_installed()
    if settings.ledger:
        from leadscoring.serving.recording import check_recording

        check_recording(settings)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave if sys.stdout.isatty() else signal.SIG_IGN)  # there is nothing to reload yet
    allow_connections(settings.max_connections)
    if settings.workers == 1 and not settings.ledger:  # the keeper needs a supervisor
        with listening(settings) as listener:
            config = uvicorn.Config(**arguments(settings))
            Server(config, settings.drain_seconds, on_ready=partial(on_ready, port_of(listener))).run([listener])
        return
    data = read_content(settings.model_path)
    model_of(data, settings.model_path, opening_of(settings))
    with listening(settings) as listener, shared_folder() as folder:
        shared = Shared(folder)
        make_shared(shared, settings, data)
        copy = KeyCopy(settings, shared.keys)
        copy.follow()
        configure(settings.log_level, sys.stdout.isatty())
        config = uvicorn.Config(**arguments(settings, shared), workers=settings.workers)
        patience = settings.drain_seconds + settings.shutdown_seconds + 2
        ready = partial(on_ready, port_of(listener))
        with ExitStack() as closing:
            tend = [copy.follow]
            if settings.ledger:
                keeper = closing.enter_context(keeping(settings, shared.keeper))
                keeper.settle()
                tend.append(keeper.watch)
            Supervisor(config, [listener], settings.drain_seconds, patience, partial(every, tend), ready).run()


def every(actions: Iterable[Callable[[], None]]) -> None:
    """Calls all of the actions."""
    for act in actions:
        act()


def leave(_signal: int, _frame: object) -> None:
    """Exits with status 0 on a signal before the server has installed its own handlers."""
    sys.exit(0)


def listening(settings: Settings) -> socket.socket:
    """Binds the port without listening, so that it refuses connections. Raises ``CannotStart`` if that fails."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.set_inheritable(True)
    except OSError as failure:
        listener.close()
        raise cannot_listen(settings.host, settings.port, failure) from None
    return listener


def port_of(listener: socket.socket) -> int:
    """Returns the bound port, which the system chooses for PORT=0."""
    port: int = listener.getsockname()[1]
    return port


def make_shared(shared: Shared, settings: Settings, model: bytes) -> None:
    """Creates the shared files for metrics and rate limits, and stores the model that the workers serve.

    Raises ``CannotStart`` if there is no disk space for them.
    """
    try:
        limits.make_file(shared.limits)
        families = (*declared(PATHS, settings.model_endpoint_provider, timed=TIMED), *FAMILIES)
        make_file(shared.metrics, families, settings.workers + SPARE_SLOTS, AREA)
        keep_model(shared, model)
    except OSError as failure:
        raise CannotStart(f"no room for metrics in {shared.folder}: {failure.strerror or failure}") from None


def allow_connections(connections: int) -> None:
    """Raises the soft limit on file descriptors for this many connections, up to the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def arguments(settings: Settings, shared: Shared | None = None) -> dict[str, Any]:
    """Returns the arguments of ``uvicorn.Config``."""
    return {
        "app": partial(create, settings, shared),
        "factory": True,
        "loop": "uvloop",
        "http": connection,
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
    }

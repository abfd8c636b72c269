"""The keeper as a process beside the workers: started with LEDGER, replaced when it dies, ended last."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from math import inf
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from uvicorn.config import STARTUP_FAILURE

from leadscoring.errors import CannotStart, LeadScoringError
from leadscoring.ledger.known_key import is_known
from leadscoring.ledger.lead_key import open_keys
from leadscoring.ledger.state import KeeperState, read_state, write_state
from leadscoring.settings import Settings
from leadscoring.telemetry.log import Log, configure, hush

if TYPE_CHECKING:
    from leadscoring.ledger.database import Ledger

RETRY_SECONDS = 1.0
"""Seconds between two starts of a keeper that dies."""

DRAIN_SECONDS = 3.0
"""How long the keeper moves what the workers wrote last; the rest waits on the tape for the next start."""

SETTLING_SECONDS, SETTLING_TICK = 10.0, 0.02
"""How long the first start with a key file waits for the ledger, and how often it looks."""

PATIENCE_SECONDS = DRAIN_SECONDS + 5.0

SILENT_SECONDS = 10.0
"""Seconds without a beat after which the keeper is considered hung: it is stopped, or cannot run."""

STUCK_SECONDS = 180.0
"""Seconds without a report after which it is considered stuck, unless it is occupied: no statement takes as long."""

STARTING_SECONDS = 60.0
"""Seconds until the first beat: Python starts slowly on a busy machine."""

log = Log("leadscoring")


class Beats:
    """Moments at which a keeper was last alive and last reported, in memory that it shares with its supervisor.

    A file would not do: a full disk would look like a keeper that hangs.
    """

    def __init__(self) -> None:
        self._begun = monotonic()
        self._moments = get_context("spawn").RawArray("d", 2)

    def alive(self) -> None:
        """Records that the process runs."""
        self._moments[0] = monotonic()

    def reported(self, occupied: bool) -> None:
        """Records that it goes on; one that is ``occupied`` may take as long as it needs until the next report."""
        self._moments[1] = inf if occupied else monotonic()

    def hung(self) -> str:
        """Returns why the keeper is considered hung; an empty text if it is not."""
        now, (alive, reported) = monotonic(), self._moments
        if not alive:
            return "it does not start" if now - self._begun > STARTING_SECONDS else ""
        if now - alive > SILENT_SECONDS:
            return "it does not run"
        return "it does not go on" if now - max(reported, self._begun) > STUCK_SECONDS else ""


class KeeperProcess:
    """The keeper of one service. ``state`` is the file in which it reports."""

    def __init__(self, settings: Settings, state: Path) -> None:
        self._settings = settings
        self._state = state
        self._retry_at = 0.0
        self._process = self._started()

    def watch(self) -> None:
        """Replaces the keeper if it has died or hangs; called several times a second.

        Raises ``CannotStart`` if the ledger is not usable, so that no keeper could start.
        """
        why = self._beats.hung() if self._process.is_alive() else ""
        if (self._process.is_alive() and not why) or monotonic() < self._retry_at:
            return
        if why:
            self._process.kill()
        self._process.join()
        if self._process.exitcode == STARTUP_FAILURE:
            raise CannotStart("the ledger cannot be used; the log says why")
        log.error("keeper replaced", pid=self._process.pid, exitcode=self._process.exitcode, hung=why or None)
        self._retry_at = monotonic() + RETRY_SECONDS
        self._process = self._started()

    def settle(self) -> None:
        """Waits, at the first start with a key file, for the ledger's verdict on it; not for a ledger that is down.

        Raises ``CannotStart`` if the ledger is not usable.
        """
        ends_at = monotonic() + SETTLING_SECONDS
        known = partial(is_known, Path(self._settings.ledger_tape_path), open_keys(self._settings))
        while not known() and monotonic() < ends_at:
            self.watch()
            if read_state(self._state).condition == "down":
                return
            sleep(SETTLING_TICK)

    def end(self) -> None:
        """Asks the keeper to move what is left and to end; kills it if it does not."""
        if self._process.is_alive():
            self._process.terminate()
        self._process.join(PATIENCE_SECONDS)
        if self._process.is_alive():
            log.error("keeper killed", pid=self._process.pid, reason="it did not stop in time")
            self._process.kill()
            self._process.join()

    def _started(self) -> BaseProcess:
        self._beats = Beats()
        arguments = (self._settings, self._state, os.getpid(), self._beats)
        process = get_context("spawn").Process(target=keep, args=arguments)
        process.start()
        return process


@contextmanager
def keeping(settings: Settings, state: Path) -> Iterator[KeeperProcess]:
    """Runs a keeper as long as the context is open."""
    keeper = KeeperProcess(settings, state)
    try:
        yield keeper
    finally:
        keeper.end()


def keep(settings: Settings, state: Path, supervisor: int, beats: Beats) -> None:
    """Runs in the process of the keeper."""
    stopping = threading.Event()
    for ignored in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # a terminal sends them to every process; the supervisor handles them
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stopping.set())
    configure(settings.log_level, sys.stdout.isatty())
    hush("alembic")  # before it is imported, which it logs
    threading.Thread(target=follow, args=(supervisor, stopping, beats), daemon=True).start()
    from leadscoring.ledger.database import ledger_url
    from leadscoring.ledger.keeping import Keeping, Kept
    from leadscoring.quality.reported import tend

    url = ledger_url(settings)
    assert url is not None  # noqa: S101  # there is no keeper without a ledger

    def judge(ledger: "Ledger") -> None:
        tend(ledger, settings, datetime.now(UTC))

    try:
        name = Path(settings.model_path).stem
        kept = Kept(url, Path(settings.ledger_tape_path), settings.ledger_days, name, open_keys(settings))
        moving = Keeping(kept, stopping, partial(report, state, beats), read_state(state), DRAIN_SECONDS, judge)
        moving.run()
    except LeadScoringError as failure:
        log.error("keeper cannot start", error=type(failure).__name__, reason=str(failure))  # noqa: TRY400
        sys.exit(STARTUP_FAILURE)
    except Exception as failure:  # the next keeper may do better, and whatever it was is on record
        log.error("keeper failed", exc_info=failure)  # noqa: TRY400  # it is logged with its cause
        sys.exit(1)
    if moving.tends:
        os._exit(0)  # Python would wait for it, or end it amid C++; what it has not committed is as if not begun


def report(path: Path, beats: Beats, state: KeeperState) -> None:
    """Writes the state for the workers; on a full disk they find the one before, until there is room."""
    beats.reported(state.occupied)
    with suppress(OSError):
        write_state(path, state)


def follow(supervisor: int, stopping: threading.Event, beats: Beats) -> None:
    """Beats, and ends the keeper when its supervisor was killed: another one starts with the next."""
    while os.getppid() == supervisor:
        beats.alive()
        if stopping.wait(1.0):
            return
    stopping.set()

"""The work of the keeper's process: moves the tape, again and again, and applies retention."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import msgspec

from leadscoring.errors import LedgerUnavailable
from leadscoring.ledger.clock import Clock
from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.erasures import publish_erasures
from leadscoring.ledger.keeper import MOST, Keeper, paced
from leadscoring.ledger.key_check import check_keys
from leadscoring.ledger.known_key import note_known
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.persons import publish_objections, scrub
from leadscoring.ledger.retention import retain
from leadscoring.ledger.rights import KeptRights
from leadscoring.ledger.schema import migrate
from leadscoring.ledger.state import KeeperState
from leadscoring.ledger.turn import turn
from leadscoring.telemetry.log import Log

IDLE_SECONDS = 0.25
"""Pause when there is nothing to move."""

REPORT_SECONDS = 1.0
RETENTION_SECONDS = 3600.0
TEND_SECONDS = 60.0

FIRST_RETRY, LONGEST_RETRY = 0.5, 15.0
"""Seconds until the next attempt while the database is down; doubled each time."""

NEW = KeeperState()

log = Log("leadscoring")


class Kept(NamedTuple):
    """What is kept, and where: the URL of the ledger, the folder of the tape, and for how many days.

    ``name`` is for models without a card. ``keys`` are refused if they are not by the secret of the ledger.
    """

    url: str
    folder: Path
    days: int
    name: str = "model"
    keys: LeadKeys | None = None


class Keeping:
    """Keeps one folder, until ``stopping`` is set: then moves what is left, for up to ``drain_seconds``.

    ``report`` is called with the state about once a second, ``tend`` about once a minute with the open ledger, in a
    thread of its own; ``state`` is that of the keeper before, if any.
    """

    def __init__(
        self,
        kept: Kept,
        stopping: threading.Event,
        report: Callable[[KeeperState], None],
        state: KeeperState = NEW,
        drain_seconds: float = 3.0,
        tend: Callable[[Ledger], None] | None = None,
    ) -> None:
        self._kept = kept
        self._stopping = stopping
        self._report = report
        self._state = msgspec.structs.replace(state, condition="starting", reason="")
        self._drain_seconds = drain_seconds
        self._tend = tend
        self._rights = KeptRights(kept.folder)
        self._followed = False
        self._reported = self._retained = self._tended = float("-inf")
        self._retry = FIRST_RETRY
        self._scrubbed = 0
        self._most = MOST
        self._clock = Clock()
        self._ends_at = float("inf")
        self._tending: threading.Thread | None = None

    @property
    def tends(self) -> bool:
        """Whether ``tend`` is in progress; it may still be when ``run`` has returned, which does not wait for it."""
        return self._tending is not None and self._tending.is_alive()

    def run(self) -> None:
        """Keeps. Raises ``LedgerUnusable`` if the ledger's address or what is there is not usable."""
        self._say()
        with ExitStack() as closing:
            ledger = open_ledger(self._kept.url)
            closing.callback(ledger.close)
            if not self._own_folder(closing):
                return
            keeper = Keeper(ledger, self._kept.folder, self._kept.name)
            if not self._ready(ledger, keeper):
                return
            log.info("ledger open", ledger=ledger.name, tape=str(self._kept.folder))
            while self._goes_on(self._turn(ledger, keeper)):
                pass
        self._say()

    def _own_folder(self, closing: ExitStack) -> bool:
        """Waits for the folder; returns whether this keeper has it now, or was stopped before."""
        return closing.enter_context(turn(self._kept.folder, self._stopping, self._say))

    def _ready(self, ledger: Ledger, keeper: Keeper) -> bool:
        """Brings the tables to the newest version; returns whether they are."""
        while True:
            try:
                with self._occupied():
                    before = migrate(ledger)
                if self._kept.keys is not None:
                    check_keys(ledger, self._kept.keys)
                    note_known(self._kept.folder, self._kept.keys)
            except LedgerUnavailable as failure:
                self._failed(failure, keeper)
                if self._stopping.is_set():
                    return False
                continue
            if before.here != before.newest:
                log.info("ledger migrated", before=before.here, now=before.newest)
            return True

    def _goes_on(self, left: bool) -> bool:
        """Whether there is another turn; waits for it if nothing is left to move."""
        if self._stopping.is_set():
            self._ends_at = min(self._ends_at, monotonic() + self._drain_seconds)
            return left and monotonic() < self._ends_at
        if not left:
            self._stopping.wait(IDLE_SECONDS)
        return True

    def _turn(self, ledger: Ledger, keeper: Keeper) -> bool:
        """Moves once; returns whether there may be more."""
        try:
            if monotonic() - self._reported >= REPORT_SECONDS or not self._followed:
                self._rights.follow(ledger)  # before scores of erased leads are moved into a restored ledger
                self._followed = True
            began = monotonic()
            moved = keeper.move(self._most)
            if moved.leads:
                self._most = paced(self._most, monotonic() - began)
            if monotonic() - self._reported >= REPORT_SECONDS:
                publish_objections(ledger, self._kept.folder)
                self._follow_erasures(ledger)
                ledger.settle()
            if monotonic() - self._retained >= RETENTION_SECONDS and not self._stopping.is_set():
                self._retained = monotonic()
                self._retain(ledger)
            self._look_after(ledger)
        except LedgerUnavailable as failure:
            self._failed(failure, keeper)
            return True
        self._succeeded()
        self._count(moved.leads, moved.folded, moved.damaged)
        if moved.until is not None:
            self._change(lag_seconds=max(0.0, time.time() - moved.until / 1e6), last_moved_at=time.time())
        if not moved.leads:
            self._change(lag_seconds=0.0)
        if monotonic() - self._reported >= REPORT_SECONDS:
            self._change(tape_bytes=keeper.waiting()[1])
            self._say()
        return bool(moved.leads or moved.removed or moved.damaged)

    def _follow_erasures(self, ledger: Ledger) -> None:
        """Lets workers end their segments after an erasure; clears the log of SQLite, which has the deleted rows."""
        latest = publish_erasures(ledger, self._kept.folder)
        if latest != self._scrubbed and not self.tends and scrub(ledger):  # else it would wait for what tend reads
            self._scrubbed = latest

    def _retain(self, ledger: Ledger) -> None:
        """Applies retention, unless the clock has jumped: what is recent must not be taken for old."""
        if jump := self._clock.jumped():
            log.error("clock has jumped", seconds=round(jump), consequence="nothing is deleted for a day")
        if self._clock.trusted:
            with self._occupied():
                retain(ledger, self._kept.days, self._stopping)

    def _look_after(self, ledger: Ledger) -> None:
        """Starts ``tend`` when it is due, in a thread: it may take minutes, and nothing waits for it."""
        due = self._tend is not None and monotonic() - self._tended >= TEND_SECONDS
        if due and not self.tends and not self._stopping.is_set():
            self._tended = monotonic()
            self._tending = threading.Thread(target=self._run_tend, args=(ledger,), name="tend", daemon=True)
            self._tending.start()

    def _run_tend(self, ledger: Ledger) -> None:
        """Calls ``tend``; whatever fails there must not keep scores from being moved."""
        try:
            if self._tend is not None:
                self._tend(ledger)
        except Exception as failure:
            down = isinstance(failure, LedgerUnavailable)  # then the reason is enough
            log.error(  # noqa: TRY400  # it is logged with its cause
                "live quality failed", reason=str(failure) if down else None, exc_info=None if down else failure
            )

    @contextmanager
    def _occupied(self) -> Iterator[None]:
        """Reports that it is with something that may take long, so that nobody thinks it hangs."""
        self._change(occupied=True)
        self._say()
        try:
            yield
        finally:
            self._change(occupied=False)
            self._say()

    def _failed(self, failure: LedgerUnavailable, keeper: Keeper) -> None:
        """Reports that the database is down, once, and waits before the next attempt."""
        if self._state.condition != "down":
            log.error("ledger down", reason=str(failure))
        earliest, size = keeper.waiting()
        lag = 0.0 if earliest is None else max(0.0, time.time() - earliest / 1e6)
        self._change(condition="down", reason=str(failure), failures=self._state.failures + 1, lag_seconds=lag)
        self._change(tape_bytes=size)
        self._say()
        self._stopping.wait(self._retry)
        self._retry = min(2 * self._retry, LONGEST_RETRY)

    def _succeeded(self) -> None:
        if self._state.condition == "down":
            log.info("ledger up again")
        if self._state.condition != "healthy":
            self._change(condition="healthy", reason="")
            self._retry = FIRST_RETRY
            self._say()

    def _count(self, moved: int, folded: int, damaged: int) -> None:
        if moved or damaged:
            was = self._state
            self._change(moved=was.moved + moved, folded=was.folded + folded, damaged=was.damaged + damaged)

    def _change(self, **fields: object) -> None:
        self._state = msgspec.structs.replace(self._state, **fields)

    def _say(self) -> None:
        self._reported = monotonic()
        self._state = msgspec.structs.replace(self._state, reported_at=monotonic())
        self._report(self._state)

"""The ledger as a serving process uses it: opened by the first request that needs it, and used in threads.

Nothing of a database is imported before, so that a worker that only scores pays nothing for it.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from leadscoring.errors import CannotStart, LedgerError, LedgerOff, LedgerUnavailable, LedgerUnusable
from leadscoring.settings import Settings

if TYPE_CHECKING:
    from leadscoring.ledger.database import Ledger
    from leadscoring.ledger.lead_key import LeadKeys

THREADS = 4
"""Requests that use the database at the same time."""

WAITING = 64
"""Requests that may use the database or wait for it; further ones are answered at once that it is unavailable."""

Result = TypeVar("Result")


class LedgerOnDemand:
    """The ledger of a process, which is opened once, by the first call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._opened: tuple[Ledger, LeadKeys] | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._waiting = 0

    async def run(self, work: "Callable[[Ledger, LeadKeys], Result]") -> Result:
        """Runs work in a thread, and returns its result; whoever awaits it may give up, the work goes on.

        Raises ``LedgerOff`` if LEDGER is empty, and ``LedgerUnavailable`` if the database cannot be reached, or if too
        many others wait for it.
        """
        if not self._settings.ledger:
            raise LedgerOff
        if self._waiting >= WAITING:
            raise LedgerUnavailable("of this service", f"{WAITING} requests wait for it")
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, "ledger")
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, self._with_ledger, work)
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def close(self) -> None:
        """Waits for what is in progress, and closes the database."""
        if self._threads is not None:
            self._threads.shutdown()
        if self._opened is not None:
            self._opened[0].close()
            self._opened = None

    def _done(self, future: "asyncio.Future[Any]") -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # retrieved here, since whoever asked may have gone

    def _with_ledger(self, work: "Callable[[Ledger, LeadKeys], Result]") -> Result:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
        return work(*self._opened)

    def _open(self) -> "tuple[Ledger, LeadKeys]":
        from leadscoring.ledger.database import ledger_url, open_ledger
        from leadscoring.ledger.key_check import check_keys
        from leadscoring.ledger.lead_key import open_keys

        ledger = open_ledger(ledger_url(self._settings) or "")
        try:
            keys = open_keys(self._settings)
            check_keys(ledger, keys)
        except CannotStart as failure:  # the file was there when the service started
            ledger.close()
            raise LedgerUnusable(ledger.name, str(failure)) from None
        except LedgerError:
            ledger.close()
            raise
        return ledger, keys

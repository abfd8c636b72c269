"""The tape: keeps every scored lead before its score is answered, without waiting for a disk or a database.

Each worker appends to a segment of its own, mapped into memory. What is there survives the end of the process, however
it ends; a thread writes it to the disk every second, for the case that the machine loses its power.
"""

import asyncio
import fcntl
import os
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Literal

from leadscoring._engine import Rows, TapeSegment
from leadscoring.errors import NotRecorded
from leadscoring.lead import Lead
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.objections import stamp_of
from leadscoring.ledger.segments import FORMAT, HEAD, MAGIC, MOST_MODELS, PAGE, place_of
from leadscoring.ledger.tape_folder import TapeFolder, TapeFull
from leadscoring.telemetry.log import Log

log = Log("leadscoring")

Unseen = Callable[[Rows, list[Lead]], dict[int, bytes]]
"""Returns JSON of the values that a model does not know, by row."""

SYNC_SECONDS = 1.0
"""Seconds between two syncs: the scores that a power cut may lose."""

RETRY_SECONDS = 1.0
"""Seconds between two attempts to make a segment when the tape is full."""

SEGMENT_SECONDS = 3600.0
"""Seconds until a segment is ended that is not full."""

ERASED = "erased"
"""The file in the folder that changes when a lead is erased: segments are ended at once then (``ledger.erasures``)."""

SPARE_FROM = 4
"""The next segment is made when one in this many bytes of the current one is used."""


class Held:
    """A segment that this process writes: its file, and the numbers of its models."""

    def __init__(self, folder: TapeFolder, keys: LeadKeys, share: float) -> None:
        self.file = folder.make_segment()
        try:
            self.segment = TapeSegment(self.file, folder.segment_bytes, PAGE, keys.secret, share)
        except OSError as failure:
            os.close(self.file)
            raise TapeFull(failure.strerror or str(failure)) from None
        self.numbers: dict[str, int] = {}
        self._synced = 0
        self._began: float | None = None

    def is_over(self, erased: bool) -> bool:
        """Whether it has records that must not stay: of a lead that was ``erased``, or for too long."""
        if self.segment.end == PAGE:
            return False
        self._began = self._began or monotonic()
        return erased or monotonic() - self._began >= SEGMENT_SECONDS

    def enter(self, digest: str) -> int | None:
        """Enters a model into the header; returns its number, or ``None`` if there is no room."""
        number = len(self.numbers)
        if number == MOST_MODELS:
            return None
        os.pwrite(self.file, bytes.fromhex(digest), place_of(number))
        os.pwrite(self.file, HEAD.pack(MAGIC, FORMAT, number + 1), 0)
        self.numbers[digest] = number
        return number

    def sync(self) -> None:
        """Writes new records to the disk. Raises ``OSError``."""
        end = self.segment.end
        if end != self._synced:
            os.fdatasync(self.file)
            self._synced = end

    def close(self) -> None:
        """Ends the segment: nobody appends to it any more. Raises ``OSError`` if it cannot be written to the disk."""
        try:
            self.sync()
        finally:
            self.segment.close()
            fcntl.flock(self.file, fcntl.LOCK_UN)
            os.close(self.file)


class Tape:
    """The tape of one process; scored leads are appended by the recorders of the models that it serves.

    ``full`` is what happens to leads for which there is no room: ``unrecorded`` is called with their number, or
    ``NotRecorded`` raised. ``measured`` is called every second with the bytes of the folder.
    """

    def __init__(
        self,
        folder: TapeFolder,
        keys: LeadKeys,
        share: float = 1.0,
        full: Literal["serve", "refuse"] = "serve",
        unrecorded: Callable[[float], None] = lambda _leads: None,
        measured: Callable[[float], None] = lambda _bytes: None,
    ) -> None:
        self.folder = folder
        self._keys = keys
        self._share = share
        self._refuses = full == "refuse"
        self._unrecorded = unrecorded
        self._measured = measured
        self._held: Held | None = None
        self._spare: Held | None = None
        self._ended: deque[Held] = deque()
        self._leaving: Held | None = None
        self._erased_at = stamp_of(folder.path / ERASED)
        self._retry_at = 0.0
        self._reason = ""
        self._go_on()

    def append(
        self,
        digest: str,
        rows: Rows,
        margins: list[float],
        leads: list[Lead] | None,
        request: str,
        flags: int,
        timed: bool,
        unseen: Unseen | None,
    ) -> None:
        """Appends rows scored by the model with this SHA-256; when it returns, they are kept or counted as not kept.

        Raises ``NotRecorded`` if they cannot be kept, and must be.
        """
        held, done = self._held, 0
        while held is not None or (held := self._go_on()) is not None:
            number = held.numbers.get(digest)
            if number is None:
                number = held.enter(digest)
            if number is not None:
                done = held.segment.record(rows, margins, leads, request, number, flags, timed, unseen, done)
                if done == len(margins):
                    return
            held = None
        self._miss(len(margins) - done if leads is None else sum(map(self.keeps, leads[done:])))

    def keeps(self, lead: Lead) -> bool:
        """Whether a lead belongs to the share that is kept."""
        return self._share >= 1 or int.from_bytes(self._keys.key(lead.lead_id)[:8], "little") < self._share * 2**64

    def _miss(self, leads: int) -> None:
        if leads and self._refuses:
            raise NotRecorded
        if leads:
            self._unrecorded(leads)

    def _go_on(self) -> Held | None:
        """Continues with the next segment, the one that was made before it is needed, or a new one."""
        if self._held is not None:
            self._ended.append(self._held)
        self._held, self._spare = self._spare, None
        if self._held is None and monotonic() >= self._retry_at:
            self._held = self._made()
        return self._held

    def _made(self) -> Held | None:
        try:
            made = Held(self.folder, self._keys, self._share)
        except TapeFull as failure:
            self._retry_at = monotonic() + RETRY_SECONDS
            if not self._reason:
                log.error("tape full", reason=str(failure), folder=str(self.folder.path))  # noqa: TRY400  # why is enough
            self._reason = str(failure)
            return None
        if self._reason:
            log.info("tape has room again", before=self._reason)
            self._reason = ""
        return made

    def tend(self) -> None:
        """Writes what is new to the disk, and makes the next segment before it is needed; for another thread."""
        while self._ended:
            self._safely(self._ended.popleft().close)
        held = self._held
        if held is not None:
            self._safely(held.sync)
            if held.is_over(self._has_erased()):
                self._leaving = held
        near = held is None or held is self._leaving or held.segment.end > self.folder.segment_bytes // SPARE_FROM
        if self._spare is None and near:
            self._spare = self._made()
            self._safely(self.folder.sync)
        self._measured(self.folder.size())

    def _has_erased(self) -> bool:
        """Whether a lead was erased since the last call."""
        before, self._erased_at = self._erased_at, stamp_of(self.folder.path / ERASED)
        return before != self._erased_at

    def leave(self) -> bool:
        """Goes on with the next segment if the current one must not stay; returns whether it did.

        For the thread that appends. Waits until there is a next one: a full tape goes on as it is.
        """
        if self._leaving is None or self._leaving is not self._held or self._spare is None:
            return False
        self._go_on()
        return True

    def _safely(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as failure:
            log.error("tape not synced", reason=failure.strerror or str(failure))  # noqa: TRY400  # the reason is enough

    def close(self) -> None:
        """Ends the tape; nothing is appended after that."""
        if self._held is not None:
            self._ended.append(self._held)
        if self._spare is not None:
            self._ended.append(self._spare)
        self._held = self._spare = None
        self._retry_at = float("inf")
        while self._ended:
            self._safely(self._ended.popleft().close)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tends the tape every second as long as the context is open, and closes it at the end."""
        ending = asyncio.Event()
        task = asyncio.create_task(self._tending(ending))
        try:
            yield
        finally:
            ending.set()
            await task
            self.close()

    async def _tending(self, ending: asyncio.Event) -> None:
        while not ending.is_set():
            await asyncio.to_thread(self.tend)
            if self.leave():
                await asyncio.to_thread(self.tend)  # which ends it, so that the keeper can remove it
            try:
                await asyncio.wait_for(ending.wait(), SYNC_SECONDS)
            except TimeoutError:
                continue

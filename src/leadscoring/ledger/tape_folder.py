"""The folder of the tapes: makes segments, with all their blocks, up to a total size, and keeps the files of models."""

import fcntl
import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time_ns

from leadscoring.errors import CannotStart
from leadscoring.ledger.segments import SUFFIX, Header
from leadscoring.settings import SEGMENT_BYTES
from leadscoring.whole_file import whole_file

MODELS = "models"
"""The folder in it with the files of all models that were served, by their SHA-256."""

LOCK = "lock"
UNFINISHED = ".new"

HELD = ".held"
"""Ends the name of a segment that a run of a command has not handed over (``run_tape``)."""

PRIVATE = 0o700


class TapeFull(Exception):
    """There is no room for another segment; the message says why."""


class TapeFolder:
    """A folder of segments of up to ``limit`` bytes together, each of ``segment_bytes``.

    Raises ``CannotStart`` if the folder cannot be made or used.
    """

    def __init__(self, path: Path, limit: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.path = path
        self.segment_bytes = segment_bytes
        self._limit = limit
        self._owner = f"{os.getpid()}_{time_ns() // 1000}"
        self._made = 0
        try:
            path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            if path.stat().st_mode & 0o077:
                path.chmod(PRIVATE)
            (path / MODELS).mkdir(mode=PRIVATE, exist_ok=True)
            with self._locked():
                self._remove_abandoned()
        except OSError as failure:
            raise CannotStart(f"LEDGER_TAPE_PATH {path} cannot be used: {failure.strerror or failure}") from None

    def size(self) -> int:
        """Returns the bytes of all segments."""
        total = 0
        for pattern in (f"*{SUFFIX}", f"*{SUFFIX}{HELD}"):
            for segment in self.path.glob(pattern):
                with suppress(FileNotFoundError):  # the keeper has just removed it
                    total += segment.stat().st_size
        return total

    def has_room(self, size: int, share: float = 1.0) -> bool:
        """Whether there may be so many bytes more, in a share of the folder."""
        return self.size() + size <= self._limit * share

    def make_segment(self) -> int:
        """Makes a segment with all its blocks; returns its file descriptor, which holds the lock on it.

        Raises ``TapeFull`` if the folder or the disk is full, or cannot be written to.
        """
        try:
            with self._locked():
                if self.size() + self.segment_bytes > self._limit:
                    raise TapeFull("LEDGER_TAPE_BYTES are used up")
                return self._made_file(Header((), self._owner, socket.gethostname()))
        except OSError as failure:
            raise TapeFull(failure.strerror or str(failure)) from None

    def _made_file(self, header: Header) -> int:
        self._made += 1
        name = f"{self._owner}-{self._made:06}{SUFFIX}"
        part = self.path / f"{name}{UNFINISHED}"
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.posix_fallocate(descriptor, 0, self.segment_bytes)  # a full disk must not show as SIGBUS later
            os.pwrite(descriptor, header.written(), 0)
            part.rename(self.path / name)  # it never has this name without its lock, its blocks and its header
        except OSError:
            part.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        return descriptor

    def _remove_abandoned(self) -> None:
        """Removes what a killed process was about to make."""
        for part in self.path.glob(f"*{SUFFIX}{UNFINISHED}"):
            part.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Holds the lock under which segments are made."""
        with (self.path / LOCK).open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def sync(self) -> None:
        """Writes the names of the segments to the disk."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def keep_model(self, digest: str, contents: Callable[[], Iterator[bytes]]) -> None:
        """Keeps the file of a model with this SHA-256, the first of the ``contents`` that has it, unless it is there.

        Raises ``CannotStart`` if none has it, or there is no room.
        """
        path = self.path / MODELS / digest
        if path.exists():
            return
        for content in contents():
            if hashlib.sha256(content).hexdigest() == digest:
                break
        else:
            raise CannotStart("the model file has changed since it was read: its scores could not be computed again")
        try:
            with whole_file(path) as part, part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as failure:
            raise CannotStart(f"the model cannot be kept in {path.parent}: {failure.strerror or failure}") from None

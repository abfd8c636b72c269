"""The tape of a command that scores files: segments that the keeper sees when the run cannot lose their place any more.

A segment of a run is written under a name that no keeper looks at. When the run has recorded up to which row it is, the
segment gets its own name. A run that goes on after it was killed first names the segments up to the place from which it
goes on, and removes the one behind it, whose rows it scores again: each lead is on the tape once.
"""

import os
import secrets
import socket
from pathlib import Path

from leadscoring.ledger.segments import SUFFIX, Header
from leadscoring.ledger.tape_folder import HELD, TapeFolder

FULL = 1 << 24
"""Bytes of a segment from which the run is to record its place, and begin another."""


def new_run() -> str:
    """Returns a name for a run, which no other has."""
    return f"run_{secrets.token_hex(8)}"


class RunTape:
    """The tape of one run: appends records that the engine has made, all of the model with this SHA-256.

    ``segments`` is how many the run has sealed until the place from which it goes on. Raises ``OSError`` if the folder
    cannot be written to.
    """

    def __init__(self, folder: TapeFolder, run: str, digest: str, segments: int = 0) -> None:
        self.folder = folder
        self._run = run
        self._header = Header((digest,), run, socket.gethostname()).written()
        self._sealed = segments
        self._file: int | None = None
        self.size = 0
        for held in self._held():
            if int(held.name.removesuffix(HELD).removesuffix(SUFFIX).rpartition("-")[2]) <= segments:
                held.rename(held.with_suffix(""))
            else:
                held.unlink()

    @property
    def is_full(self) -> bool:
        """Whether it is time to record the place of the run."""
        return self.size >= FULL

    def add(self, records: bytes | bytearray) -> None:
        """Appends records."""
        if not records:
            return
        if self._file is None:
            self._file = os.open(self._path(HELD), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._append(self._header)
        self._append(records)

    def _append(self, content: bytes | bytearray) -> None:
        left = memoryview(content)
        self.size += len(left)
        while left:
            assert self._file is not None  # noqa: S101  # ``add`` opened it
            left = left[os.write(self._file, left) :]

    def seal(self) -> int:
        """Writes the segment to the disk; returns how many are sealed, for the place that the run records."""
        if self._file is not None:
            os.fsync(self._file)
            self.folder.sync()
            return self._sealed + 1
        return self._sealed

    def publish(self) -> None:
        """Hands the sealed segment to the keeper, once the place of the run is recorded."""
        if self._file is None:
            return
        self.close()
        self._path(HELD).rename(self._path())
        self.size = 0
        self._sealed += 1

    def published(self) -> list[Path]:
        """Returns the segments of the run that are not moved yet."""
        return sorted(self.folder.path.glob(f"{self._run}-*{SUFFIX}"))

    def close(self) -> None:
        """Closes the segment in hand, which stays: a run that goes on decides on it."""
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def discard(self) -> None:
        """Removes the segment in hand: no run goes on with it."""
        self.close()
        for held in self._held():
            held.unlink(missing_ok=True)

    def _held(self) -> list[Path]:
        return sorted(self.folder.path.glob(f"{self._run}-*{SUFFIX}{HELD}"))

    def _path(self, ending: str = "") -> Path:
        return self.folder.path / f"{self._run}-{self._sealed + 1:06}{SUFFIX}{ending}"

"""A file that grows at its end under a temporary name, and gets its own name when it is complete."""

import fcntl
import os
from pathlib import Path

from leadscoring._engine import crc32c
from leadscoring.bulk import objects
from leadscoring.errors import ScoringFileError
from leadscoring.system_error import why

PART = 1 << 20
"""Bytes that are compared at once."""

AGAIN = "start again without --resume"


class Appended:
    """An output that is being written; nothing of it is at ``path`` until ``finish``.

    It is opened when the first bytes are written. After an interruption ``resume`` continues it from a size at which
    it was complete. ``digest`` is the CRC-32C of all bytes so far.
    Every failure is a ``ScoringFileError`` that names the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.part")
        self.size, self.digest = 0, 0
        self._descriptor: int | None = None

    def resume(self, size: int, digest: int | None = None) -> None:
        """Continues the temporary file, and drops what was written beyond ``size``.

        Raises if it is not what the interrupted run wrote. Journals of earlier versions have no ``digest``.
        """
        if size == 0:
            self.discard()
            return
        self._check(self.part, size, digest)
        try:
            self._descriptor = self._locked(os.O_WRONLY)
            os.ftruncate(self._descriptor, size)
            os.lseek(self._descriptor, size, os.SEEK_SET)
        except OSError as failure:
            raise self._failed(failure) from None
        self.size = size

    def complete(self, size: int, digest: int | None) -> None:
        """Raises unless the whole file is there, under its temporary name or under its own."""
        self._check(self.part if self.part.exists() or not self.path.exists() else self.path, size, digest)

    def _check(self, path: Path, size: int, digest: int | None) -> None:
        """Raises unless the file begins with the bytes that the interrupted run wrote."""
        try:
            with path.open("rb") as file:
                left, found = size, 0
                while left and (part := file.read(min(left, PART))):
                    left, found = left - len(part), crc32c(part, found)
        except FileNotFoundError:
            raise ScoringFileError(f"{path} is gone, in which the interrupted run had its scores: {AGAIN}") from None
        except OSError as failure:
            raise ScoringFileError(f"{path} cannot be read: {why(failure)}", may_pass=True) from None
        if left:
            raise ScoringFileError(f"{path} is shorter than the interrupted run left it: {AGAIN}")
        if digest not in {None, found}:
            raise ScoringFileError(f"{path} was changed since the interrupted run wrote it: {AGAIN}")
        self.digest = found

    def write(self, content: bytes) -> None:
        """Appends bytes."""
        try:
            if self._descriptor is None:
                self._descriptor = self._locked(os.O_WRONLY | os.O_CREAT)
                os.ftruncate(self._descriptor, 0)
            left = memoryview(content)
            while left:
                count = os.write(self._descriptor, left)
                left = left[count:]
                self.size += count
        except OSError as failure:
            raise self._failed(failure) from None
        self.digest = crc32c(content, self.digest)

    def _locked(self, flags: int) -> int:
        """Opens the temporary file. Raises ``ScoringFileError`` if another run is writing it."""
        descriptor = os.open(self.part, flags | os.O_CLOEXEC, 0o666)
        if not is_free(descriptor):
            os.close(descriptor)
            raise ScoringFileError(f"another run is writing {self.path}: name another file, or wait for it")
        return descriptor

    def sync(self) -> None:
        """Makes what was written survive a crash of the machine."""
        try:
            if self._descriptor is not None:
                os.fsync(self._descriptor)
        except OSError as failure:
            raise self._failed(failure) from None

    def finish(self) -> None:
        """Gives the file its name, if it has bytes or is there already."""
        self._refuse_removed()
        self.close()
        try:
            if self.part.exists():
                os.replace(self.part, self.path)  # noqa: PTH105 - one call of the system, which tests count
        except OSError as failure:
            raise self._failed(failure) from None

    def discard(self) -> None:
        """Removes the temporary file, unless another run is writing it."""
        if self._descriptor is None and is_written(self.part):
            return
        self.close()
        self.part.unlink(missing_ok=True)

    def _refuse_removed(self) -> None:
        """Raises ``ScoringFileError`` if the file that was written is not there any more."""
        try:
            gone = self._descriptor is not None and not os.path.samestat(os.fstat(self._descriptor), self.part.lstat())
        except FileNotFoundError:
            gone = True
        if gone:
            raise ScoringFileError(f"{self.part} was removed or replaced while it was written: score again")

    def remove(self) -> str | None:
        """Removes what an earlier run left at the place of the file. Returns a remark if it may still be there."""
        self.path.unlink(missing_ok=True)
        return None

    def close(self) -> None:
        """Closes the temporary file, which stays."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def _failed(self, failure: OSError) -> ScoringFileError:
        return ScoringFileError(
            f"cannot write {self.path}: {why(failure)} (at byte {self.size} of {self.part.name})", may_pass=True
        )


class Sent(Appended):
    """The same for an object of a cloud: it grows in a file here, and is sent when it is complete."""

    def __init__(self, path: Path, address: str) -> None:
        super().__init__(path)
        self.address = address

    def complete(self, size: int, digest: int | None) -> None:
        """Raises unless the whole file is here, or the object was sent."""
        if self.part.exists() or not objects.is_taken(self.address):
            super().complete(size, digest)

    def finish(self) -> None:
        """Makes the file an object, whole at once, and removes it here."""
        self._refuse_removed()
        self.close()
        if self.part.exists():
            try:
                objects.send(self.part, self.address)
            except ScoringFileError as failure:
                raise ScoringFileError(f"{failure}. It is complete in {self.part}", may_pass=True) from None
            self.part.unlink()

    def remove(self) -> str | None:
        """Removes the object of an earlier run; a right may be missing to see whether there is one."""
        gone = objects.remove(self.address)
        return None if gone else f"no right to remove {self.address}: if it is there, it is of an earlier run"


class Standard:
    """Standard output, which keeps nothing for a later run."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self.size, self.digest = 0, 0

    def write(self, content: bytes) -> None:
        """Writes bytes. Raises ``BrokenPipeError`` if the reader has gone, ``ScoringFileError`` for other reasons."""
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(self._descriptor, left) :]
        except BrokenPipeError:
            raise
        except OSError as failure:
            raise ScoringFileError(f"cannot write to standard output: {why(failure)}") from None
        self.size += len(content)

    def resume(self, _size: int, _digest: int | None = None) -> None:
        """Does nothing: such a run has no journal."""

    def complete(self, _size: int, _digest: int | None) -> None:
        """Does nothing."""

    def sync(self) -> None:
        """Does nothing."""

    def finish(self) -> None:
        """Does nothing."""

    def discard(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


def is_free(descriptor: int) -> bool:
    """Locks a file for this process, unless another one has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # as of a network file system without locks
        return True
    return True


def is_written(path: Path) -> bool:
    """Whether a run is writing a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not is_free(descriptor)
    finally:
        os.close(descriptor)

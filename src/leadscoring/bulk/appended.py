"""A file that grows at its end under a temporary name, and gets its own name when it is complete."""

import os
from pathlib import Path

from leadscoring.bulk import objects
from leadscoring.errors import ScoringFileError
from leadscoring.system_error import why


class Appended:
    """An output that is being written; nothing of it is at ``path`` until ``finish``.

    It is opened when the first bytes are written. After an interruption ``resume`` continues it from a size at which
    it was complete. Every failure is a ``ScoringFileError`` that names the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(f".{path.name}.part")
        self.size = 0
        self._descriptor: int | None = None

    def resume(self, size: int) -> None:
        """Continues the temporary file, and drops what was written beyond ``size``. Raises if it is shorter."""
        if size == 0:
            self.discard()
            return
        try:
            self._descriptor = os.open(self.part, os.O_WRONLY | os.O_CLOEXEC)
            if os.fstat(self._descriptor).st_size < size:
                raise ScoringFileError(f"{self.part} is shorter than the interrupted run left it: delete its journal")
            os.ftruncate(self._descriptor, size)
            os.lseek(self._descriptor, size, os.SEEK_SET)
        except OSError as failure:
            raise self._failed(failure) from None
        self.size = size

    def write(self, content: bytes) -> None:
        """Appends bytes."""
        try:
            if self._descriptor is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
                self._descriptor = os.open(self.part, flags, 0o666)
            left = memoryview(content)
            while left:
                count = os.write(self._descriptor, left)
                left = left[count:]
                self.size += count
        except OSError as failure:
            raise self._failed(failure) from None

    def sync(self) -> None:
        """Makes what was written survive a crash of the machine."""
        try:
            if self._descriptor is not None:
                os.fsync(self._descriptor)
        except OSError as failure:
            raise self._failed(failure) from None

    def finish(self) -> None:
        """Gives the file its name, if it has bytes or is there already."""
        self.close()
        try:
            if self.part.exists():
                os.replace(self.part, self.path)  # noqa: PTH105 - one call of the system, which tests count
        except OSError as failure:
            raise self._failed(failure) from None

    def discard(self) -> None:
        """Removes the temporary file."""
        self.close()
        self.part.unlink(missing_ok=True)

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

    def finish(self) -> None:
        """Makes the file an object, whole at once, and removes it here."""
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
        self.size = 0

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

    def resume(self, _size: int) -> None:
        """Does nothing: such a run has no journal."""

    def sync(self) -> None:
        """Does nothing."""

    def finish(self) -> None:
        """Does nothing."""

    def discard(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""

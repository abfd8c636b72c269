"""The folder that the workers of one service share; removes folders of services that were killed."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from leadscoring.errors import CannotStart

PREFIX = "leadscoring-"

HELD = "held"
"""The file in it that its service keeps locked: the kernel releases the lock however the service ends."""


@contextmanager
def shared_folder() -> Iterator[Path]:
    """Creates a folder that is removed with the context. Raises ``CannotStart`` if that fails, as on a read-only root.

    A container keeps its ``/dev/shm``, which is small, across restarts; therefore folders that killed services left
    behind are removed first.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    except OSError as failure:
        why = failure.strerror or failure
        raise CannotStart(
            f"no folder for what workers share: {why}; set TMPDIR to one that can be written to"
        ) from None
    try:
        with (folder / "new").open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            (folder / "new").rename(folder / HELD)  # so that it never exists under this name without its lock
            remove_abandoned(folder.parent)
            yield folder
    finally:
        shutil.rmtree(folder)


def remove_abandoned(parent: Path) -> None:
    """Removes the folders in ``parent`` whose services have died; ignores those of other users."""
    for held in parent.glob(f"{PREFIX}*/{HELD}"):
        with suppress(OSError), held.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(held.parent)


class Shared(NamedTuple):
    """The state that all workers of a service share, as files in a folder that exists as long as the service."""

    folder: Path

    @property
    def metrics(self) -> Path:
        """The counters of all workers."""
        return self.folder / "metrics"

    @property
    def keys(self) -> Path:
        """The latest valid content of the key file, for workers that start while the file is invalid."""
        return self.folder / "keys.json"

    @property
    def limits(self) -> Path:
        """The remaining rate limit of each key."""
        return self.folder / "limits"

    @property
    def keeper(self) -> Path:
        """The state of the keeper, with LEDGER."""
        return self.folder / "keeper.json"

    @property
    def model(self) -> Path:
        """A copy of the model file from the start of the service, if there was disk space."""
        return self.folder / "model"

    @property
    def digest(self) -> Path:
        """The SHA-256 of the model file."""
        return self.folder / "model.sha256"

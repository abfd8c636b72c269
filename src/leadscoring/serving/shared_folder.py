"""The folder of what the workers of one service share; those of services that were killed are removed."""

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
"""The file in it that its service has locked for as long as it lives: the kernel lets go of it, whatever ends it."""


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder that ends with the context. Raises ``CannotStart`` where none can be made: the root may be read-only.

    A container that is killed again and again keeps its ``/dev/shm``, which is small, so what earlier services left
    behind goes first.
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
            (folder / "new").rename(folder / HELD)  # by this name it is never seen without its lock
            remove_abandoned(folder.parent)
            yield folder
    finally:
        shutil.rmtree(folder)


def remove_abandoned(parent: Path) -> None:
    """Removes the folders in ``parent`` whose services have died. What cannot be removed is another user's."""
    for held in parent.glob(f"{PREFIX}*/{HELD}"):
        with suppress(OSError), held.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(held.parent)


class Shared(NamedTuple):
    """What must be one for all workers of a service, as files in a folder that lives as long as it does."""

    folder: Path

    @property
    def metrics(self) -> Path:
        """Where they count together."""
        return self.folder / "metrics"

    @property
    def keys(self) -> Path:
        """The last state of the key file that could be taken, for a worker that starts while it cannot."""
        return self.folder / "keys.json"

    @property
    def limits(self) -> Path:
        """What each key has left of its rate limit."""
        return self.folder / "limits"

    @property
    def model(self) -> Path:
        """The model file as it was when the service started, where there was room for it."""
        return self.folder / "model"

    @property
    def digest(self) -> Path:
        """Its SHA-256."""
        return self.folder / "model.sha256"

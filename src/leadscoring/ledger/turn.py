"""Turns of keepers: one at a time keeps a folder, and the next one waits until it has ended."""

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from leadscoring.telemetry.log import Log

LOCK = "keeper.lock"
"""The file in the folder that its keeper has locked; the kernel releases the lock however the keeper ends."""

WAIT_SECONDS = 0.5

log = Log("leadscoring")


@contextmanager
def turn(folder: Path, stopping: threading.Event, waiting: Callable[[], None] = lambda: None) -> Iterator[bool]:
    """Yields whether the folder is this keeper's while the context is open; ``False`` if ``stopping`` came first.

    Waits while another has it, and calls ``waiting`` twice a second.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK).open("wb") as file:
        said = False
        while not locked(file.fileno()):
            if not said:
                log.warning("another keeper has this tape", tape=str(folder), advice="waits until that one has ended")
                said = True
            waiting()
            if stopping.wait(WAIT_SECONDS):
                yield False
                return
        yield True


def locked(file: int) -> bool:
    """Tries to lock a file; returns whether it did."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

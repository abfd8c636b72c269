"""Files that appear whole or not at all: written under a temporary name beside their place, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED: set[Path] = set()
"""The temporary files that are being written, which a command that is interrupted removes."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields the path to write to; at the end the file there gets the name ``path``, or is removed after an error.

    A symbolic link is followed, and stays. A pipe or a device, such as ``/dev/stdout``, is written directly. Raises
    ``OSError`` if the file cannot be written.
    """
    place = path.resolve()
    if place.exists() and not place.is_file():
        yield path
        return
    part = place.with_name(f".{place.name[:50]}.{os.getpid()}-{len(UNFINISHED)}.part")
    UNFINISHED.add(part)
    try:
        yield part
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
        UNFINISHED.discard(part)


def remove_unfinished() -> None:
    """Removes what is being written, as far as possible: for a process that ends at once."""
    for part in tuple(UNFINISHED):
        try:
            part.unlink(missing_ok=True)
        except OSError:
            continue

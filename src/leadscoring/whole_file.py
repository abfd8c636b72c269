"""Files that appear whole or not at all: written under a temporary name beside their place, then renamed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED: set[Path] = set()
"""The temporary files that are being written, which a command that is interrupted removes."""


@contextmanager
def whole_file(path: Path, *, fresh: bool = False, private: bool = False) -> Iterator[Path]:
    """Yields the path to write to; at the end the file there gets the name ``path``, or is removed after an error.

    If it is to be ``fresh``, a file that appeared at ``path`` meanwhile stays, and ``FileExistsError`` is raised. A
    ``private`` file can be read by its owner alone.

    A symbolic link is followed, and stays. A pipe or a device, such as ``/dev/stdout``, is written directly. Raises
    ``OSError``, with the name ``path``, if the file cannot be written.
    """
    place = path.resolve()
    if place.exists() and not place.is_file():
        yield path
        return
    part = place.with_name(f".{place.name[:50]}.{os.getpid()}-{len(UNFINISHED)}.part")
    UNFINISHED.add(part)
    try:
        if private:
            part.touch(0o600)
        yield part
        named(part, place, fresh=fresh)
    except OSError as failure:
        if failure.filename in (None, part, str(part)):  # as of a full disk, which names nothing
            failure.filename = str(path)
        raise
    finally:
        try:
            part.unlink(missing_ok=True)
        finally:  # also where a part of the path is no folder
            UNFINISHED.discard(part)


def named(part: Path, place: Path, *, fresh: bool) -> None:
    """Gives a file its name, in place of the file that has it unless the name has to be ``fresh``."""
    if not fresh:
        part.replace(place)
        return
    try:
        place.hardlink_to(part)
    except FileExistsError:
        raise appeared(place) from None
    except OSError:  # as of file systems without links, where the check and the renaming are two steps
        if place.exists():
            raise appeared(place) from None
        part.replace(place)


def appeared(place: Path) -> FileExistsError:
    """The error for a file that another process wrote meanwhile."""
    return FileExistsError(errno.EEXIST, "a file appeared there meanwhile, and stays; name another file", str(place))


def remove_unfinished() -> None:
    """Removes what is being written, as far as possible: for a process that ends at once."""
    for part in tuple(UNFINISHED):
        try:
            part.unlink(missing_ok=True)
        except OSError:
            continue

"""The file of API keys: what an entry holds, how it is read, how it is added to.

A JSON array of ``{"label", "sha256", "scopes", "expires", "note"}``. The keys themselves are in no file:
an entry holds the SHA-256 of one, and no message repeats what an entry holds beyond its label.
"""

import fcntl
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Literal

import msgspec

from leadscoring._engine import Split
from leadscoring.errors import KeyFileInvalid
from leadscoring.regular_file import NotRegular, opened
from leadscoring.stretches import Stretches, at_once

Scope = Literal["score", "admin"]

LARGEST = 1 << 25
"""Bytes of a key file, at most: some 200,000 keys."""

MOST = 500_000
"""Entries that are read, at most."""

STRETCH = 16384
"""Bytes of entries that are read between two pauses: half a millisecond's worth."""

READ_STRETCH = 1 << 20
"""Bytes of the file that are taken from the disk between two pauses."""

SETTLED_SECONDS = 0.1
"""A file changed within this time may change again without its stamp telling, so it is read again."""

NO_ARRAY = "it must hold one JSON array of entries"

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}").fullmatch
SHA256 = re.compile(r"[0-9a-fA-F]{64}").fullmatch


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """One key of the file."""

    label: str
    sha256: str
    scopes: tuple[Scope, ...] = ("score",)
    expires: str | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not LABEL(self.label):
            raise ValueError("label must be 1 to 64 letters, digits, '.', '_', '@' or '-', the first a letter or digit")
        if not SHA256(self.sha256):
            raise ValueError("sha256 must be the 64 hexadecimal digits of a key's SHA-256")
        if not self.scopes:
            raise ValueError("scopes must hold score, admin or both")
        moment(self.expires)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the key."""
        return bytes.fromhex(self.sha256)

    @property
    def expires_at(self) -> float:
        """When it stops working, in seconds since 1970; infinity for never."""
        return moment(self.expires)


@lru_cache(maxsize=1024)
def moment(text: str | None) -> float:
    """When a key with this ``expires`` stops working: a date counts to its end, a time without a zone is UTC.

    Raises ``ValueError`` for what is neither, nor nothing.
    """
    if text is None:
        return inf
    try:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            at = datetime.fromisoformat(text)
        else:
            at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError("expires must be an ISO date or time such as 2030-12-31, or null") from None


decode_entries = msgspec.json.Decoder(list[Entry]).decode
Unreadable = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def parse(content: bytes, path: str) -> tuple[Entry, ...]:
    """The entries in the content of a key file.

    Raises ``KeyFileInvalid``, and nothing else, whatever the bytes are.
    """
    return tuple(at_once(parsing(content, path)))


def parsing(content: bytes, path: str) -> Stretches[list[Entry]]:
    """The same, with pauses."""
    split = Split(content, MOST)
    while not split.step(READ_STRETCH):
        yield
    if not split.sound:
        raise KeyFileInvalid(path, NO_ARRAY)
    if split.count > MOST:
        raise KeyFileInvalid(path, f"it must have at most {MOST} entries, not {split.count}")
    entries: list[Entry] = []
    labels: set[str] = set()
    digests: dict[bytes, str] = {}
    for first, last, begin, end, _, _ in split.groups(STRETCH, len(content), len(content)):
        if first:
            yield
        try:
            found = decode_entries(b"[%b]" % content[begin:end])
        except Unreadable:
            raise wrong_entry(content, split, first, last, path) from None
        for number, entry in enumerate(found, first + 1):
            digest = entry.digest
            if entry.label in labels or digest in digests:
                what, other = ("label", entry.label) if entry.label in labels else ("key", digests[digest])
                raise KeyFileInvalid(path, f"entry {number} ({entry.label!r}) has the {what} of entry {other!r}")
            labels.add(entry.label)
            digests[digest] = entry.label
        entries += found
    return entries


def wrong_entry(content: bytes, split: Split, first: int, last: int, path: str) -> KeyFileInvalid:
    """The error for the first entry of a group that is not allowed."""
    for number in range(first, last):
        begin, end, _ = split.element(number)
        place = content[begin:end]
        try:
            msgspec.json.decode(place, type=Entry)
        except msgspec.ValidationError as failure:
            return KeyFileInvalid(path, f"{named(number + 1, place)}: {failure}")
        except Unreadable:
            break
    return KeyFileInvalid(path, NO_ARRAY)


def named(number: int, place: bytes) -> str:
    """How a message names an entry: by its place, and its label when that is sound."""
    try:
        label = msgspec.json.decode(place)["label"]
        return f"entry {number} ({label!r})" if LABEL(label) else f"entry {number}"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError, LookupError):
        return f"entry {number}"


def content_of(path: Path) -> bytes | str:
    """What is in the file, or why that cannot be told."""
    return at_once(contents(path))


def contents(path: Path) -> Stretches[bytes | str]:
    """The same, with pauses."""
    parts: list[bytes] = []
    size = 0
    try:
        with opened(path) as file:
            while part := file.read(READ_STRETCH):
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    return f"it must have at most {LARGEST} bytes"
                if size > READ_STRETCH:
                    yield
    except NotRegular as failure:
        return str(failure)
    except OSError as failure:
        return failure.strerror or type(failure).__name__
    except ValueError:  # a path with a zero byte in it
        return "no such file"
    return parts[0] if len(parts) == 1 else b"".join(parts)


def read(path: Path) -> tuple[Entry, ...]:
    """The entries of a key file. Raises ``KeyFileInvalid``."""
    return tuple(at_once(entries_of(content_of(path), path)))


def entries_of(found: bytes | str, path: Path) -> Stretches[list[Entry]]:
    """The entries in what was found at a path. Raises ``KeyFileInvalid``."""
    if isinstance(found, str):
        raise KeyFileInvalid(str(path), found)
    return (yield from parsing(found, str(path)))


class KeyFile:
    """A key file that is looked at again and again, and read only when it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: bytes | str | None = None
        """Its content when it was read last, or why that could not be."""
        self._stamp: tuple[int, int, int] | None = None

    def forget(self) -> None:
        """Makes the next look read the file, whatever its stamp says, and tell what is in it, changed or not."""
        self._stamp = self.found = None

    def news(self) -> Stretches[list[Entry] | None]:
        """Its entries when it has changed since the last look, else nothing; pauses only while it reads a long one.

        Raises ``KeyFileInvalid`` once a change that cannot be taken.
        """
        stamp = self._stamp_now()
        if stamp is not None and stamp == self._stamp:
            return None
        self._stamp = stamp
        found = yield from contents(self.path)
        if found == self.found:
            return None
        self.found = found
        return (yield from entries_of(found, self.path))

    def _stamp_now(self) -> tuple[int, int, int] | None:
        """What tells this state of the file from others; nothing when it cannot be told yet."""
        try:
            found = self.path.stat()
        except (OSError, ValueError):
            return None
        if abs(time.time() - found.st_mtime) < SETTLED_SECONDS:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def append(path: Path, entry: Entry) -> None:
    """Adds an entry to a key file, or makes the file; whoever reads sees all of it or what was there before.

    Raises ``KeyFileInvalid`` when the file cannot be read or written, or holds the label already.
    """
    path = Path(os.path.realpath(path))  # what a link points to is replaced, not the link
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as failure:
        raise KeyFileInvalid(str(path), failure.strerror or "it cannot be written") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # two of these at once would lose one's entry
        before = read(path) if path.exists() else ()
        content = written((*before, entry))
        parse(content, str(path))
        replace(path, content)
        os.fsync(folder)
    except OSError as failure:
        raise KeyFileInvalid(str(path), failure.strerror or "it cannot be written") from None
    finally:
        os.close(folder)


def replace(path: Path, content: bytes) -> None:
    """Puts another file with this content at a path, with the rights of the one that is there."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    made = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if path.exists():
                there = path.stat()
                os.fchmod(file.fileno(), stat.S_IMODE(there.st_mode))
                if there.st_uid != os.geteuid():  # only an administrator's change of owner is undone
                    os.fchown(file.fileno(), there.st_uid, there.st_gid)
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


def written(entries: Iterable[Entry]) -> bytes:
    """Entries as a key file, one a line."""
    lines = b",\n".join(b"  " + msgspec.json.encode(entry) for entry in entries)
    return b"[\n" + lines + b"\n]\n"


def sha256_of(key: str) -> bytes:
    """The digest by which a key is known."""
    return hashlib.sha256(key.encode()).digest()

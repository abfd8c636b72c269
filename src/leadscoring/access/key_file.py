"""The file of API keys: what an entry holds, and how the file is read and extended.

A JSON array of ``{"label", "sha256", "scopes", "expires", "note"}``. No file holds a key itself: an entry holds its
SHA-256, and no message repeats anything of an entry but its label.
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
from typing import Literal, get_args

import msgspec

from leadscoring._engine import Split
from leadscoring.errors import KeyFileInvalid
from leadscoring.regular_file import NotRegular, opened
from leadscoring.stretches import Stretches, at_once

Scope = Literal["score", "outcomes", "admin"]
"""What a key gives access to; ``admin`` includes the others."""

SCOPES: tuple[Scope, ...] = get_args(Scope)

LARGEST = 1 << 25
"""Maximum size of a key file in bytes, enough for about 200,000 keys."""

MOST = 500_000
"""Maximum number of entries in a key file."""

STRETCH = 16384
"""Bytes of entries decoded between two pauses, which takes about half a millisecond."""

READ_STRETCH = 1 << 20
"""Bytes read from disk between two pauses."""

SETTLED_SECONDS = 0.1
"""A file modified more recently than this may change again without a new timestamp, so it is read again."""

NO_ARRAY = "it must hold one JSON array of entries"

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}").fullmatch
SHA256 = re.compile(r"[0-9a-fA-F]{64}").fullmatch


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """One key in the file."""

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
            raise ValueError(f"scopes must hold one or more of {', '.join(SCOPES)}")
        moment(self.expires)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the key, 32 bytes."""
        return bytes.fromhex(self.sha256)

    @property
    def expires_at(self) -> float:
        """When the key expires, in seconds since 1970; infinity if never."""
        return moment(self.expires)


@lru_cache(maxsize=1024)
def moment(text: str | None) -> float:
    """When a key with this ``expires`` value stops working, in seconds since 1970; infinity for ``None``.

    A date is valid until its end; a time without a zone is UTC. Raises ``ValueError`` for any other text.
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
    """Parses the content of a key file.

    Raises ``KeyFileInvalid``, and no other error, for arbitrary bytes.
    """
    return tuple(at_once(parsing(content, path)))


def parsing(content: bytes, path: str) -> Stretches[list[Entry]]:
    """Parses as ``parse`` does, with pauses."""
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
            group = decode_entries(b"[%b]" % content[begin:end])
        except Unreadable:
            raise wrong_entry(content, split, first, last, path) from None
        for number, entry in enumerate(group, first + 1):
            digest = entry.digest
            if entry.label in labels or digest in digests:
                what, other = ("label", entry.label) if entry.label in labels else ("key", digests[digest])
                raise KeyFileInvalid(path, f"entry {number} ({entry.label!r}) has the {what} of entry {other!r}")
            labels.add(entry.label)
            digests[digest] = entry.label
        entries += group
    return entries


def wrong_entry(content: bytes, split: Split, first: int, last: int, path: str) -> KeyFileInvalid:
    """The error for the first invalid entry in a group."""
    for number in range(first, last):
        begin, end, _ = split.element(number)
        text = content[begin:end]
        try:
            msgspec.json.decode(text, type=Entry)
        except msgspec.ValidationError as failure:
            return KeyFileInvalid(path, f"{named(number + 1, text)}: {failure}")
        except Unreadable:
            break
    return KeyFileInvalid(path, NO_ARRAY)


def named(number: int, text: bytes) -> str:
    """How messages identify an entry: by its position, and by its label if that is valid."""
    try:
        label = msgspec.json.decode(text)["label"]
        return f"entry {number} ({label!r})" if LABEL(label) else f"entry {number}"
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError, LookupError):
        return f"entry {number}"


def content_of(path: Path) -> bytes | str:
    """The content of the file, or the reason why it cannot be read."""
    return at_once(contents(path))


def contents(path: Path) -> Stretches[bytes | str]:
    """Reads as ``content_of`` does, with pauses."""
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
    """Reads the entries of a key file. Raises ``KeyFileInvalid``."""
    return tuple(at_once(entries_of(content_of(path), path)))


def entries_of(content: bytes | str, path: Path) -> Stretches[list[Entry]]:
    """Parses the result of ``content_of``, with pauses. Raises ``KeyFileInvalid``."""
    if isinstance(content, str):
        raise KeyFileInvalid(str(path), content)
    return (yield from parsing(content, str(path)))


class KeyFile:
    """A key file that is checked periodically and read only after it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: bytes | str | None = None
        """Its content when it was last read, or the reason why it could not be read; ``None`` before the first read."""
        self._stamp: tuple[int, int, int] | None = None

    def forget(self) -> None:
        """Makes the next check read the file and report its entries even if it has not changed."""
        self._stamp = self.content = None

    def changed_entries(self) -> Stretches[list[Entry] | None]:
        """Its entries if it has changed since the last check, else ``None``; pauses only while reading a large file.

        Raises ``KeyFileInvalid`` once for each change that is not valid.
        """
        stamp = self._stamp_now()
        if stamp is not None and stamp == self._stamp:
            return None
        self._stamp = stamp
        content = yield from contents(self.path)
        if content == self.content:
            return None
        self.content = content
        return (yield from entries_of(content, self.path))

    def _stamp_now(self) -> tuple[int, int, int] | None:
        """Identifies the state of the file; ``None`` while that is not reliable."""
        try:
            status = self.path.stat()
        except (OSError, ValueError):
            return None
        if abs(time.time() - status.st_mtime) < SETTLED_SECONDS:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def append(path: Path, entry: Entry) -> None:
    """Adds an entry to a key file, or creates the file; the write is atomic for concurrent readers.

    Raises ``KeyFileInvalid`` if the file cannot be read or written, or already holds the label or the key.
    """
    path = Path(os.path.realpath(path))  # replaces the target of a symbolic link, not the link
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as failure:
        raise KeyFileInvalid(str(path), failure.strerror or "it cannot be written") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # without the lock, two concurrent calls could lose an entry
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
    """Atomically replaces the file at a path, keeping the permissions and owner of the existing one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if path.exists():
                existing = path.stat()
                os.fchmod(file.fileno(), stat.S_IMODE(existing.st_mode))
                if existing.st_uid != os.geteuid():  # only root needs to restore the owner
                    os.fchown(file.fileno(), existing.st_uid, existing.st_gid)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def written(entries: Iterable[Entry]) -> bytes:
    """Serializes entries as a key file, one per line."""
    lines = b",\n".join(b"  " + msgspec.json.encode(entry) for entry in entries)
    return b"[\n" + lines + b"\n]\n"


def sha256_of(key: str) -> bytes:
    """The digest by which a key is looked up."""
    return hashlib.sha256(key.encode()).digest()

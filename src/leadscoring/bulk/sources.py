"""The files to score: one, those of a folder or a pattern, standard input, or an object in a cloud; and their bytes."""

import codecs
import glob
import hashlib
import io
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec

from leadscoring.bulk.layout import encoding_of
from leadscoring.bulk.objects import Bytes, Facts, begins, facts_of, is_cloud, objects_of
from leadscoring.bulk.printable import printable
from leadscoring.compressed import ZSTANDARD, CutOff, DamagedData, magic_of, reader_of
from leadscoring.errors import ScoringFileError
from leadscoring.standard_streams import is_closed
from leadscoring.system_error import why
from leadscoring.training.reading.text import refuse_foreign

STDIN = "-"
PARQUET = b"PAR1"
ENDINGS = (".csv", ".tsv", ".txt", ".parquet")
PACKED = ("", ".gz", ".bz2", ".xz", ".zst")
MARKED = 65536
"""Bytes at the start of a file that are part of its identity."""

PEEKED = 4096
"""Bytes by which compression and encoding are recognised."""

TOGETHER_LOOKED_AT = 16
"""Objects that a cloud is asked about at the same time."""


class Identity(msgspec.Struct, frozen=True):
    """What tells whether a file is still the same: its size, when it was changed, and a digest of its beginning.

    Of an object of a cloud, ``head`` is the tag of its content, and ``changed`` is 0.
    """

    size: int
    changed: int
    head: str


class Source(msgspec.Struct, frozen=True):
    """One file to score: its path or address, whether it is Parquet, and what identifies it, if it can be known."""

    path: str
    is_parquet: bool = False
    identity: Identity | None = None

    @property
    def name(self) -> str:
        """What it is called in messages and rejects."""
        return "standard input" if self.path == STDIN else printable(self.path)

    @property
    def is_cloud(self) -> bool:
        """Whether it is an object of a cloud's storage."""
        return is_cloud(self.path)

    @property
    def size(self) -> int:
        """Its bytes; 0 if they are not known."""
        return self.identity.size if self.identity is not None else 0


class Stream(Protocol):
    """The bytes of a text file, in order."""

    def read(self, size: int = -1, /) -> bytes:
        """Returns as many bytes as are there, at most ``size``; none at the end."""
        ...

    def close(self) -> None:
        """Closes the file."""
        ...


def sources_of(data: str) -> tuple[Source, ...]:
    """The files that an argument names, in the order of their names.

    Raises ``ScoringFileError`` if there is none, or one cannot be read.
    """
    if data == STDIN:
        return (Source(STDIN),)
    if is_cloud(data):
        with ThreadPoolExecutor(TOGETHER_LOOKED_AT) as pool:
            return tuple(pool.map(source_of, objects_of(data)))
    path = Path(data)
    if path.is_dir():
        found = sorted(str(one) for one in path.iterdir() if is_data(one))
        if not found:
            raise ScoringFileError(f"the folder {data} has no file that ends in {', '.join(ENDINGS)}")
    elif not path.exists() and glob.has_magic(data):
        found = sorted(one for one in glob.glob(data, recursive=True) if is_read(Path(one)))  # noqa: PTH207 - with any number of folders, as a shell
        if not found:
            raise ScoringFileError(f"no file matches {data}")
    else:
        found = [data]
    return tuple(source_of(one) for one in found)


def is_data(path: Path) -> bool:
    """Whether a file of a folder holds leads, by its name."""
    endings = tuple(ending + packed for ending in ENDINGS for packed in PACKED)
    return is_read(path) and not path.name.startswith((".", "_")) and path.name.lower().endswith(endings)


def is_read(path: Path) -> bool:
    """Whether a name is that of a file; a link that leads nowhere is one, so that it is reported and not left out."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def source_of(path: str) -> Source:
    """A file by its path. Raises ``ScoringFileError`` if it cannot be read."""
    if is_cloud(path):
        return Source(path, begins(path, len(PARQUET)) == PARQUET, identity_of(path))
    try:
        if Path(path).exists() and not Path(path).is_file():  # a pipe, such as <(zcat leads.csv.gz), is read once
            return Source(path)
        return Source(path, starts(path, PARQUET), identity_of(path))
    except (OSError, ValueError) as failure:
        raise ScoringFileError(f"{path} cannot be read: {why(failure)}") from None


def starts(path: str, magic: bytes) -> bool:
    """Whether a file starts with these bytes."""
    with Path(path).open("rb") as file:
        return file.read(len(magic)) == magic


def identity_of(path: str) -> Identity:
    """What identifies a file now."""
    if is_cloud(path):
        facts = facts_of(path)
        return Identity(facts.size, 0, facts.tag)
    with Path(path).open("rb") as file:
        status = os.fstat(file.fileno())
        return Identity(status.st_size, status.st_mtime_ns, hashlib.sha256(file.read(MARKED)).hexdigest())


def refuse_changed(source: Source) -> None:
    """Raises ``ScoringFileError`` if a file is not what it was when it was opened."""
    if source.identity is None:
        return
    try:
        now: Identity | None = identity_of(source.path)
    except OSError:
        now = None
    if now != source.identity:
        how = change_of(source.identity, now)
        raise ScoringFileError(f"{source.name} changed while it was scored ({how}): no scores of it are kept")


def change_of(before: Identity | None, now: Identity | None) -> str:
    """What differs between two states of a file, in words."""
    if now is None or before is None:
        return "it was removed" if now is None else "it was no regular file"
    if now.size != before.size:
        return f"it went from {before.size} to {now.size} bytes"
    if now.head != before.head:
        return "its content was changed"
    times = " and ".join(
        datetime.fromtimestamp(one.changed // 10**9, UTC).isoformat().replace("+00:00", "Z") for one in (before, now)
    )
    return f"it has as many bytes, but was written to again: at {times}"


def opened(source: Source, skip: int = 0) -> Stream:
    """The text of a file as UTF-8 or single bytes, decompressed, from an offset on.

    Raises ``ScoringFileError`` if it cannot be opened.
    """
    raw = raw_of(source)
    try:
        return text_of(raw, source, skip)
    except BaseException:
        raw.close()
        raise


def text_of(raw: Any, source: Source, skip: int) -> Stream:
    """The text of the bytes of a file, from an offset on."""
    magic = raw.peek(PEEKED)
    inner: Any = unpacked(raw, magic, source)
    head = magic if inner is raw else read(Unpacked(raw, inner, b""), PEEKED, source, 0)
    if head.startswith(PARQUET):
        what = "Parquet cannot be read from a pipe: name the file" if inner is raw else "compressed Parquet: unpack it"
        raise ScoringFileError(f"{source.name} cannot be read: {what}")
    refuse_foreign(head, source.name)
    encoding = encoding_of(head, source.name)
    if inner is raw and encoding == "utf-8" and source.identity is not None:
        raw.seek(skip)
        whole: Stream = raw
        return whole
    stream = Unpacked(raw, inner, b"" if inner is raw else head)
    return skipped(stream if encoding == "utf-8" else Transcoded(stream, encoding), skip, source)


def raw_of(source: Source) -> Any:
    """The bytes of a file, of an object or of standard input."""
    if source.is_cloud and source.identity is not None:
        return io.BufferedReader(Bytes(source.path, Facts(source.size, source.identity.head)), 1 << 16)
    if source.path == STDIN:
        if is_closed(sys.stdin):
            raise ScoringFileError("standard input cannot be read: it is closed")
        return io.BufferedReader(sys.stdin.buffer.raw, 1 << 16) if hasattr(sys.stdin.buffer, "raw") else held(sys.stdin)
    try:
        return Path(source.path).open("rb", buffering=1 << 16)
    except OSError as failure:
        raise ScoringFileError(f"{source.name} cannot be read: {why(failure)}") from None


def held(stream: Any) -> Any:
    """Standard input that was replaced by bytes in memory."""
    return io.BufferedReader(io.BytesIO(stream.buffer.read()))


def unpacked(raw: Any, magic: bytes, source: Source) -> Any:
    """The decompressed bytes, if they are compressed."""
    kind = magic_of(magic)
    if kind is None:
        return raw
    if kind == ZSTANDARD and source.identity is None:
        raise ScoringFileError(f"{source.name} is compressed with Zstandard: pipe it through `zstd -dc`")
    return reader_of(raw, kind, source.path)


def skipped(stream: Stream, count: int, source: Source) -> Stream:
    """A stream from an offset on, for streams that cannot be entered in the middle."""
    left = count
    while left:
        part = read(stream, min(left, 1 << 20), source, 0)
        if not part:
            raise ScoringFileError(f"{source.name} ends before the place at which the interrupted run stopped")
        left -= len(part)
    return stream


def read(stream: Stream, size: int, source: Source, line: int, held: bytes = b"") -> bytes:
    """Reads up to ``size`` bytes, all of them unless the file ends.

    Raises ``ScoringFileError``, with the last line, if a file is cut off, damaged or cannot be read. ``line`` is the
    number of the last line before the bytes ``held``, which were read and not yet parsed.
    """
    parts: list[bytes] = []
    left = size
    try:
        while left and (part := stream.read(left)):
            parts.append(part)
            left -= len(part)
    except CutOff:
        place = after(line, [held, *parts])
        raise ScoringFileError(f"{source.name} is cut off: its compressed data ends {place}") from None
    except (OSError, DamagedData, UnicodeDecodeError) as failure:
        place, is_system = after(line, [held, *parts]), getattr(failure, "errno", None) is not None
        raise ScoringFileError(f"{source.name} cannot be read {place}: {why(failure)}", may_pass=is_system) from None
    return b"".join(parts)


def after(line: int, parts: Sequence[bytes]) -> str:
    """Where reading ended, in words: behind a line and the lines of some bytes."""
    last = line + (sum(part.count(b"\n") for part in parts) or sum(part.count(b"\r") for part in parts))
    return f"after line {last}" if last else "at its beginning"


class Unpacked:
    """A decompressed stream, of which the first bytes were read; closes the file below.

    It is read in the parts in which it is decompressed, so that all that precedes a damaged place is there.
    """

    def __init__(self, raw: BinaryIO, inner: Any, head: bytes) -> None:
        self._raw, self._inner, self._head = raw, inner, head

    def read(self, size: int = -1, /) -> bytes:
        """Returns at most ``size`` bytes."""
        if self._head:
            self._head, given = self._head[size:], self._head[:size]
            return given
        part: bytes = self._inner.read1(size)
        return part

    def close(self) -> None:
        """Closes both."""
        self._inner.close()
        self._raw.close()


class Transcoded:
    """A stream of UTF-16 or UTF-32 as UTF-8."""

    def __init__(self, stream: Stream, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._held = b""

    def read(self, size: int = -1, /) -> bytes:
        """Returns at most ``size`` bytes of UTF-8."""
        while not self._held:
            part = self._stream.read(1 << 16)
            self._held = self._decoder.decode(part, final=not part).encode("utf-8", "replace")
            if not part:
                break
        self._held, given = self._held[size:], self._held[:size]
        return given

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()

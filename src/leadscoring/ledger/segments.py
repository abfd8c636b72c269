"""Segments of a tape: files of scored leads, which one process writes and the keeper reads meanwhile.

A segment begins with a page that names its format, its models and its owner; records follow, each with a checksum. The
owner holds a lock on the file for as long as it writes to it.
"""

import fcntl
import mmap
import os
import struct
from pathlib import Path
from typing import NamedTuple

import msgspec

from leadscoring._engine import read_tape
from leadscoring.ledger.lead_key import plain_name

SUFFIX = ".tape"
MAGIC = b"LSTAPE01"
FORMAT = 1
PAGE = 4096
"""Bytes before the first record."""

HEAD = struct.Struct("<8sII")
"""Magic, format, and number of models, whose digests follow."""

DIGEST = 32
NAMES = 2048
"""Where the names of the owner and of its instance are."""

MOST_MODELS = (NAMES - HEAD.size) // DIGEST
LENGTH = struct.Struct("<H")

FALLBACK, REMOTE, BULK, HAS_MOMENT, PLAIN_ID, ENCODED = 1, 2, 4, 8, 16, 32
"""Flags: the local fallback scored in place of a remote model; a remote model did; a bulk command did; the record has
``as_of``; it has the lead's id as it was sent; the client sent the encoded row, without an id."""

Taped = tuple[int, float, int, int | None, bytes, bytes, str, str | None, int]
"""A record as the engine reads it, with the number of its model."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A scored lead: what was known when its score was computed, from which the score can be computed again.

    ``time`` and ``as_of`` are microseconds since 1970 in UTC, ``margin`` is in log-odds, ``row`` has the float32 of
    each column. ``key`` is empty for a row without an id, ``name`` the id itself if it is kept. ``unseen`` is JSON of
    the values by feature that training did not know.
    """

    time: int
    margin: float
    model: str
    as_of: int | None
    row: bytes
    key: bytes
    name: str | None
    request: str
    unseen: str | None
    flags: int


class Read(NamedTuple):
    """Records of a segment, the offset of what follows them, and whether that is damaged."""

    records: list[Record]
    offset: int
    damaged: bool


class Header(NamedTuple):
    """The first page of a segment: the digests of its models in order, its owner, and the owner's instance."""

    models: tuple[str, ...]
    owner: str
    instance: str

    def written(self) -> bytes:
        """Returns the page."""
        page = bytearray(PAGE)
        HEAD.pack_into(page, 0, MAGIC, FORMAT, len(self.models))
        for number, digest in enumerate(self.models):
            at = place_of(number)
            page[at : at + DIGEST] = bytes.fromhex(digest)
        at = NAMES
        for name in (self.owner, self.instance):
            told = name.encode()[:512]
            page[at : at + LENGTH.size + len(told)] = LENGTH.pack(len(told)) + told
            at += LENGTH.size + len(told)
        return bytes(page)


def place_of(number: int) -> int:
    """Returns the offset of a model's digest in the page."""
    return HEAD.size + number * DIGEST


def header_of(page: bytes) -> Header | None:
    """Returns what the first page of a segment says; ``None`` if it is not one."""
    if len(page) < PAGE:
        return None
    magic, version, models = HEAD.unpack_from(page)
    if magic != MAGIC or version != FORMAT or models > MOST_MODELS:
        return None
    digests = tuple(page[place_of(number) :][:DIGEST].hex() for number in range(models))
    names, at = [], NAMES
    for _ in range(2):
        (length,) = LENGTH.unpack_from(page, at)
        names.append(page[at + LENGTH.size : at + LENGTH.size + length].decode("utf-8", "replace"))
        at += LENGTH.size + length
        if at + LENGTH.size > PAGE:
            return None
    return Header(digests, *names)


def read(path: Path, offset: int, limit: int) -> Read:
    """Reads up to ``limit`` records of a segment from ``offset`` on; 0 is its beginning.

    Reads to the first record that is incomplete, which a later call may find complete, or ``damaged``. Raises
    ``OSError`` if the file cannot be read.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < PAGE:
            return Read([], offset, damaged=True)
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as segment:
            begin = max(offset, PAGE)
            found, end, damaged = read_tape(segment, begin, limit)
            header = header_of(segment[:PAGE])  # after the records, since a model is entered before its first record
            if header is None:
                return Read([], offset, damaged=True)
            known = next((at for at, taped in enumerate(found) if taped[2] >= len(header.models)), len(found))
            if known < len(found):  # a record of a model that was never entered
                damaged = True
                found, end, _ = read_tape(segment, begin, known)
    return Read([record_of(taped, header.models) for taped in found], end, damaged)


def record_of(taped: Taped, models: tuple[str, ...]) -> Record:
    """Returns a record with the digest of its model, and its lead's key apart from the id."""
    time, margin, model, as_of, row, lead, request, unseen, flags = taped
    name = plain_name(lead[16:].decode("utf-8", "surrogatepass")) if flags & PLAIN_ID else None
    return Record(time, margin, models[model], as_of, row, lead[:16], name, request, unseen, flags)


def is_being_written(path: Path) -> bool:
    """Whether a live process holds the segment, and may append to it."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def segments_in(folder: Path) -> list[Path]:
    """Returns the segments in a folder, in the order of their names."""
    return sorted(folder.glob(f"*{SUFFIX}"))

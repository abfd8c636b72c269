"""Writes segments of a tape as a worker does, in Python, so that a test can also write damaged ones."""

import fcntl
import hashlib
import os
import struct
from itertools import count
from pathlib import Path

from leadscoring._engine import crc32c
from leadscoring.ledger.segments import FALLBACK, HAS_MOMENT, PAGE, PLAIN_ID, Header

RECORD = struct.Struct("<IIQdHHHBB")
NUMBERS = count(1)
SEGMENT_BYTES = 1 << 20


class Segment:
    """A segment that is being written."""

    def __init__(self, folder: Path, models: tuple[str, ...], owner: str = "", size: int = SEGMENT_BYTES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{owner or f'{os.getpid()}_{next(NUMBERS):06}'}-{next(NUMBERS):06}.tape"
        self._file = self.path.open("w+b")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._file.truncate(size)
        os.pwrite(self._file.fileno(), Header(models, owner, "here").written(), 0)
        self.end = PAGE

    def write(
        self,
        time: int,
        lead: str | None = None,
        row: tuple[float, ...] = (1.0, 2.0),
        margin: float = 0.0,
        *,
        model: int = 0,
        request: str = "",
        unseen: str = "",
        as_of: int | None = None,
        plain: bool = False,
        fallback: bool = False,
    ) -> None:
        """Appends one record."""
        key = b"" if lead is None else key_of(lead) + (lead.encode() if plain else b"")
        flags = (HAS_MOMENT if as_of is not None else 0) | (PLAIN_ID if plain else 0) | (FALLBACK if fallback else 0)
        moment = b"" if as_of is None else struct.pack("<q", as_of)
        body = moment + struct.pack(f"<{len(row)}f", *row) + key + request.encode() + unseen.encode()
        size = RECORD.size + len(body)
        head = RECORD.pack(size, 0, time, margin, model, len(row), len(key), len(request.encode()), flags)
        checked = head[8:] + body
        os.pwrite(self._file.fileno(), struct.pack("<I", crc32c(checked)) + checked, self.end + 4)
        os.pwrite(self._file.fileno(), struct.pack("<I", size), self.end)
        self.end += size + 7 & ~7

    def damage(self, offset: int) -> None:
        """Inverts one byte."""
        byte = os.pread(self._file.fileno(), 1, offset)
        os.pwrite(self._file.fileno(), bytes([byte[0] ^ 0xFF]), offset)

    def close(self) -> None:
        """Ends the segment, as its owner's death does."""
        self._file.close()


def key_of(lead: str) -> bytes:
    """The key of a lead."""
    return hashlib.blake2b(lead.encode(), digest_size=16, key=b"secret").digest()


def keep_model(folder: Path, content: bytes) -> str:
    """Puts the file of a model where the keeper finds it; returns its SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    (folder / "models").mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "models" / digest).write_bytes(content)
    return digest

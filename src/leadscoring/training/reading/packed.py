"""Compressed files of leads: gzip, bzip2, xz and Zstandard, known by their first bytes and not by their names."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import PurePath

import polars as pl

from leadscoring.errors import TrainingDataError

ENDINGS = (".gz", ".bz2", ".xz", ".zst")
"""The last suffixes of the names that such files usually have."""

TOGETHER = 16384
"""Lines of Zstandard that are read at once."""


def of_zstandard(content: bytes) -> bytes:
    """The lines of a text that Zstandard compressed, each with its end; Polars reads them, and nothing else does."""
    parts = pl.scan_lines(io.BytesIO(content)).collect_batches(chunk_size=TOGETHER)
    return b"".join(("\n".join(part.to_series().to_list()) + "\n").encode() for part in parts if part.height)


UNPACK: dict[bytes, tuple[str, Callable[[bytes], bytes]]] = {
    b"\x1f\x8b": ("gzip", gzip.decompress),
    b"BZh": ("bzip2", bz2.decompress),
    b"\xfd7zXZ": ("xz", lzma.decompress),
    b"\x28\xb5\x2f\xfd": ("Zstandard", of_zstandard),
}
"""By the first bytes: the name of the compression, and how its content is read."""

DAMAGED = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, pl.exceptions.PolarsError)


def is_packed(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a compressed one."""
    return start.startswith(tuple(UNPACK))


def unpacked(content: bytes, name: str) -> bytes:
    """The content of a file, decompressed if it is compressed.

    Raises ``TrainingDataError`` if it is damaged or cut off; ``name`` is what the file is called there.
    """
    for start, (kind, unpack) in UNPACK.items():
        if content.startswith(start):
            try:
                return unpack(content)
            except DAMAGED as failure:
                raise TrainingDataError(
                    f"{name} is compressed with {kind}, and damaged or cut off: {failure}"
                ) from failure
    return content


def plain_name(name: str) -> str:
    """The name of a file without the suffix of its compression, such as ``leads.csv`` of ``leads.csv.gz``."""
    return PurePath(name).stem if name.lower().endswith(ENDINGS) else name

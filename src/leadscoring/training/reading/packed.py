"""Compressed files of leads, which training reads as a whole."""

import io
from pathlib import PurePath

from leadscoring.compressed import NAMES, DamagedData, magic_of, reader_of
from leadscoring.errors import TrainingDataError

ENDINGS = (".gz", ".bz2", ".xz", ".zst")
"""The last suffixes of the names that such files usually have."""

MOST = 1 << 31
"""The most bytes that a compressed file may hold: it is held in memory, where a larger file is read in parts."""

PART = 1 << 20


def is_packed(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a compressed one."""
    return magic_of(start) is not None


def unpacked(content: bytes, name: str, most: int = MOST) -> bytes:
    """The content of a file, decompressed if it is compressed.

    Raises ``TrainingDataError`` if it is damaged, cut off or too large; ``name`` is what the file is called there.
    """
    magic = magic_of(content)
    if magic is None:
        return content
    reader, parts, size = reader_of(io.BytesIO(content), magic), list[bytes](), 0
    try:
        while part := reader.read1(PART):
            parts.append(part)
            size += len(part)
            if size > most:
                raise TrainingDataError(
                    f"{name} holds more than {most >> 20:,} MB: unpack it, then it is read in parts, in less memory"
                )
    except DamagedData as failure:
        raise TrainingDataError(
            f"{name} is compressed with {NAMES[magic]}, and damaged or cut off: {failure}"
        ) from failure
    finally:
        reader.close()
    return b"".join(parts)


def plain_name(name: str) -> str:
    """The name of a file without the suffix of its compression, such as ``leads.csv`` of ``leads.csv.gz``."""
    return PurePath(name).stem if name.lower().endswith(ENDINGS) else name

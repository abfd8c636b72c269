"""Reads what gzip, bzip2, xz or Zstandard compressed, known by its first bytes: in parts, all members one by one.

What follows the last member is not dropped silently, as the modules of Python do with bzip2 and xz. No part is larger
than what was asked for, whatever it is made of.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol

PART = 1 << 16
"""Compressed bytes that are read at once."""

TOGETHER = 16384
"""Lines of Zstandard that are read at once."""


class DamagedData(ValueError):
    """Compressed data that cannot be decompressed; what precedes the damage was returned."""


class CutOff(DamagedData):
    """Compressed data that ends before its end."""


class Reader(Protocol):
    """The decompressed bytes of a file, in order."""

    def read1(self, size: int = -1, /) -> bytes:
        """Returns at most ``size`` bytes, none at the end. Raises ``CutOff`` or ``DamagedData``."""
        ...

    def close(self) -> None:
        """Ends reading; the file below stays open."""
        ...


class Members:
    """The members of a file that gzip, bzip2 or xz compressed, such as those that ``cat a.gz b.gz`` puts together."""

    def __init__(self, raw: IO[bytes], magic: bytes, member: Callable[[], Any]) -> None:
        self._raw, self._magic, self._new = raw, magic, member
        self._member: Any = None
        self._held, self._ended = b"", False

    def read1(self, size: int = -1, /) -> bytes:
        """Returns at most ``size`` bytes, none at the end. Raises ``CutOff`` or ``DamagedData``."""
        while not self._ended and (self._member is not None or self._begins()):
            if not self._held and getattr(self._member, "needs_input", True):
                self._held = self._raw.read(PART)
                if not self._held:
                    raise CutOff("it is cut off")
            try:
                part: bytes = self._member.decompress(self._held, max(size, 1) if size >= 0 else PART)
            except (OSError, ValueError, EOFError, zlib.error, lzma.LZMAError) as failure:
                raise DamagedData(str(failure)) from None
            self._held = getattr(self._member, "unconsumed_tail", b"")
            if self._member.eof:
                self._held, self._member = self._member.unused_data, None
            if part:
                return part
        return b""

    def _begins(self) -> bool:
        """Whether another member begins, after zeros with which some fill up a block."""
        self._held = self._held.lstrip(b"\0")
        while len(self._held) < len(self._magic) and (more := self._raw.read(PART)):
            self._held = (self._held + more).lstrip(b"\0")
        self._ended = not self._held
        if self._held and not self._held.startswith(self._magic):
            raise DamagedData("something else follows its end")
        self._member = self._new()
        return not self._ended

    def close(self) -> None:
        """Ends reading."""
        self._ended = True


class Lines:
    """The lines of a text that Zstandard compressed: Polars reads them, and nothing else that is installed does."""

    def __init__(self, place: Any) -> None:
        self._parts = lines_of(place)
        self._held = memoryview(b"")

    def read1(self, size: int = -1, /) -> bytes:
        """Returns at most ``size`` bytes, none at the end. Raises ``CutOff`` or ``DamagedData``."""
        if not self._held:
            self._held = memoryview(next(self._parts, b""))
        given = bytes(self._held[:size] if size >= 0 else self._held)
        self._held = self._held[len(given) :]
        return given

    def close(self) -> None:
        """Ends reading."""
        self._parts, self._held = iter(()), memoryview(b"")


def lines_of(place: Any) -> Iterator[bytes]:
    """Yields the text of some lines at a time, each with its end."""
    import polars as pl

    try:
        for part in pl.scan_lines(place, glob=False).collect_batches(chunk_size=TOGETHER):
            if part.height:
                yield ("\n".join(part.to_series().to_list()) + "\n").encode()
    except (pl.exceptions.PolarsError, OSError) as failure:
        if getattr(failure, "errno", None) is not None:
            raise
        if "incomplete frame" in str(failure):
            raise CutOff("it is cut off") from None
        unicode = "invalid utf8" in str(failure)
        raise DamagedData("it is not UTF-8: unpack it (unzstd)" if unicode else str(failure).splitlines()[0]) from None


ZSTANDARD = b"\x28\xb5\x2f\xfd"
NAMES = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", ZSTANDARD: "Zstandard"}
"""The names of the kinds, by the first bytes of a file."""

MEMBERS: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lzma.LZMADecompressor,
}
"""What decompresses a member of each kind."""


def magic_of(start: bytes) -> bytes | None:
    """By which first bytes a file is known as compressed; ``None`` for any other file."""
    return next((magic for magic in NAMES if start.startswith(magic)), None)


def reader_of(raw: IO[bytes], magic: bytes, place: Any = None) -> Reader:
    """What decompresses a file; ``place`` is its path or address for Polars, without which it reads all of ``raw``."""
    if magic == ZSTANDARD:
        return Lines(io.BytesIO(raw.read()) if place is None else place)
    return Members(raw, magic, MEMBERS[magic])

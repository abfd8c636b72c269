"""Compressed files are read to their end or to an error, whatever is in them: nothing is dropped, no part is too large."""

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable
from functools import partial

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.compressed import NAMES, ZSTANDARD, CutOff, DamagedData, Reader, magic_of, reader_of

PACK: list[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, lzma.compress]


def opened(content: bytes) -> Reader:
    """A reader of some bytes."""
    magic = magic_of(content)
    assert magic is not None
    return reader_of(io.BytesIO(content), magic)


def whole(reader: Reader, size: int = 1 << 16) -> bytes:
    """All bytes of a reader."""
    parts: list[bytes] = []
    while part := reader.read1(size):
        assert len(part) <= size
        parts.append(part)
    return b"".join(parts)


def zstandard(lines: int) -> bytes:
    """Lines that Zstandard compressed."""
    buffer = io.BytesIO()
    table = pl.LazyFrame({"line": [f"{number}" for number in range(lines)]})
    table.sink_csv(buffer, compression="zstd", include_header=False)
    return buffer.getvalue()


@pytest.mark.parametrize("pack", PACK)
@given(
    members=st.lists(st.binary(max_size=3000), min_size=1, max_size=4),
    zeros=st.integers(0, 600),
    size=st.integers(1, 5000),
)
def test_members_are_read_one_by_one(
    pack: Callable[[bytes], bytes], members: list[bytes], zeros: int, size: int
) -> None:
    """Also an empty one, and with zeros at the end, as tapes have them."""
    packed = b"".join(map(pack, members)) + b"\0" * zeros
    assert whole(opened(packed), size) == b"".join(members)


@pytest.mark.parametrize("pack", PACK)
@given(cut=st.integers(1, 400))
def test_what_precedes_the_place_of_a_cut_is_returned(pack: Callable[[bytes], bytes], cut: int) -> None:
    """Then comes the error, wherever the cut is."""
    first, second = b"a,b\n" * 300, os.urandom(2000)
    packed = pack(first) + pack(second)
    parts: list[bytes] = []
    with pytest.raises(CutOff):
        parts.extend(iter(partial(opened(packed[:-cut]).read1, 7), b""))
    found = b"".join(parts)
    assert (first + second).startswith(found)
    assert len(found) >= len(first)


@pytest.mark.parametrize("pack", PACK)
def test_nothing_behind_the_end_is_dropped(pack: Callable[[bytes], bytes]) -> None:
    """It is no end that anybody meant; nor is a member that is damaged."""
    for behind in (b"a,b\n1,2\n", b"x", b"\0" * 70_000 + b"x"):
        with pytest.raises(DamagedData, match="something else follows its end"):
            whole(opened(pack(b"a,b\n") + behind))
    packed = bytearray(pack(os.urandom(5000)))
    packed[2000:2010] = b"?" * 10
    with pytest.raises(DamagedData):
        whole(opened(bytes(packed)))


@pytest.mark.parametrize("pack", PACK)
def test_a_bomb_is_decompressed_no_further_than_it_is_read(pack: Callable[[bytes], bytes]) -> None:
    """Thousands of bytes for one: each part has the size that was asked for."""
    reader = opened(pack(bytes(64 << 20)))
    for size in (1, 1000, 1 << 16):
        assert len(reader.read1(size)) == size
    reader.close()
    assert reader.read1(1) == b""


def test_zstandard_gives_lines() -> None:
    """A cut and what is no UTF-8 are errors of the same kinds; a reader that was closed has no more."""
    packed = zstandard(50_000)
    text = whole(opened(packed), 999)
    assert text == b"".join(b"%d\n" % number for number in range(50_000))
    assert whole(opened(packed + packed)) == 2 * text
    with pytest.raises(CutOff):
        whole(opened(packed[:-20]))
    with pytest.raises(DamagedData):
        whole(opened(packed[:6] + b"\xff" * 20 + packed[26:]))
    reader = opened(packed)
    assert reader.read1(4) == b"0\n1\n"
    reader.close()
    assert reader.read1() == b""


def test_a_file_is_known_by_its_first_bytes() -> None:
    """Any other is no compressed one."""
    assert [magic_of(magic + b"...") for magic in NAMES] == list(NAMES)
    assert magic_of(b"a,b\n") is None
    assert magic_of(ZSTANDARD[:3]) is None

"""Pages of Parquet: compressed bytes are read back, and cells of the wrong kind or number are refused."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import parquet_pages, snappy

CODES, DOUBLES, TEXTS, SMALL = range(4)
REPEATS = st.lists(
    st.tuples(st.binary(min_size=1, max_size=30), st.integers(1, 400)).map(lambda pair: pair[0] * pair[1]), max_size=12
).map(b"".join)


def unpacked(packed: bytes) -> bytes:
    """Reads Snappy's format, one element after the other."""
    size = at = 0
    for shift in range(0, 35, 7):
        byte, at = packed[at], at + 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
    found = bytearray()
    while at < len(packed):
        tag, at = packed[at], at + 1
        if tag & 3 == 0:
            length = (tag >> 2) + 1
            if length > 60:
                count = length - 60
                length, at = int.from_bytes(packed[at : at + count], "little") + 1, at + count
            found += packed[at : at + length]
            at += length
        else:
            assert tag & 3 == 2, "the engine writes copies of two bytes only"
            offset, at = int.from_bytes(packed[at : at + 2], "little"), at + 2
            assert 0 < offset <= len(found)
            for _ in range((tag >> 2) + 1):
                found.append(found[-offset])
    assert len(found) == size
    return bytes(found)


@given(st.binary(max_size=300) | REPEATS)
def test_compressed_bytes_are_read_back(content: bytes) -> None:
    """Whatever they are, and however often they repeat."""
    assert unpacked(snappy(content)) == content


@pytest.mark.parametrize("size", [65535, 65536, 65537, 200_000])
def test_long_bytes_are_compressed_in_blocks(size: int) -> None:
    """No copy reaches into the block before; what repeats gets shorter, what does not hardly longer."""
    repeated = (b"lead-0001," * size)[:size]
    assert unpacked(snappy(repeated)) == repeated
    assert len(snappy(repeated)) < size / 15
    noise = np.random.default_rng(1).bytes(size)
    assert unpacked(snappy(noise)) == noise
    assert len(snappy(noise)) < size + 100


def test_a_page_counts_its_values_and_nulls() -> None:
    """Cells of which few are different get a dictionary, which comes first; others none."""
    few = parquet_pages(DOUBLES, np.array([0.5, np.nan, 0.5, 0.5] * 9), 36)
    assert few[1] > 0
    assert few[2] == 36
    assert few[4] == 9
    many = parquet_pages(DOUBLES, np.arange(36.0), 36)
    assert many[1] == 0
    assert (many[5], many[6]) == (np.float64(0).tobytes()[:7] + b"\x80", np.float64(35).tobytes())
    lists = parquet_pages(DOUBLES, np.array([1.0, 0.0, 0.0, 0.0]), 2, None, 2, np.array([3, -1, -1, -1], np.int32))
    assert lists[2] == 2
    assert lists[4] == 1
    assert lists[5] is None


@pytest.mark.parametrize(
    ("kind", "cells", "words"),
    [
        (9, np.zeros(2), "a kind must be"),
        (CODES, np.zeros(3, np.uint32), "codes must have 2 elements, not 3"),
        (DOUBLES, np.zeros(3), "numbers must have 2 elements"),
        (SMALL, np.zeros(1, np.uint8), "bytes must have 2 elements"),
        (TEXTS, pl.Series(["a"]), "there must be a text for each cell"),
    ],
)
def test_cells_of_another_number_are_refused(kind: int, cells: object, words: str) -> None:
    """The engine reads no memory behind them."""
    with pytest.raises(ValueError, match=words):
        parquet_pages(kind, cells, 2, pl.Series(["a", "b"]))


def test_cells_of_another_type_are_refused() -> None:
    """And so are reasons without a feature for each of them."""
    with pytest.raises(TypeError):
        parquet_pages(DOUBLES, np.zeros(2, np.float32), 2)
    with pytest.raises(TypeError):
        parquet_pages(TEXTS, pl.Series([1.0, 2.0]), 2)
    with pytest.raises(ValueError, match="features must have 4 elements"):
        parquet_pages(DOUBLES, np.zeros(4), 2, None, 2, np.zeros(3, np.int32))

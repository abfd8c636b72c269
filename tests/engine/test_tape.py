"""A tape's records are read as they were written, whole or not at all, and damage is found."""

import os
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadscoring._engine import Rows, TapeSegment, _crc32c_plain, crc32c, lead_key, read_tape

SECRET = b"secret of these tests"
SIZE, BEGIN = 1 << 16, 64


class Lead(NamedTuple):
    """What a tape reads of a lead."""

    lead_id: str
    as_of: int | None = None


class Held:
    """A segment in a file, and its bytes as another process sees them."""

    def __init__(self, folder: Path, share: float = 1.0, size: int = SIZE) -> None:
        self.file = os.open(folder / "segment", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.truncate(self.file, size)
        self.size = size
        self.segment = TapeSegment(self.file, size, BEGIN, SECRET, share)

    def bytes(self) -> bytes:
        """All bytes of the file."""
        return os.pread(self.file, self.size, 0)

    def close(self) -> None:
        """Ends it."""
        self.segment.close()
        os.close(self.file)


@pytest.fixture
def held(tmp_path: Path) -> Held:
    """An empty segment."""
    return Held(tmp_path)


def key(lead_id: str) -> bytes:
    """The key of a lead, by the standard library."""
    return blake2b(lead_id.encode("utf-8", "surrogatepass"), key=SECRET, digest_size=16).digest()


ids = st.text(st.characters(), max_size=300)
float32 = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.none()


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_what_is_recorded_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Every bit of rows and margins, the keys, ids, moments, request ids and unseen texts."""
    width = data.draw(st.integers(1, 5))
    row = st.lists(float32, min_size=width, max_size=width)
    values = data.draw(st.lists(row, min_size=1, max_size=6))
    n = len(values)
    margins = data.draw(st.lists(st.floats(allow_nan=False), min_size=n, max_size=n))
    leads = [Lead(*data.draw(st.tuples(ids, st.none() | st.integers(-(2**63), 2**63 - 1)))) for _ in values]
    request = data.draw(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=255))
    timed, plain, number = data.draw(st.booleans()), data.draw(st.booleans()), data.draw(st.integers(0, 65535))
    rows = Rows(values)
    held = Held(tmp_path_factory.mktemp("tape"))
    try:
        flags = 16 if plain else 0
        assert held.segment.record(rows, margins, leads, request, number, flags, timed, None) == n
        records, end, damaged = read_tape(held.bytes(), BEGIN, 100)
    finally:
        held.close()
    assert not damaged
    assert end == held.segment.end
    expected = np.frombuffer(memoryview(rows), np.float32).reshape(n, width)
    for place, (_, margin, model, as_of, row_bytes, lead, told, unseen, has) in enumerate(records):
        one = leads[place]
        assert (margin, model, told, unseen) == (margins[place], number, request, None)
        assert as_of == (one.as_of if timed else None)
        assert row_bytes == expected[place].tobytes()
        assert lead == key(one.lead_id) + (one.lead_id.encode("utf-8", "surrogatepass") if plain else b"")
        assert has == flags | (8 if as_of is not None else 0)
    assert len(records) == n


@given(st.binary(min_size=1, max_size=64), st.binary(max_size=400))
def test_keys_are_those_of_the_standard_library(secret: bytes, lead_id: bytes) -> None:
    """A keyed BLAKE2b of 16 bytes, for every length of secret and id."""
    assert lead_key(secret, lead_id) == blake2b(lead_id, key=secret, digest_size=16).digest()


@given(st.binary(max_size=400))
def test_checksums_do_not_depend_on_the_machine(content: bytes) -> None:
    """With its instruction and from the table, the bits are the same."""
    assert crc32c(content) == _crc32c_plain(content)
    begin = content[: len(content) // 3]
    for checksum in (crc32c, _crc32c_plain):
        assert checksum(content[len(begin) :], checksum(begin)) == crc32c(content)


def test_checksums_are_those_of_the_standard() -> None:
    """RFC 3720 has these: 32 zeros, 32 ones, rising bytes, and the usual digits."""
    known = {b"123456789": 0xE3069283, bytes(32): 0x8A9136AA, b"\xff" * 32: 0x62A8AB43, bytes(range(32)): 0x46DD794E}
    assert {content: crc32c(content) for content in known} == known


def test_a_full_segment_says_where_to_go_on(held: Held) -> None:
    """The rows that fit are there, the first that does not is named, and the next segment takes it."""
    rows = Rows([[float(place)] for place in range(2000)])
    leads = [Lead(f"lead-{place}") for place in range(2000)]
    done = held.segment.record(rows, [0.5] * 2000, leads, "request", 0, 0, False, None)
    records, end, damaged = read_tape(held.bytes(), BEGIN, 5000)
    assert 0 < done < 2000
    assert (len(records), end, damaged) == (done, held.segment.end, False)
    assert held.segment.record(rows, [0.5] * 2000, leads, "request", 0, 0, False, None, done) == done
    assert SIZE - held.segment.end < 80
    held.close()


def test_a_reader_goes_on_where_it_stopped(held: Held) -> None:
    """In steps of any size, while the writer appends."""
    seen, at = [], BEGIN
    for place in range(30):
        held.segment.record(Rows([[float(place)]]), [float(place)], [Lead("a")], "r", 0, 0, False, None)
        if place % 3 == 2:
            found, at, damaged = read_tape(held.bytes(), at, 2)
            assert not damaged
            seen += found
    while found := read_tape(held.bytes(), at, 7)[0]:
        at = read_tape(held.bytes(), at, 7)[1]
        seen += found
    assert [record[1] for record in seen] == [float(place) for place in range(30)]
    held.close()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 9), st.integers(0, 10_000), st.integers(1, 255))
def test_damage_is_found_and_what_precedes_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, place: int, offset: int, change: int
) -> None:
    """A changed byte anywhere in a record: those before it are whole, and none after it is believed."""
    held = Held(tmp_path_factory.mktemp("tape"))
    begins = []
    for one in range(10):
        begins.append(held.segment.end)
        held.segment.record(Rows([[1.0, 2.0]]), [float(one)], [Lead("a")], "request-12", 0, 0, False, None)
    content = bytearray(held.bytes())
    at = begins[place] + offset % (held.segment.end - begins[-1] - 6)  # the padding does not count
    content[at] ^= change
    records, end, damaged = read_tape(bytes(content), BEGIN, 100)
    assert [record[1] for record in records] == [float(one) for one in range(place)]
    assert end == begins[place]
    assert damaged or int.from_bytes(content[begins[place] :][:4], "little") == 0
    held.close()


def test_a_cut_segment_is_read_to_the_cut(held: Held) -> None:
    """As after a copy that did not finish: nothing outside of the bytes is touched."""
    for one in range(5):
        held.segment.record(Rows([[1.0]]), [float(one)], [Lead("a")], "request", 0, 0, False, None)
    content = held.bytes()[: held.segment.end]
    for end in range(BEGIN, len(content) + 1):
        records, _, _ = read_tape(content[:end], BEGIN, 10)
        assert [record[1] for record in records] == [float(one) for one in range(len(records))]
    assert len(read_tape(content, BEGIN, 10)[0]) == 5
    held.close()


def test_a_share_keeps_whole_leads(tmp_path: Path) -> None:
    """By their keys: a lead is kept each time or never, and about as many as asked for."""
    held = Held(tmp_path, share=0.25, size=1 << 18)
    leads = [Lead(f"lead-{place}") for place in range(1000)]
    for _ in range(2):
        held.segment.record(Rows([[1.0]] * 1000), [0.0] * 1000, leads, "r", 0, 0, False, None)
    kept = [record[5] for record in read_tape(held.bytes(), BEGIN, 5000)[0]]
    expected = [key(lead.lead_id) for lead in leads if int.from_bytes(key(lead.lead_id)[:8], "little") < 2**62]
    assert kept == expected * 2
    assert 180 < len(expected) < 320
    held.close()


def test_rows_without_a_lead_are_kept_by_their_content(tmp_path: Path) -> None:
    """Equal rows together, about as many as asked for."""
    held = Held(tmp_path, share=0.5, size=1 << 18)
    rows = Rows([[float(place)] for place in range(400)])
    for _ in range(2):
        held.segment.record(rows, [0.0] * 400, None, "r", 0, 32, False, None)
    kept = [record[4] for record in read_tape(held.bytes(), BEGIN, 5000)[0]]
    assert kept[: len(kept) // 2] == kept[len(kept) // 2 :]
    assert 150 < len(kept) // 2 < 250
    held.close()


def test_wrong_arguments_are_refused(held: Held) -> None:
    """Lists of another length, a long request id, a segment that has ended."""
    row = Rows([[1.0]])
    with pytest.raises(ValueError, match="one margin for each row"):
        held.segment.record(row, [], [Lead("a")], "r", 0, 0, False, None)
    with pytest.raises(ValueError, match="one lead for each row"):
        held.segment.record(row, [0.0], [], "r", 0, 0, False, None)
    with pytest.raises(ValueError, match="at most 255 bytes"):
        held.segment.record(row, [0.0], [Lead("a")], "r" * 256, 0, 0, False, None)
    with pytest.raises(ValueError, match="aligned"):
        read_tape(memoryview(bytes(100))[1:], 0, 1)
    assert held.segment.end == BEGIN
    held.close()
    with pytest.raises(ValueError, match="closed"):
        held.segment.record(row, [0.0], [Lead("a")], "r", 0, 0, False, None)

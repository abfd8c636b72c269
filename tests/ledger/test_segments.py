"""Segments are read from another process, to where they end or are damaged."""

from pathlib import Path

import pytest

from leadscoring._engine import Rows
from leadscoring.lead import Lead
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.segments import PAGE, Header, header_of, is_being_written, place_of, read, segments_in
from leadscoring.ledger.tape import Tape
from leadscoring.ledger.tape_folder import TapeFolder

KEYS = LeadKeys(b"secret")
ONE, OTHER = "1a" * 32, "2b" * 32


def filled(folder: Path, records: int = 5) -> Path:
    """The path of a segment with records of two models, by turns, of a tape that has ended."""
    tape = Tape(TapeFolder(folder, 1 << 20, 1 << 16), KEYS)
    for place in range(records):
        digest = OTHER if place % 2 else ONE
        rows, leads = Rows([[float(place), None]]), [Lead(f"lead-{place}", (1, None))]
        tape.append(digest, rows, [place / 2], leads, f"request-{place}", 0, False, None)
    tape.close()
    (path,) = segments_in(folder)
    return path


def test_records_name_their_model_and_their_lead(tmp_path: Path) -> None:
    """By the digest of the model's file, and by the lead's key."""
    records, offset, damaged = read(filled(tmp_path), 0, 100)
    assert [record.model for record in records] == [ONE, OTHER, ONE, OTHER, ONE]
    assert [record.key for record in records] == [KEYS.key(f"lead-{place}") for place in range(5)]
    assert [record.margin for record in records] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert [record.request for record in records] == [f"request-{place}" for place in range(5)]
    assert all(record.name is None and record.unseen is None and record.as_of is None for record in records)
    assert [record.time for record in records] == sorted(record.time for record in records)
    assert not damaged
    assert read(filled(tmp_path / "again"), offset, 100) == ([], offset, False)


def test_reading_goes_on_at_an_offset(tmp_path: Path) -> None:
    """A few at a time are the same as all at once."""
    path, offset, found = filled(tmp_path), 0, []
    while records := read(path, offset, 2).records:
        found += records
        offset = read(path, offset, 2).offset
    assert found == read(path, 0, 100).records


def test_a_damaged_record_ends_the_reading(tmp_path: Path) -> None:
    """What precedes it is read, at each attempt again."""
    path = filled(tmp_path)
    third = read(path, 0, 2).offset
    with path.open("r+b") as file:
        file.seek(third + 20)
        file.write(b"\xff")
    for _ in range(2):
        records, offset, damaged = read(path, 0, 100)
        assert (len(records), offset, damaged) == (2, third, True)


def test_a_record_of_a_model_that_is_not_entered_is_damage(tmp_path: Path) -> None:
    """As when a power cut took the first page back: no score is given to a wrong model."""
    path = filled(tmp_path)
    with path.open("r+b") as file:
        file.seek(12)
        file.write(b"\x01")
    records, offset, damaged = read(path, 0, 100)
    assert ([record.model for record in records], damaged) == ([ONE], True)
    assert offset == read(path, 0, 1).offset


@pytest.mark.parametrize("content", [b"", b"LSTAPE01", bytes(PAGE), b"LSTAPE99" + bytes(PAGE), b"\xff" * 3 * PAGE])
def test_another_file_is_damaged_from_the_start(tmp_path: Path, content: bytes) -> None:
    """Too short, without the magic, or of another format."""
    path = tmp_path / "some.tape"
    path.write_bytes(content)
    assert read(path, 0, 100) == ([], 0, True)


def test_a_header_reads_as_it_was_written() -> None:
    """Models, owner and instance; names may be long, and in any language."""
    header = Header((ONE, OTHER), "12_345", "Büro-1")
    assert header_of(header.written()) == header
    assert place_of(2) - place_of(1) == 32
    found = header_of(Header((), "x" * 5000, "y" * 5000).written())
    assert found == Header((), "x" * 512, "y" * 512)


def test_a_segment_that_is_being_made_is_none_yet(tmp_path: Path) -> None:
    """It gets its name when it is whole; neither is anything else in the folder a segment."""
    path = filled(tmp_path)
    for name in (f"{path.name}.new", f".{path.name}.new", "lock"):
        (tmp_path / name).write_bytes(b"")
    assert segments_in(tmp_path) == [path]


def test_a_segment_is_held_as_long_as_its_owner_writes(tmp_path: Path) -> None:
    """The lock goes with the process, or when the segment has ended."""
    tape = Tape(TapeFolder(tmp_path, 1 << 20, 1 << 16), KEYS)
    (path,) = segments_in(tmp_path)
    assert is_being_written(path)
    tape.close()
    assert not is_being_written(path)
    assert path.stat().st_size == 1 << 16

"""The records of a table are those that a worker appends for the same leads, and stay within their buffers."""

import hashlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import lead_keys, read_tape, tape_table

SECRET = b"secret"
TEXTS = st.text(st.characters(codec="utf-8"), max_size=300)


def table(leads: int, columns: int = 3) -> tuple[Any, Any]:
    """Rows and margins."""
    return np.arange(leads * columns, dtype=np.float32).reshape(leads, columns), np.arange(leads, dtype=np.float64)


def aligned(content: bytearray) -> Any:
    """The bytes where the reader takes them."""
    return np.frombuffer(content, np.uint64).view(np.uint8)


@given(
    ids=st.lists(TEXTS, max_size=20),
    dated=st.booleans(),
    named=st.booleans(),
    columns=st.integers(1, 60),
    request=st.text("abc", max_size=255),
    data=st.data(),
)
def test_what_is_written_is_read(
    ids: list[str], dated: bool, named: bool, columns: int, request: str, data: st.DataObject
) -> None:
    """Every field of every lead, in order, in whole records of 8 bytes."""
    rows, margins = table(len(ids), columns)
    moments = np.arange(len(ids), dtype=np.int64) - 5 if dated else None
    places = data.draw(st.sets(st.integers(0, max(0, len(ids) - 1)))) if ids else set()
    unseen = {place: json.dumps({"source": f"{place}"}).encode() for place in places}
    content, count = tape_table(rows, margins, ids, moments, unseen, SECRET, 1.0, request, 20 if named else 4)
    assert count == len(ids)
    if not ids:
        assert content == b""
        return
    records, end, damaged = read_tape(aligned(content), 0, 100)
    assert (len(records), end, damaged) == (len(ids), len(content), False)
    keys = lead_keys(SECRET, ids)
    for place, (_, margin, model, as_of, row, lead, asked, texts, flags) in enumerate(records):
        key = hashlib.blake2b(ids[place].encode(), digest_size=16, key=SECRET).digest()
        assert key == keys[16 * place :][:16]
        assert lead == key + (ids[place].encode() if named else b"")
        assert (margin, model, asked) == (margins[place], 0, request)
        assert as_of == (None if moments is None else moments[place])
        assert row == rows[place].tobytes()
        assert texts == (unseen[place].decode() if place in unseen else None)
        assert flags == (20 if named else 4) | (8 if dated else 0)


def test_rows_without_ids_belong_to_no_lead() -> None:
    """Only their content is kept."""
    rows, margins = table(3)
    content, count = tape_table(rows, margins, None, None, {}, SECRET, 1.0, "", 4)
    assert count == 3
    assert [one[5] for one in read_tape(aligned(content), 0, 9)[0]] == [b""] * 3


def test_the_share_goes_by_the_key() -> None:
    """The same leads whatever their rows, or the same rows where there are no leads."""
    ids = [f"lead {number}" for number in range(400)]
    rows, margins = table(400)
    kept = set()
    for shift in (0, 1):
        content, count = tape_table(rows + np.float32(shift), margins, ids, None, {}, SECRET, 0.25, "", 4)
        records = read_tape(aligned(content), 0, 1000)[0]
        assert count == len(records)
        kept.add(tuple(one[5] for one in records))
    assert len(kept) == 1
    (found,) = kept
    assert 60 < len(found) < 140
    assert all(int.from_bytes(key[:8], "little") < 2**62 for key in found)
    first, again = (tape_table(rows, margins, None, None, {}, SECRET, 0.25, "", 4)[1] for _ in range(2))
    assert first == again
    assert 60 < first < 140


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"ids": ["a"]}, "one id for each row"),
        ({"ids": ("a", "b")}, "one id for each row"),
        ({"ids": ["a", 1]}, "bad argument type|must be str|expected str"),
        ({"values": np.ones(5, np.float32)}, "must have 4 elements"),
        ({"moments": np.ones(3, np.int64)}, "moments must have 2 elements"),
        ({"moments": np.ones(2)}, "format l"),
        ({"request": "r" * 256}, "at most 255 bytes"),
        ({"unseen": {0: "text"}}, "takes bytes"),
        ({"unseen": []}, "must be a dict|incompatible"),
        ({"values": np.ones(2 * 70_000, np.float32)}, "too long"),
        ({"secret": b""}, "1 to 64 bytes"),
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, Any], fault: str) -> None:
    """Nothing is read beyond a buffer."""
    sound: dict[str, Any] = {
        "values": np.ones(4, np.float32),
        "margins": np.ones(2),
        "ids": ["a", "b"],
        "moments": None,
        "unseen": {},
        "secret": SECRET,
        "share": 1.0,
        "request": "",
        "flags": 4,
    }
    with pytest.raises((ValueError, TypeError), match=fault):
        tape_table(**(sound | changed))

"""Universal Binary JSON is read as XGBoost writes it, and anything else is refused in bounded memory."""

import contextlib
import struct
import tracemalloc
from typing import Any

import pytest
from grown import Grow
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.model import ubjson


def size(count: int) -> bytes:
    """A length, as XGBoost writes it."""
    return b"L" + struct.pack(">q", count)


def encode(value: Any) -> bytes:
    """The plain way to write a value."""
    match value:
        case None:
            return b"Z"
        case bool():
            return b"T" if value else b"F"
        case int():
            return size(value)
        case float():
            return b"D" + struct.pack(">d", value)
        case str():
            return b"S" + size(len(value.encode())) + value.encode()
        case list():
            return b"[#" + size(len(value)) + b"".join(map(encode, value))
        case _:
            pairs = (size(len(key.encode())) + key.encode() + encode(item) for key, item in value.items())
            return b"{" + b"".join(pairs) + b"}"


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_what_was_written_is_read(value: Any) -> None:
    """Every JSON-like value comes back."""
    assert ubjson.decode(encode(value)) == value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"i\xff", -1),
        (b"U\xff", 255),
        (b"I\x80\x00", -32768),
        (b"l\x00\x01\x00\x00", 65536),
        (b"d\x3f\x80\x00\x00", 1.0),
        (b"Cx", "x"),
        (b"[]", []),
        (b"[TFZ]", [True, False, None]),
        (b"[$U#i\x03\x01\x02\xff", [1, 2, 255]),
        (b"[$i#i\x02\x01\xff", [1, -1]),
        (b"[$I#i\x01\x01\x02", [258]),
        (b"[$l#U\x01\xff\xff\xff\xff", [-1]),
        (b"[$L#i\x01" + struct.pack(">q", -5), [-5]),
        (b"[$d#i\x01\x3f\x80\x00\x00", [1.0]),
        (b"[$D#i\x01" + struct.pack(">d", 0.1), [0.1]),
        (b"{#i\x01i\x01aT", {"a": True}),
    ],
)
def test_every_notation(data: bytes, value: Any) -> None:
    """Numbers of all widths, most significant byte first, and arrays with and without a type."""
    assert ubjson.decode(data) == value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "1 bytes are announced, but 0 are left"),
        (b"ZZ", "1 bytes after the end"),
        (b"x", "unknown type b'x'"),
        (b"S" + size(5) + b"abc", "5 bytes are announced, but 3 are left"),
        (b"S" + size(-1), "a length cannot be -1"),
        (b"Sd\x00\x00\x00\x00", "a length cannot have the type b'd'"),
        (b"S" + size(1) + b"\xff", "not UTF-8"),
        (b"[" * 100, "nested deeper than 64"),
        (b"[$Z#" + size(2**40), "an array cannot have items of the type b'Z'"),
        (b"[$d#" + size(2**62), "are announced"),
        (b"[$d]", "needs a length"),
        (b"[#" + size(2**62), "are announced"),
        (b"{#" + size(2**62), "are announced"),
        (b"{$d#", "objects of one type"),
        (b"{", "are announced"),
    ],
)
def test_other_bytes_are_refused(data: bytes, said: str) -> None:
    """The message says where and why."""
    with pytest.raises(ubjson.UBJError, match=r"^byte \d+: ") as refused:
        ubjson.decode(data)
    assert said in str(refused.value)


@given(st.binary(max_size=200).map(lambda tail: b"{" + tail) | st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_refusal(data: bytes) -> None:
    """Nothing else comes out, whatever goes in."""
    with contextlib.suppress(ubjson.UBJError):
        ubjson.decode(data)


def test_a_false_length_takes_no_memory() -> None:
    """Announcing 2**40 items makes a refusal, not an allocation."""
    tracemalloc.start()
    for data in (b"[$d#" + size(2**40), b"[#" + size(2**40) + b"Z" * 100, b"S" + size(2**40)):
        with pytest.raises(ubjson.UBJError):
            ubjson.decode(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_model_file_is_read_whole(grow: Grow) -> None:
    """XGBoost's own file decodes to the document that its JSON form holds."""
    learner = ubjson.decode(grow(3, 3, categories=20).raw("ubj"))["learner"]
    assert learner["objective"]["name"] == "binary:logistic"
    trees = learner["gradient_booster"]["model"]["trees"]
    assert len(trees) == 3
    assert all(len(tree["split_conditions"]) == len(tree["left_children"]) for tree in trees)

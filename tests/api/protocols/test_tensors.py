"""Tensors are the same however many stretches they are read in, and no stretch of reading them is long."""

import json
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stretched import Decoded

from leadscoring.api.protocols.tensors import LONGEST, TEXTS, TOGETHER, Size, Tensor, read_question
from leadscoring.contract.rows import STRETCH
from leadscoring.errors import BatchTooLarge, InvalidRows, RequestError
from leadscoring.stretches import Work, at_once

SIZE = Size(1000, 50)
HUGE = 1 << 30

NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60)
TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.just('],[{}\\"')
FLAT = st.lists(NUMBERS, max_size=12) | st.lists(TEXT, max_size=12)
NESTED = FLAT | st.lists(FLAT, max_size=4) | st.lists(st.lists(FLAT, max_size=3), max_size=3) | st.lists(NUMBERS | FLAT)


@st.composite
def inputs(draw: st.DrawFn) -> dict[str, Any]:
    """One input, sound or not."""
    data = draw(NESTED)
    flat = json.dumps(data).count(",") + 1 if data else 0
    shape = draw(st.sampled_from([[flat], [1, flat], [flat, 1], [2, 7], []]))
    kind = draw(st.sampled_from(["BYTES", "FP32", "FP64", "INT8", "BF16"]))
    return {"name": draw(st.sampled_from(["a", "data", "ü\n"])), "shape": shape, "datatype": kind, "data": data}


QUESTIONS = st.fixed_dictionaries(
    {"inputs": st.lists(inputs(), max_size=3)},
    optional={"id": st.text(max_size=3), "data": NESTED, "parameters": st.just({"inputs": [1]}), "more": NESTED},
)


def outcome(body: bytes, stretch: int, header: bytes | None = None) -> Any:
    """What is read in stretches of so many bytes, or how it is refused."""
    try:
        question, tensors = at_once(read_question(body, header, SIZE, stretch))
    except RequestError as refusal:
        return type(refusal), str(refusal)
    return question.id, question.parameters, tensors


@given(asked=QUESTIONS, stretch=st.integers(1, 300), indent=st.sampled_from([None, 0, 2]))
def test_tensors_of_json_are_the_same_in_any_stretches(asked: dict[str, Any], stretch: int, indent: int | None) -> None:
    """And so is what is wrong with them."""
    body = json.dumps(asked, indent=indent).encode()
    assert outcome(body, stretch) == outcome(body, HUGE)


@given(asked=QUESTIONS, stretch=st.integers(1, 300), at=st.integers(0, 300), spoilt=st.sampled_from('x]["{},:0\\'))
def test_what_is_no_json_is_refused_in_any_stretches(asked: dict[str, Any], stretch: int, at: int, spoilt: str) -> None:
    """Or is the same, where it still is JSON."""
    text = json.dumps(asked)
    body = (text[:at] + spoilt + text[at:]).encode()
    found, expected = outcome(body, stretch), outcome(body, HUGE)
    assert found == expected or (found[0] is InvalidRows and expected[0] is InvalidRows)


def tensor(count: int, kind: str, data: str, columns: int = 1) -> bytes:
    """A question about one tensor."""
    shape = [count // columns, columns] if columns > 1 else [count]
    return b'{"id": "q", "inputs": [{"name": "x", "datatype": "%b", "shape": %b, "data": %b}], "outputs": []}' % (
        kind.encode(), json.dumps(shape).encode(), data.encode(),
    )  # fmt: skip


LARGE = {
    "numbers": tensor(50_000, "FP64", "[" + ",".join(["-0.12345678901234567890"] * 50_000) + "]", 50),
    "rows": tensor(50_000, "FP64", "[" + ",".join(["[" + ",".join(["1.5"] * 50) + "]"] * 1000) + "]", 50),
    "in one": tensor(50_000, "FP64", "[[[" + ",".join(["[" + ",".join(["1.5"] * 50) + "]"] * 1000) + "]]]", 50),
    "texts": tensor(1000, "BYTES", json.dumps(["x" * 4000] * 1000)),
    "too many": tensor(1_000_000, "FP64", "[" + ",".join(["1"] * 1_000_000) + "]"),
    "wrong shape": tensor(7, "FP64", "[" + ",".join(["1"] * 1_000_000) + "]"),
    "empty": tensor(0, "FP64", "[" + ",".join(["[]"] * 1_000_000) + "]"),
    "deep": tensor(7, "FP64", "[" * 500_000 + "]" * 500_000),
    "a digit": tensor(1, "FP64", "[" + "1" * 4_000_000 + "]"),
    "a text": tensor(1, "BYTES", json.dumps(["x" * 4_000_000])),
    "many keys": b"{" + b",".join(b'"k%d":1' % place for place in range(400_000)) + b"}",
    "many inputs": b'{"inputs": [' + b",".join([b"{}"] * 1_000_000) + b"]}",
    "long parameters": b'{"inputs": [], "parameters": {"x": [' + b"1," * 1_000_000 + b"1]}}",
    "long shape": b'{"inputs": [{"shape": [' + b"1," * 1_000_000 + b'1], "data": []}]}',
    "a long key": b'{"' + b"k" * 4_000_000 + b'": 1}',
    "blanks": b"{" + b" " * 4_000_000 + b'"inputs": []}',
    "no end": b'{"inputs": [{"data": [' + b"1," * 1_000_000,
    "leads": json.dumps([{"name": "x"}] * 100_000).encode(),
}


@pytest.mark.parametrize("name", LARGE)
def test_no_more_than_a_stretch_of_json_is_decoded_at_a_time(name: str) -> None:
    """Whatever is in it; what cannot be read in stretches is refused."""
    body = LARGE[name]
    with Decoded() as decoded:
        found = outcome(body, STRETCH)
    assert decoded.most <= LONGEST + 2
    if name in ("numbers", "rows", "in one", "texts"):
        assert found == outcome(body, HUGE)
        assert decoded.most <= STRETCH + 2
    else:
        assert found[0] in (InvalidRows, BatchTooLarge)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=20), st.sampled_from("fdbiq"))
def test_binary_numbers_are_read_as_they_were_written(values: list[float], code: str) -> None:
    """Of any type."""
    kind = {"f": "FP32", "d": "FP64", "b": "INT8", "i": "INT32", "q": "INT64"}[code]
    written = values if code in "fd" else [hash(value) % 100 for value in values]
    read = binary(kind, [len(values)], struct.pack(f"<{len(values)}{code}", *written))
    assert read[0].values == written


def binary(kind: str, shape: list[int], data: bytes) -> list[Tensor]:
    """The tensors of a question with one binary tensor."""
    about = {"name": "x", "datatype": kind, "shape": shape, "parameters": {"binary_data_size": len(data)}}
    text = json.dumps({"inputs": [about]}).encode()
    return at_once(read_question(text + data, b"%d" % len(text), SIZE))[1]


BINARY: list[tuple[str, list[int], bytes, int]] = [
    ("FP64", [1000, 50], struct.pack("<50000d", *range(50_000)), 50_000 // TOGETHER),
    ("INT8", [1000, 50], b"\x01" * 50_000, 50_000 // TOGETHER),
    ("BYTES", [1000], b"\x01\0\0\0a" * 1000, 1000 // TEXTS),
]


@pytest.mark.parametrize(("kind", "shape", "data", "pauses"), BINARY)
def test_binary_tensors_are_read_in_stretches(kind: str, shape: list[int], data: bytes, pauses: int) -> None:
    """With a pause after so many values."""
    about = {"name": "x", "datatype": kind, "shape": shape, "parameters": {"binary_data_size": len(data)}}
    text = json.dumps({"inputs": [about]}).encode()
    work = Work(read_question(text + data, b"%d" % len(text), SIZE))
    assert sum(1 for _ in work) >= pauses
    assert len(work.result[1][0].values) == shape[0] * (shape[1] if shape[1:] else 1)


TOO_MUCH: list[Callable[[], Any]] = [
    lambda: binary("INT8", [1, 5_000_000], b"\x01" * 5_000_000),
    lambda: binary("INT8", [5_000_000], b"\x01" * 5_000_000),
    lambda: binary("BYTES", [1_000_000], b"\0\0\0\0" * 1_000_000),
    lambda: binary("BYTES", [1], struct.pack("<I", 4_000_000) + b"x" * 4_000_000),
]


@pytest.mark.parametrize("ask", TOO_MUCH)
def test_more_than_a_batch_can_hold_is_refused_unread(ask: Callable[[], Any]) -> None:
    """Five million values of a byte, or texts of none."""
    with pytest.raises((InvalidRows, BatchTooLarge)):
        ask()

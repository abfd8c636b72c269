"""Tensors of the Open Inference Protocol (V2), as JSON and in its binary extension.

Binary tensors stand one after the other behind the JSON, little-endian, row by row; a text is four bytes of length
and then UTF-8. Whatever a length says is checked against what is there. Everything here raises ``InvalidRows``.
"""

import math
import struct
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadscoring.errors import InvalidRows

Value = float | str | None

FORMATS = {
    "BOOL": "?",
    "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q",
    "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q",
    "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip
"""Each type of number, as ``struct`` calls it; beside them there is BYTES, for text."""

LONGEST_LENGTH = 12
"""Digits of a length; more bytes than that no body has."""

DEEPEST = 8
"""Dimensions of a shape, and of nested data, at most."""


class Input(msgspec.Struct):
    """One tensor of a request: its values in ``data``, or behind the JSON when it says how many bytes they are."""

    name: str
    datatype: str
    shape: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=DEEPEST)]
    parameters: dict[str, Any] = {}
    data: list[Any] | UnsetType = UNSET


class Wanted(msgspec.Struct):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] = {}


class Question(msgspec.Struct):
    """The JSON of a request."""

    inputs: list[Input]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[Wanted] = []


class Tensor(msgspec.Struct, frozen=True):
    """A tensor as it was read: its values row by row, missing ones ``None``."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: list[Any]


class Output(msgspec.Struct, omit_defaults=True):
    """One tensor of an answer."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, int] | UnsetType = UNSET
    data: Sequence[Any] | UnsetType = UNSET


def read_question(body: bytes, header: bytes | None) -> tuple[Question, list[Tensor]]:
    """The request in a body, and its tensors; ``header`` is Inference-Header-Content-Length, if it came."""
    length = len(body) if header is None else json_length(header, len(body))
    try:
        question = msgspec.json.decode(body[:length], type=Question)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as failure:
        raise InvalidRows(f"the JSON of the request is not readable: {failure}") from None
    behind = memoryview(body)[length:]
    tensors = []
    for sent in question.inputs:
        size = binary_size(sent)
        if size is None:
            tensors.append(Tensor(sent.name, sent.datatype, tuple(sent.shape), json_values(sent)))
            continue
        if size > len(behind):
            raise InvalidRows(f"input {sent.name!r} must have {size} binary bytes, not {len(behind)}")
        tensors.append(Tensor(sent.name, sent.datatype, tuple(sent.shape), binary_values(sent, behind[:size])))
        behind = behind[size:]
    if behind:
        raise InvalidRows(f"after the inputs there are {len(behind)} bytes that no binary_data_size covers")
    return question, tensors


def json_length(header: bytes, most: int) -> int:
    """How many bytes of a body are JSON."""
    allowed = f"a whole number of bytes from 0 to those of the body, {most}"
    if not header.isdigit() or len(header) > LONGEST_LENGTH or int(header) > most:
        raise InvalidRows(f"Inference-Header-Content-Length must be {allowed}, not {header[:40].decode('latin-1')!r}")
    return int(header)


def binary_size(sent: Input) -> int | None:
    """How many bytes of an input are binary; nothing when it comes as JSON."""
    size = sent.parameters.get("binary_data_size")
    if (size is None) == (sent.data is UNSET):
        raise InvalidRows(f"input {sent.name!r} must have either data or the parameter binary_data_size")
    if size is not None and (type(size) is not int or size < 0):
        raise InvalidRows(f"binary_data_size of input {sent.name!r} must be a whole number of bytes")
    return size


def json_values(sent: Input) -> list[Any]:
    """The values of an input's data, flat or nested."""
    values: list[Any] = sent.data  # type: ignore[assignment]  # there, since binary_size found no size
    for _ in range(DEEPEST):
        if not any(type(value) is list for value in values):
            break
        if not all(type(value) is list for value in values):
            raise InvalidRows(f"the data of input {sent.name!r} must be flat, or nested evenly")
        values = [value for inner in values for value in inner]
    known = check_count(sent, len(values))
    if known is None:
        if not all(value is None or type(value) is str for value in values):
            raise InvalidRows(f"the data of input {sent.name!r} must be texts, as its type is BYTES")
        return values
    try:
        if all(value is None or type(value) in (int, float, bool) for value in values):
            return [None if value is None else float(value) for value in values]
    except OverflowError:
        pass  # told below
    raise InvalidRows(f"the data of input {sent.name!r} must be numbers, as its type is {sent.datatype}")


def binary_values(sent: Input, data: memoryview) -> list[Any]:
    """The values of an input's bytes; NaN is missing."""
    if sent.datatype == "BYTES":
        texts = binary_texts(sent.name, data)
        check_count(sent, len(texts))
        return texts
    width = struct.calcsize("<" + FORMATS.get(sent.datatype, "b"))
    known = check_count(sent, len(data) // width)
    if len(data) % width:
        raise InvalidRows(f"the {len(data)} bytes of input {sent.name!r} are not whole {sent.datatype} values")
    numbers = struct.unpack(f"<{len(data) // width}{known}", data)
    return [None if value != value else float(value) for value in numbers]  # noqa: PLR0124  # only NaN differs from itself


def binary_texts(name: str, data: memoryview) -> list[str]:
    """The texts of a BYTES tensor."""
    texts: list[str] = []
    at = 0
    while at < len(data):
        end = at + 4
        if end <= len(data):
            end += int.from_bytes(data[at : at + 4], "little")
        if end > len(data):
            raise InvalidRows(f"text {len(texts) + 1} of input {name!r} is longer than the remaining bytes")
        try:
            texts.append(str(data[at + 4 : end], "utf-8"))
        except UnicodeDecodeError:
            raise InvalidRows(f"text {len(texts) + 1} of input {name!r} is not UTF-8") from None
        at = end
    return texts


def check_count(sent: Input, count: int) -> str | None:
    """How ``struct`` calls the input's type, nothing for BYTES; so many values must be what its shape says."""
    if sent.datatype != "BYTES" and sent.datatype not in FORMATS:
        raise InvalidRows(f"input {sent.name!r} must be one of BYTES, {', '.join(FORMATS)}, not {sent.datatype[:40]!r}")
    if count != math.prod(sent.shape):
        raise InvalidRows(f"input {sent.name!r} has {count} values, but its shape says {sent.shape}")
    return FORMATS.get(sent.datatype)


def binary(output: Output) -> tuple[Output, bytes]:
    """An output with its values behind the JSON."""
    values: Sequence[Any] = output.data  # type: ignore[assignment]  # just made, with its data
    if output.datatype == "BYTES":
        raw = [value.encode() for value in values]
        data = b"".join(len(text).to_bytes(4, "little") + text for text in raw)
    else:
        data = struct.pack(f"<{len(values)}{FORMATS[output.datatype]}", *values)
    return Output(output.name, output.datatype, output.shape, {"binary_data_size": len(data)}), data

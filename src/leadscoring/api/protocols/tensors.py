"""Reads and writes tensors of the Open Inference Protocol (V2), as JSON and in its binary extension.

Binary tensors follow the JSON one after the other, little-endian, in row-major order; a text is its length in four
bytes, followed by UTF-8. All lengths are checked against the actual data. All functions raise ``InvalidRows``.
"""

import math
import struct
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadscoring._engine import Split
from leadscoring.contract.rows import ANY, SPLIT_STRETCH, STRETCH, pairs
from leadscoring.errors import BatchTooLarge, InvalidRows
from leadscoring.stretches import Stretches

Result = TypeVar("Result")

FORMATS = {
    "BOOL": "?",
    "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q",
    "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q",
    "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip
"""The ``struct`` format of each numeric datatype; the only other datatype is BYTES, for text."""

LONGEST_LENGTH = 12
"""Maximum digits of a length; no body is longer than that."""

DEEPEST = 8
"""Maximum dimensions of a shape, and of nested data."""

MOST_KEYS, MOST_INPUTS = 64, 10_000
"""Maximum keys of an object, and inputs, in a request with long JSON."""

LONGEST = 65536
"""Maximum bytes of one value, and of the JSON without the data of inputs: they are read without yielding."""

TOGETHER, TEXTS = 4096, 512
"""Numbers, and texts, that are processed without yielding."""


class Size(NamedTuple):
    """The maximum size of a batch: the number of leads, and the columns of the model."""

    rows: int
    columns: int


class Input(msgspec.Struct):
    """One tensor of a request: its values are in ``data``, or after the JSON if ``binary_data_size`` is set."""

    name: str
    datatype: str
    shape: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=DEEPEST)]
    parameters: dict[str, Any] = {}
    data: list[Any] | UnsetType = UNSET


class Wanted(msgspec.Struct):
    """A requested output."""

    name: str
    parameters: dict[str, Any] = {}


class Question(msgspec.Struct):
    """The JSON of an inference request."""

    inputs: list[Input]
    id: str = ""
    parameters: dict[str, Any] = {}
    outputs: list[Wanted] = []


class Tensor(msgspec.Struct, frozen=True):
    """A parsed tensor: its values in row-major order, ``None`` for missing ones."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: list[Any]


class Output(msgspec.Struct, omit_defaults=True):
    """One tensor of a response."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, int] | UnsetType = UNSET
    data: Sequence[Any] | UnsetType = UNSET


def read_question(
    body: bytes, header: bytes | None, size: Size, stretch: int = STRETCH
) -> Stretches[tuple[Question, list[Tensor]]]:
    """Parses a body; returns the request and its tensors. ``header`` is Inference-Header-Content-Length, if present.

    Yields after about every ``stretch`` bytes.
    """
    length = len(body) if header is None else json_length(header, len(body))
    question, texts = yield from read_json(body[:length], stretch)
    behind = memoryview(body)[length:]
    tensors = []
    for sent, text in zip(question.inputs, texts, strict=True):
        binary = binary_size(sent)
        check_size(sent, size, len(text) if binary is None else binary)
        if binary is None:
            values = yield from json_values(sent, text, size, stretch)
        elif binary > len(behind):
            raise InvalidRows(f"input {sent.name!r} must have {binary} binary bytes, not {len(behind)}")
        else:
            values = yield from binary_values(sent, behind[:binary], size)
            behind = behind[binary:]
        tensors.append(Tensor(sent.name, sent.datatype, tuple(sent.shape), values))
    if behind:
        raise InvalidRows(f"after the inputs there are {len(behind)} bytes that no binary_data_size covers")
    return question, tensors


def read_json(text: bytes, stretch: int) -> Stretches[tuple[Question, list[bytes]]]:
    """Parses the JSON of a request; if it is long, the data of inputs is returned separately as unparsed texts."""
    if len(text) <= stretch:
        question = decoded_as(Question, text)
        return question, [b""] * len(question.inputs)
    rest, inputs = yield from without(text, "inputs")
    question = decoded_as(Question, rest)
    split = Split(inputs, MOST_INPUTS)
    while not split.step(SPLIT_STRETCH):
        yield
    if not split.sound or split.count > MOST_INPUTS:
        raise InvalidRows(f"the JSON of the request is not readable: inputs must be an array of at most {MOST_INPUTS}")
    texts = []
    for place in range(split.count):
        yield
        begin, end, _ = split.element(place)
        about, data = yield from without(inputs[begin:end], "data")
        question.inputs.append(decoded_as(Input, about))
        texts.append(data)
    return question, texts


def without(text: bytes, name: str) -> Stretches[tuple[bytes, bytes]]:
    """Replaces the value of one key in the text of an object by ``[]``; returns the new text and the text of the value.

    The remaining text must be short, since it is parsed without yielding.
    """
    positions = yield from pairs(text, MOST_KEYS)
    if positions is None:
        raise InvalidRows(f"the JSON of the request is not readable: an object must have at most {MOST_KEYS} keys")
    begin, end = positions.get(name, (0, 0))
    rest = text[:begin] + b"[]" + text[end:] if end else text
    if len(rest) > LONGEST:
        raise InvalidRows(f"the JSON of the request must have at most {LONGEST} bytes without the data of inputs")
    return rest, text[begin:end]


def decoded_as(kind: type[Result], text: bytes) -> Result:
    """Decodes a short JSON text."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as failure:
        raise InvalidRows(f"the JSON of the request is not readable: {failure}") from None


def json_length(header: bytes, most: int) -> int:
    """Parses the header; returns how many bytes of a body are JSON."""
    allowed = f"a whole number of bytes from 0 to those of the body, {most}"
    if not header.isdigit() or len(header) > LONGEST_LENGTH or int(header) > most:
        raise InvalidRows(f"Inference-Header-Content-Length must be {allowed}, not {header[:40].decode('latin-1')!r}")
    return int(header)


def binary_size(sent: Input) -> int | None:
    """Returns the size of the binary data of an input in bytes; ``None`` if its data is JSON."""
    size = sent.parameters.get("binary_data_size")
    if (size is None) == (sent.data is UNSET):
        raise InvalidRows(f"input {sent.name!r} must have either data or the parameter binary_data_size")
    if size is not None and (type(size) is not int or size < 0):
        raise InvalidRows(f"binary_data_size of input {sent.name!r} must be a whole number of bytes")
    return size


class Flat:
    """Flattens the data of an input in row-major order; rejects uneven nesting."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[Any] = []
        self._depths: set[int] = set()  # of values
        self._deepest = 0

    def add(self, values: list[Any], depth: int) -> None:
        """Adds the next values, which are nested in ``depth`` arrays within the data."""
        while depth < DEEPEST and any(type(value) is list for value in values):
            if not all(type(value) is list for value in values):
                raise self.uneven()
            values, depth = [value for inner in values for value in inner], depth + 1
        self._deepest = max(self._deepest, depth)
        if values:
            self._depths.add(depth)
        if self._depths and self._depths != {self._deepest}:  # empty arrays are arrays too
            raise self.uneven()
        self.values += values

    def read(self, text: bytes, depth: int, most: int, stretch: int) -> Stretches[None]:
        """As ``add``, for the text of an array of at most ``most`` values; yields periodically."""
        if len(text) <= stretch:
            self.add(decoded_as(list[Any], text), depth)
            return
        split = Split(text, most)
        while not split.step(SPLIT_STRETCH):
            yield
        if not split.sound or split.count > most or depth > DEEPEST:
            raise InvalidRows(f"the data of input {self.name!r} must be an array of at most {most} values")
        self.add([], depth)  # the depth counts even if the array is empty
        for _, _, begin, end, _, usual in split.groups(stretch, stretch, ANY):
            yield
            if usual:
                self.add(decoded_as(list[Any], b"[%b]" % text[begin:end]), depth)
            elif text[begin:end].lstrip()[:1] == b"[":
                yield from self.read(text[begin:end].strip(), depth + 1, most, stretch)
            elif end - begin <= LONGEST:
                self.add(decoded_as(list[Any], b"[%b]" % text[begin:end]), depth)
            else:
                raise InvalidRows(f"a value of input {self.name!r} has more than {LONGEST} bytes")

    def uneven(self) -> InvalidRows:
        """Returns the error for unevenly nested data."""
        return InvalidRows(f"the data of input {self.name!r} must be flat, or nested evenly")


def json_values(sent: Input, text: bytes, size: Size, stretch: int) -> Stretches[list[Any]]:
    """Returns the values of an input's data, flat or nested; ``text`` is the unparsed data of a long request."""
    flat = Flat(sent.name)
    if text:
        yield from flat.read(text, 0, size.rows * size.columns, stretch)
    else:
        flat.add(sent.data, 0)  # type: ignore[arg-type]  # there, since binary_size found no size
    known = check_count(sent, len(flat.values))
    values: list[Any] = []
    for start in range(0, len(flat.values), TOGETHER):
        if start:
            yield
        values += checked(sent, known, flat.values[start : start + TOGETHER])
    return values


def checked(sent: Input, known: str | None, values: list[Any]) -> list[Any]:
    """Validates and converts some values of an input by its datatype."""
    if known is None:
        if not all(value is None or type(value) is str for value in values):
            raise InvalidRows(f"the data of input {sent.name!r} must be texts, as its type is BYTES")
        return values
    try:
        if all(value is None or type(value) in (int, float, bool) for value in values):
            return [None if value is None else float(value) for value in values]
    except OverflowError:
        pass  # reported below
    raise InvalidRows(f"the data of input {sent.name!r} must be numbers, as its type is {sent.datatype}")


def binary_values(sent: Input, data: memoryview, size: Size) -> Stretches[list[Any]]:
    """Parses the values of an input's binary data; NaN becomes ``None``."""
    if sent.datatype == "BYTES":
        texts = yield from binary_texts(sent.name, data, size.rows * size.columns)
        check_count(sent, len(texts))
        return texts
    width = struct.calcsize("<" + FORMATS.get(sent.datatype, "b"))
    known = check_count(sent, len(data) // width)
    if len(data) % width:
        raise InvalidRows(f"the {len(data)} bytes of input {sent.name!r} are not whole {sent.datatype} values")
    values: list[Any] = []
    for start in range(0, len(data), TOGETHER * width):
        if start:
            yield
        part = data[start : start + TOGETHER * width]
        numbers = struct.unpack(f"<{len(part) // width}{known}", part)
        values += [None if value != value else float(value) for value in numbers]  # noqa: PLR0124  # only NaN differs from itself
    return values


def binary_texts(name: str, data: memoryview, most: int) -> Stretches[list[str]]:
    """Parses the texts of a BYTES tensor, at most ``most``."""
    texts: list[str] = []
    at = 0
    while at < len(data):
        end = at + 4
        if end <= len(data):
            end += int.from_bytes(data[at : at + 4], "little")
        if end > len(data):
            raise InvalidRows(f"text {len(texts) + 1} of input {name!r} is longer than the remaining bytes")
        if len(texts) == most or end - at > LONGEST:
            raise InvalidRows(f"input {name!r} must be at most {most} texts of at most {LONGEST} bytes each")
        try:
            texts.append(str(data[at + 4 : end], "utf-8"))
        except UnicodeDecodeError:
            raise InvalidRows(f"text {len(texts) + 1} of input {name!r} is not UTF-8") from None
        at = end
        if not len(texts) % TEXTS:
            yield
    return texts


def check_size(sent: Input, size: Size, there: int) -> None:
    """Rejects an input with more values than a batch can have; ``there`` is the size of its data in bytes.

    Raises ``BatchTooLarge`` or ``InvalidRows``.
    """
    if size.rows * size.columns < (count := math.prod(sent.shape)) <= there:
        if sent.shape[0] > size.rows:
            raise BatchTooLarge(sent.shape[0], size.rows)
        raise InvalidRows(f"input {sent.name!r} of the shape {sent.shape} has {count} values, but the model takes "
                          f"{size.columns} columns")  # fmt: skip


def check_count(sent: Input, count: int) -> str | None:
    """Checks datatype and number of values of an input; returns the ``struct`` format, ``None`` for BYTES."""
    if sent.datatype != "BYTES" and sent.datatype not in FORMATS:
        raise InvalidRows(f"input {sent.name!r} must be one of BYTES, {', '.join(FORMATS)}, not {sent.datatype[:40]!r}")
    if count != math.prod(sent.shape):
        raise InvalidRows(f"input {sent.name!r} has {count} values, but its shape says {sent.shape}")
    return FORMATS.get(sent.datatype)


def binary(output: Output) -> tuple[Output, bytes]:
    """Converts an output to binary; returns it with its data, which follows the JSON."""
    values: Sequence[Any] = output.data  # type: ignore[assignment]  # just made, with its data
    if output.datatype == "BYTES":
        raw = [value.encode() for value in values]
        data = b"".join(len(text).to_bytes(4, "little") + text for text in raw)
    else:
        data = struct.pack(f"<{len(values)}{FORMATS[output.datatype]}", *values)
    return Output(output.name, output.datatype, output.shape, {"binary_data_size": len(data)}), data

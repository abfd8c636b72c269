"""Decodes Universal Binary JSON (draft 12) as written by XGBoost; safe for malicious input."""

import sys
from array import array
from struct import Struct
from typing import Any

MAX_DEPTH = 64

_INTEGERS = {
    b"i": Struct(">b"),
    b"U": Struct(">B"),
    b"I": Struct(">h"),
    b"l": Struct(">i"),
    b"L": Struct(">q"),
}
_NUMBERS = {**_INTEGERS, b"d": Struct(">f"), b"D": Struct(">d")}
_CONSTANTS: dict[bytes, bool | None] = {b"Z": None, b"T": True, b"F": False}
_TYPECODES = {b"i": "b", b"U": "B", b"I": "h", b"l": "i", b"L": "q", b"d": "f", b"D": "d"}


class UBJError(ValueError):
    """Invalid Universal Binary JSON; the message names the position."""


def decode(data: bytes) -> Any:
    """Decodes a single value: objects as dicts, arrays as lists. Raises UBJError.

    Memory use is proportional to ``data``, whatever lengths it declares.
    """
    reader = _Reader(data)
    value = reader.value(reader.take(1), 0)
    if reader.at != len(data):
        raise UBJError(f"byte {reader.at}: {len(data) - reader.at} bytes after the end of the value")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def fail(self, why: str) -> UBJError:
        return UBJError(f"byte {self.at}: {why}")

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise self.fail(f"{size} bytes are announced, but {len(self.data) - self.at} are left")
        self.at += size
        return self.data[self.at - size : self.at]

    def peek(self) -> bytes:
        return self.data[self.at : self.at + 1]

    def number(self, marker: bytes) -> Any:
        layout = _NUMBERS[marker]
        return layout.unpack(self.take(layout.size))[0]

    def length(self) -> int:
        marker = self.take(1)
        if marker not in _INTEGERS:
            raise self.fail(f"a length cannot have the type {marker!r}")
        length = int(self.number(marker))
        if length < 0:
            raise self.fail(f"a length cannot be {length}")
        return length

    def text(self) -> str:
        raw = self.take(self.length())
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise self.fail("a text is not UTF-8") from error

    def value(self, marker: bytes, depth: int) -> Any:
        if marker in _NUMBERS:
            return self.number(marker)
        if marker == b"S":
            return self.text()
        if marker == b"C":
            return self.take(1).decode("latin-1")
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if depth >= MAX_DEPTH:
            raise self.fail(f"nested deeper than {MAX_DEPTH} levels")
        if marker == b"[":
            return self.array(depth + 1)
        if marker == b"{":
            return self.object(depth + 1)
        raise self.fail(f"unknown type {marker!r}")

    def array(self, depth: int) -> list[Any]:
        if self.peek() == b"$":
            return self.typed_array()
        if self.peek() == b"#":
            self.take(1)
            # Each item takes at least one byte, so a false length soon runs out of data.
            return [self.value(self.take(1), depth) for _ in range(self.length())]
        items = []
        while (marker := self.take(1)) != b"]":
            items.append(self.value(marker, depth))
        return items

    def typed_array(self) -> list[Any]:
        marker = self.take(2)[1:]
        if marker not in _TYPECODES:
            raise self.fail(f"an array cannot have items of the type {marker!r}")
        if self.take(1) != b"#":
            raise self.fail("a typed array needs a length")
        size = _NUMBERS[marker].size
        items = array(_TYPECODES[marker])
        items.frombytes(self.take(self.length() * size))
        if sys.byteorder == "little" and size > 1:
            items.byteswap()
        return items.tolist()

    def object(self, depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        if self.peek() == b"$":
            raise self.fail("objects of one type are not supported")
        if self.peek() == b"#":
            self.take(1)
            for _ in range(self.length()):
                key = self.text()
                items[key] = self.value(self.take(1), depth)
            return items
        while self.peek() != b"}":
            key = self.text()
            items[key] = self.value(self.take(1), depth)
        self.take(1)
        return items

"""The footer of Parquet files: what is needed to append row groups to a file, and to name the one that is damaged.

Polars writes a file at once. Here each batch becomes a file of one row group in memory; its pages are appended to the
output, and its row group, with the offsets moved, goes to the footer at the end. The footer is a struct in Thrift's
compact protocol: https://parquet.apache.org/docs/file-format/metadata/
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

MAGIC = b"PAR1"
TAIL = 8
"""Bytes after the footer: its length and the magic bytes."""

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
WHOLE = (I16, I32, I64)
"""Types whose value is a zigzag varint."""

Field = tuple[int, int, Any]
"""The number of a field, its type and its value."""

ROWS, GROUPS = 3, 4
"""Fields of the footer: the number of rows, and the row groups."""

COLUMNS, GROUP_ROWS, GROUP_OFFSET, ORDINAL = 1, 3, 5, 7
"""Fields of a row group: its columns, its rows, where it begins, and its number."""

COLUMN_OFFSET, COLUMN_FACTS = 2, 3
"""Fields of a column of a row group; those from 4 on are of an index of its pages, which is left out."""

PAGES = (9, 10, 11)
"""Fields of the facts of a column: where its pages begin."""

BLOOM = (14, 15)
"""Fields of the facts of a column: a filter that is left out."""


class Part(msgspec.Struct, frozen=True):
    """A Parquet file in memory: its pages, and its footer."""

    pages: bytes
    footer: list[Any]


class Group(msgspec.Struct, frozen=True):
    """A row group of a file: the rows in it, and the bytes that it has in the footer."""

    rows: int
    content: bytes


class Reader:
    """Reads a struct in the compact protocol."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def varint(self) -> int:
        """Reads an unsigned whole number."""
        value = shift = 0
        while True:
            byte = self._content[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def zigzag(self) -> int:
        """Reads a signed whole number."""
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def take(self, count: int) -> bytes:
        """Reads some bytes."""
        self._at += count
        return self._content[self._at - count : self._at]

    def value(self, kind: int) -> Any:
        """Reads a value of a type."""
        if kind in WHOLE:
            return self.zigzag()
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind == STRUCT:
            return list(self.fields())
        if kind in (LIST, SET):
            return self.list()
        if kind == BINARY:
            return self.take(self.varint())
        return self.take({BYTE: 1, DOUBLE: 8}[kind])

    def list(self) -> tuple[int, list[Any]]:
        """Reads a list: the type of its elements, and the elements."""
        head = self._content[self._at]
        self._at += 1
        count, kind = head >> 4, head & 15
        count = self.varint() if count == 15 else count
        if kind in (TRUE, FALSE):
            return kind, [self.take(1) for _ in range(count)]
        return kind, [self.value(kind) for _ in range(count)]

    def fields(self) -> Iterator[Field]:
        """Reads the fields of a struct."""
        number = 0
        while head := self.take(1)[0]:
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            yield number, head & 15, self.value(head & 15)


def varint(value: int) -> bytes:
    """Writes an unsigned whole number."""
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def written(kind: int, value: Any) -> bytes:
    """Writes a value of a type."""
    if kind in WHOLE:
        return varint(value << 1 if value >= 0 else (-value << 1) - 1)
    if kind in (TRUE, FALSE):
        return b""
    if kind == STRUCT:
        return struct_of(value)
    if kind in (LIST, SET):
        inner, elements = value
        whole = elements if inner in (TRUE, FALSE) else [written(inner, one) for one in elements]
        return list_head(inner, len(elements)) + b"".join(whole)
    return varint(len(value)) + value if kind == BINARY else bytes(value)


def list_head(kind: int, count: int) -> bytes:
    """Writes what precedes the elements of a list."""
    return bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + varint(count)


def struct_of(fields: list[Field]) -> bytes:
    """Writes a struct."""
    parts, last = [], 0
    for number, kind, value in fields:
        step = number - last
        head = bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + written(I16, number)
        parts.append(head + written(kind, value))
        last = number
    return b"".join(parts) + b"\0"


def part_of(content: bytes) -> Part:
    """Takes a Parquet file apart."""
    length = struct.unpack("<I", content[-TAIL:-4])[0]
    start = len(content) - TAIL - length
    return Part(content[len(MAGIC) : start], list(Reader(content[start:-TAIL]).fields()))


def groups_of(part: Part, offset: int, number: int) -> list[Group]:
    """The row groups of a part whose pages are appended at an offset, as the row groups from a number on."""
    shift = offset - len(MAGIC)
    groups = next(value for field, _, value in part.footer if field == GROUPS)[1]
    return [moved(group, shift, number + place) for place, group in enumerate(groups)]


def moved(group: list[Field], shift: int, number: int) -> Group:
    """A row group with its offsets moved."""
    fields: list[Field] = []
    rows = 0
    for field, kind, value in group:
        now = value
        if field == COLUMNS:
            now = (value[0], [moved_column(column, shift) for column in value[1]])
        elif field == GROUP_OFFSET:
            now = value + shift
        elif field == ORDINAL:
            now = number
        elif field == GROUP_ROWS:
            rows = value
        fields.append((field, kind, now))
    return Group(rows, struct_of(fields))


def moved_column(column: list[Field], shift: int) -> list[Field]:
    """A column of a row group with its offsets moved."""
    fields: list[Field] = []
    for field, kind, value in column:
        if field == COLUMN_FACTS:
            facts = [(one, how, fact + shift if one in PAGES else fact) for one, how, fact in value if one not in BLOOM]
            fields.append((field, kind, facts))
        elif field == COLUMN_OFFSET:
            fields.append((field, kind, value + shift if value else 0))
        elif field < 4:
            fields.append((field, kind, value))
    return fields


def footer_of(first: Part, rows: int, groups: list[bytes]) -> bytes:
    """The end of a file of these row groups, with the schema of its first part."""
    parts, last = [], 0
    for number, kind, value in first.footer:
        head = bytes([(number - last) << 4 | kind])
        if number == ROWS:
            content = written(I64, rows)
        elif number == GROUPS:
            content = list_head(STRUCT, len(groups)) + b"".join(groups)
        else:
            content = written(kind, value)
        parts.append(head + content)
        last = number
    footer = b"".join(parts) + b"\0"
    return footer + struct.pack("<I", len(footer)) + MAGIC


def group_rows(path: str) -> list[int]:
    """The number of rows of each row group of a file. Raises ``OSError`` if it cannot be read."""
    with Path(path).open("rb") as file:
        file.seek(-TAIL, 2)
        length = struct.unpack("<I", file.read(4))[0]
        file.seek(-TAIL - length, 2)
        footer = list(Reader(file.read(length)).fields())
    groups = next(value for field, _, value in footer if field == GROUPS)[1]
    return [next(value for field, _, value in group if field == GROUP_ROWS) for group in groups]

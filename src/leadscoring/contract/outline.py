"""Outlines a rejected body to explain the rejection: its keys, and only as much of their values as is reported.

The engine reads the whole text once, in slices; only the values of known keys and of the first unknown ones become
Python objects. Outlining a text of 5 MB with 400,000 keys takes a tenth of the time of decoding it.
"""

import json
import math
from typing import Any, NamedTuple

import msgspec

from leadscoring._engine import Names, Skim
from leadscoring.lead import LEAD_BYTES
from leadscoring.stretches import Stretches

STRETCH = 131072
"""Bytes that are read between two yields, which takes about half a millisecond."""

LONGEST_INTEGER = 300
"""Maximum digits of an integer; a longer one is read as a float, which may be infinite."""

LONGEST_VALUE = LEAD_BYTES
"""Bytes above which only the beginning of a value is read, since the lead is too large anyway."""

BEGINNING = 4096
"""Bytes of such a beginning; more than the longest id, however it is escaped."""

ENVELOPE = ("lead_id", "features")

OUTER = Names(name.encode() for name in ENVELOPE)

AN_OBJECT: dict[str, Any] = {}
AN_ARRAY: list[Any] = [None]
"""Placeholders for any object, and for any array but those of texts, which a feature may accept."""

Keys = tuple[list[tuple[int, int, int, int]], list[tuple[int, int, int, int, int]], int]
"""The keys of one object as the engine returns them: known, unknown, and the number of unknown ones."""


def bounded_integer(digits: str) -> int | float:
    """Parses a JSON integer; one too long to be scored becomes a float, which may be infinite."""
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)


scan_json = json.scanner.make_scanner(json.JSONDecoder(parse_int=bounded_integer))  # type: ignore[attr-defined]  # no stub
"""Reads the value at a position of valid JSON."""


class Unknown(NamedTuple):
    """An unknown key: its name, how often it occurs, and the position of its last value in the body."""

    name: str
    times: int
    body: bytes
    begin: int
    end: int

    @property
    def value(self) -> Any:
        """Its last value, read only on access."""
        return value_at(self.body, self.begin, self.end)


class Part(NamedTuple):
    """One object of a body: the values of its known keys, and the first unknown keys."""

    values: dict[str, Any]
    repeated: tuple[str, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    unknown_count: int = 0
    """The number of all unknown keys, including repetitions."""
    places: dict[str, tuple[int, int]] = {}
    """The position of each known value in the body."""


class Outline(NamedTuple):
    """One JSON text: its value, the parts of a lead if it is an object, and its size in bytes."""

    root: Any
    envelope: Part
    features: Part
    size: int


class NotJson(Exception):  # converted to MalformedJson where the whole body is known
    """The text is not JSON: the position in bytes of the body, and the reason."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(why)
        self.at = at
        self.why = why


def outline(body: bytes, begin: int, end: int, known: Names, names: tuple[str, ...]) -> Stretches[Outline]:
    """Outlines the text from ``begin`` (inclusive) to ``end`` (exclusive); yields periodically if it is long.

    ``known`` and ``names`` are the names of the contract. Raises ``NotJson``.
    """
    skim = Skim(OUTER, ENVELOPE.index("features"), known, body, begin, end)
    while not skim.step(STRETCH):
        yield
    if skim.failure:
        raise NotJson(*skim.failure)
    root = value_at(body, *skim.root)
    if not isinstance(root, dict):
        return Outline(root, Part({}), Part({}), end - begin)
    envelope = part(body, skim.outer, ENVELOPE)
    return Outline(root, envelope, part(body, skim.inner, names), end - begin)


def part(body: bytes, keys: Keys, names: tuple[str, ...]) -> Part:
    """Builds the part of one object from the keys that the engine returned."""
    known, unknown, count = keys
    return Part(
        {names[place]: value_at(body, begin, end) for place, begin, end, _ in known},
        tuple(names[place] for place, _, _, times in known if times > 1),
        tuple(Unknown(text_at(body, a, b), times, body, c, d) for a, b, c, d, times in unknown),
        count,
        {names[place]: (begin, end) for place, begin, end, _ in known},
    )


def value_at(body: bytes, begin: int, end: int) -> Any:
    """Reads the JSON value at a position; objects are empty, of arrays only texts are read, and long texts are cut."""
    first = body[begin : begin + 1]
    if first == b"{":
        return AN_OBJECT
    if first == b"[":
        return texts_at(body, begin, end)
    if end - begin <= LONGEST_VALUE:
        return scan_json(body[begin:end].decode(), 0)[0]
    return text_at(body, begin + 1, end - 1) if first == b'"' else math.inf


def texts_at(body: bytes, begin: int, end: int) -> list[Any]:
    """Reads an array of texts at a position; a long one is empty."""
    try:
        return msgspec.json.decode(body[begin:end], type=list[str]) if end - begin <= LONGEST_VALUE else []
    except (msgspec.MsgspecError, UnicodeError):
        return AN_ARRAY


def text_at(body: bytes, begin: int, end: int) -> str:
    """Reads the text between quotation marks at a position; cuts a long one."""
    raw = body[begin:end]
    if len(raw) > LONGEST_VALUE:
        raw = raw[:BEGINNING]
        if b"\\" in raw:  # the last escape may be incomplete
            raw = raw[: raw.rindex(b"\\")].rstrip(b"\\")
    text = raw.decode(errors="ignore")
    return json.loads(f'"{text}"') if "\\" in text else text

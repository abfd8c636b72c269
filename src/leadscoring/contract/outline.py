"""What has to be known of a body that was refused, to say why: its keys, and no more of their values than is shown.

The engine reads the whole text once, in slices, whatever it holds; only the values of known keys and of the first
unknown ones become Python's. A text of 5 MB with 400,000 keys is outlined in a tenth of the time that it takes to
build it.
"""

import json
import math
from typing import Any, NamedTuple

from leadscoring._engine import Names, Skim
from leadscoring.lead import LEAD_BYTES
from leadscoring.stretches import Stretches

STRETCH = 131072
"""Bytes that are read between two looks at who else wants the processor: half a millisecond's worth."""

LONGEST_INTEGER = 300
"""Digits; a longer one may be beyond what a float can hold, and is read as one, infinite if need be."""

LONGEST_VALUE = LEAD_BYTES
"""Bytes of a value from which only its beginning is read, since the lead is too large anyway."""

BEGINNING = 4096
"""Bytes of that; more than enough for the longest id, however it is escaped."""

ENVELOPE = ("lead_id", "features")

OUTER = Names(name.encode() for name in ENVELOPE)

AN_OBJECT: dict[str, Any] = {}
AN_ARRAY: list[Any] = []
"""What stands for an object and for an array, whatever is in them."""

Keys = tuple[list[tuple[int, int, int, int]], list[tuple[int, int, int, int, int]], int]
"""The keys of one object as the engine tells them."""


def bounded_integer(digits: str) -> int | float:
    """A JSON integer; one too long to be a number we could score becomes a float, infinite if need be."""
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)


scan_json = json.scanner.make_scanner(json.JSONDecoder(parse_int=bounded_integer))  # type: ignore[attr-defined]  # no stub
"""Reads the value at a place of a text that is known to be JSON."""


class Unknown(NamedTuple):
    """A key that nothing knows: its name, where in the body its last value stands, and how often it was given."""

    name: str
    times: int
    body: bytes
    begin: int
    end: int

    @property
    def value(self) -> Any:
        """The last value that it was given; read only where it is shown."""
        return value_at(self.body, self.begin, self.end)


class Part(NamedTuple):
    """One object of a body: the values of its known keys, and the first of the unknown ones."""

    values: dict[str, Any]
    repeated: tuple[str, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    unknown_count: int = 0
    """Of all unknown keys, one for each time that it was given."""
    places: dict[str, tuple[int, int]] = {}
    """Where in the body each known value stands."""


class Outline(NamedTuple):
    """One JSON text: its value, and the parts of a lead when it is an object."""

    root: Any
    envelope: Part
    features: Part
    size: int


class NotJson(Exception):  # told as MalformedJson where the whole body is known
    """The text is not JSON: where, in bytes of the body, and why."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(why)
        self.at = at
        self.why = why


def outline(body: bytes, begin: int, end: int, known: Names, names: tuple[str, ...]) -> Stretches[Outline]:
    """The outline of the text from ``begin`` until before ``end``; yields now and then, when it is long.

    ``known`` and ``names`` are the contract's. Raises ``NotJson``.
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
    """One object of a body, of which the engine has found the keys."""
    known, unknown, count = keys
    return Part(
        {names[place]: value_at(body, begin, end) for place, begin, end, _ in known},
        tuple(names[place] for place, _, _, times in known if times > 1),
        tuple(Unknown(text_at(body, a, b), times, body, c, d) for a, b, c, d, times in unknown),
        count,
        {names[place]: (begin, end) for place, begin, end, _ in known},
    )


def value_at(body: bytes, begin: int, end: int) -> Any:
    """The JSON value at a place; an object or array is empty, and of a long text only its beginning is there."""
    first = body[begin : begin + 1]
    if first == b"{":
        return AN_OBJECT
    if first == b"[":
        return AN_ARRAY
    if end - begin <= LONGEST_VALUE:
        return scan_json(body[begin:end].decode(), 0)[0]
    return text_at(body, begin + 1, end - 1) if first == b'"' else math.inf


def text_at(body: bytes, begin: int, end: int) -> str:
    """The text between quotation marks at a place, or its beginning."""
    raw = body[begin:end]
    if len(raw) > LONGEST_VALUE:
        raw = raw[:BEGINNING]
        if b"\\" in raw:  # the last escape may be cut
            raw = raw[: raw.rindex(b"\\")].rstrip(b"\\")
    text = raw.decode(errors="ignore")
    return json.loads(f'"{text}"') if "\\" in text else text

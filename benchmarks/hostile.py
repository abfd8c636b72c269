"""Generates hostile bodies, and those of honest clients with many mistakes, of any size.

The fuzz tests and ``make stress`` send them. The same seed generates the same bodies.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

SIZES = (0, 100, 2_000, 60_000, 70_000, 600_000, 5_000_000)
"""Approximate bytes of one lead: from 0 to the maximum that the service accepts, on both sides of each limit."""

LEADS = (1, 2, 40, 1000)


class Names(NamedTuple):
    """The feature names of a contract: all, that of a number, and that of a text."""

    all: Sequence[str]
    number: str
    text: str


def camel(name: str) -> str:
    """Converts a name to camel case."""
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


def pairs(chance: Random, names: Names, size: int) -> Iterator[tuple[str, str]]:
    """Generates keys and values as JSON texts of about this many bytes, all of one form."""
    make = chance.choice(KEYS)
    place = filled = 0
    while filled < size:
        key, value = json.dumps(make(chance, names, place), ensure_ascii=chance.random() < 0.5), chance.choice(VALUES)
        filled += len(key) + len(value) + 2
        place += 1
        yield key, value


KEYS: list[Callable[[Random, Names, int], str]] = [
    lambda _, __, place: f"k{place}",
    lambda _, __, place: f"a very long name {place} " * 20,
    lambda _, __, place: "日本語ü" * 10 + str(place),
    lambda _, names, place: names.all[place % len(names.all)],
    lambda _, names, __: names.number,
    lambda _, names, place: camel(names.all[place % len(names.all)]),
    lambda _, names, place: "hs_" + names.all[place % len(names.all)],
    lambda _, names, place: names.all[place % len(names.all)] + "__c",
    lambda chance, names, place: chance.choice(names.all)[::-1] + str(place),
    lambda chance, names, _: "".join(chance.sample(chance.choice(names.all), 3)) + chance.choice(names.all),
    lambda chance, _, __: "".join(chance.choice("aeiotnrsl_") for _ in range(200)),
    lambda _, __, place: f"{place}" * 30 + '/~\\"\x00',
    lambda _, __, ___: "",
    lambda _, __, place: "\ud800" * (place % 9),
]
VALUES = ["1", "null", '"x"', "[[]]", '{"a":1}', "-0.5e-3", "NaN", "1e999", '"\\ud83d\\ude00"', '"' + "v" * 90 + '"']


def keyed(chance: Random, names: Names, size: int) -> str:
    """Generates a lead with thousands of keys, in its features or around them."""
    inner = ",".join(f"{key}:{value}" for key, value in pairs(chance, names, size))
    return chance.choice(['{"lead_id":"a","features":{%s}}', "{%s}", '{"lead_id":7,%s,"features":{}}']) % inner


def one_value(chance: Random, names: Names, size: int) -> str:
    """Generates a lead that consists of one huge value."""
    values: list[Callable[[], str]] = [
        lambda: chance.choice(["", "-"]) + "9" * max(1, size),
        lambda: "9" * chance.randint(300, 420),
        lambda: "0." + "0" * size + "1e" + str(size),
        lambda: "1." + "3" * size + chance.choice(["", "e400", "e-400"]),
        lambda: "1e" + "9" * max(1, size),
        lambda: '"' + "x" * size + '"',
        lambda: '"' + "語" * (size // 3) + '"',
        lambda: '"' + "\\u00e4" * (size // 6) + '"',
        lambda: '"' + "\\ud800" * (size // 6) + '"',
        lambda: '"' + '\\"' * (size // 2) + '"',
        lambda: "[" * (size // 2) + "]" * (size // 2),
        lambda: '{"a":' * (size // 6) + "1" + "}" * (size // 6),
        lambda: "[" + "1," * (size // 2) + "1]",
        lambda: "[" + '"x",' * (size // 4) + chance.choice(['"x"]', "1]"]),
        lambda: '"2026-01-31T10:00:00.' + "9" * size + '"',
        lambda: " " * size + "1",
        lambda: '"' + "x" * size,
        lambda: '"' + "x" * size + '\x01"',
    ]
    name = chance.choice([names.number, names.text, "lead_id", "as_of"])
    if name == "as_of":
        return f'{{"lead_id":"a","as_of":{chance.choice(values)()},"features":{{}}}}'
    lead_id = "" if name == "lead_id" else '"lead_id":"a",'
    return f'{{{lead_id}"features":{{"{name}":{chance.choice(values)()}}}}}'


def no_lead(chance: Random, _names: Names, size: int) -> str:
    """Generates a body that is not an object, or not JSON."""
    return chance.choice(
        ["", "1", "null", "[]", "{}", "nonsense", '"%s"' % ("x" * size), "[" * size, "," * size, "{" * size]
    )


def lead(chance: Random, names: Names, size: int) -> str:
    """Generates a hostile lead of about this many bytes."""
    return chance.choice([keyed, keyed, keyed, one_value, one_value, no_lead])(chance, names, size)


def batch(chance: Random, names: Names, size: int) -> str:
    """Generates an array of up to this many bytes: many equal or different leads, a huge one, too many tiny ones."""
    many = chance.choice(LEADS)
    if chance.random() < 0.3:
        alike = lead(chance, names, size // many)
        return "[" + ",".join([alike] * many) + "]"
    if chance.random() < 0.1:
        return "[" + "1," * (size // 2) + "1]"
    return "[" + ",".join(lead(chance, names, size // many) for _ in range(many)) + "]"


def damaged(chance: Random, body: bytes) -> bytes:
    """Returns the body, sometimes with a few bytes removed or inserted."""
    if chance.random() < 0.8 or not body:
        return body
    place = chance.randrange(len(body))
    return body[:place] + chance.choice([b"", b"\xff", b"\x00", b'"', b"\\", b"]", b"}"]) + body[place + 1 :]


def bodies(seed: int, names: Names, sizes: Sequence[int] = SIZES) -> Iterator[tuple[bool, bytes]]:
    """Yields hostile bodies endlessly, and whether each is meant as a batch."""
    chance = Random(seed)  # reproducible bodies
    while True:
        many = chance.random() < 0.5
        text = (batch if many else lead)(chance, names, chance.choice(sizes))
        yield many, damaged(chance, text.encode("utf-8", "surrogatepass"))

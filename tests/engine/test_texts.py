"""The engine reads JSON texts in slices: where elements are, which keys there are, and whether it is JSON at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring._engine import Names, Skim, Split, count_colons

OUTER, INNER = Names([b"lead_id", b"features"]), Names([b"a", "ü".encode(), b"c"])

TOKENS = st.sampled_from(
    [
        *'{}[],:"\\ .e',
        '"a"',
        '"\\u00e4"',
        '"features"',
        "1",
        "-0",
        "01",
        "1.5",
        "1e5",
        "true",
        "null",
        "NaN",
        "-Infinity",
        "ü",
    ]
)
VALUES = st.recursive(
    st.none() | st.integers() | st.text() | st.sampled_from([']"', '{"a":[', "x,y:", "\\" * 3, "v" * 70]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=70), inner, max_size=4),
)
STEPS = st.sampled_from([1, 63, 64, 65, 1000, 1 << 30])


def skim(text: bytes, step: int = 1 << 30) -> Skim:
    """A text, read to its end."""
    found = Skim(OUTER, 1, INNER, text, 0, len(text))
    while not found.step(step):
        pass
    return found


def split(text: bytes, step: int = 1 << 30, limit: int = 1000) -> Split:
    """An array, read to its end."""
    found = Split(text, limit)
    while not found.step(step):
        pass
    return found


@given(st.lists(TOKENS, max_size=12).map("".join), STEPS)
def test_what_is_json_is_what_python_reads_as_json(text: str, step: int) -> None:
    """NaN and infinities let through, in one piece or byte by byte."""
    try:
        json.loads(text)
    except ValueError:
        assert skim(text.encode(), step).failure
    else:
        assert skim(text.encode(), step).failure is None


@given(st.binary(max_size=12).filter(lambda inside: "\ufffd".encode() not in inside), STEPS)
def test_a_text_that_is_not_utf_8_is_found(inside: bytes, step: int) -> None:
    """In every place of a string, and nothing else is called so."""
    text = b'"%b"' % inside.replace(b'"', b"").replace(b"\\", b"")
    failure = skim(text, step).failure
    sound = text.decode(errors="replace").find("\ufffd")
    if failure and failure[1] == "not UTF-8":
        assert len(text[: failure[0]].decode()) == sound
    else:
        assert failure is None or failure[1] == "a control character stands in a text"
        assert failure or sound < 0


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        (b"", 0, "the text ends before the value does"),
        (b'{"a" 1}', 5, "':' is expected"),
        (b"[1 2]", 3, "',' or ']' is expected"),
        (b'{"a":1,}', 7, "a key in quotation marks is expected"),
        (b"01", 1, "something follows the value"),
        (b"-x", 1, "a number must have digits"),
        (b"1.e", 2, "a number must have digits behind its point"),
        (b"1e+", 3, "an exponent must have digits"),
        (b'"\\x"', 1, "a backslash must begin an escape"),
        (b'"\\u12G4"', 1, "\\u must come with four hexadecimal digits"),
        (b'"\n"', 1, "a control character stands in a text"),
        (b'"\xed\xa0\x80"', 1, "not UTF-8"),
        (b"[" * 1000, 128, "nested too deeply"),
    ],
)
def test_a_failure_says_where_and_why(text: bytes, at: int, why: str) -> None:
    """At the byte that cannot stand there."""
    assert skim(text, 1).failure == (at, why)


def test_keys_are_found_with_their_last_values() -> None:
    """Escaped or not, once or often, of the root and of the object under the one key, and of nothing else."""
    text = b'{"x": {"a": 1}, "lead_id": "i", "features": {"a": 1, "\\u00fc": [{"a": 2}], "z": 3, "a": 4, "z": "}"}}'
    found = skim(text, 7)
    known, unknown, count = found.outer
    assert next((place, text[begin:end], times) for place, begin, end, times in known) == (0, b'"i"', 1)
    assert [(text[a:b], text[c:d], times) for a, b, c, d, times in unknown] == [(b"x", b'{"a": 1}', 1)]
    known, unknown, count = found.inner
    assert [(place, text[begin:end], times) for place, begin, end, times in known] == [
        (0, b"4", 2),
        (1, b'[{"a": 2}]', 1),
    ]
    assert [(text[a:b], text[c:d], times) for a, b, c, d, times in unknown] == [(b"z", b'"}"', 2)]
    assert count == 1


def test_of_thousands_of_unknown_keys_the_first_are_kept_and_all_are_counted() -> None:
    """What is kept is bounded whatever is sent."""
    text = json.dumps({"features": {f"k{place}": place for place in range(5000)}}).encode()
    _, unknown, count = skim(text).inner
    assert (len(unknown), count) == (100, 5000)


def test_the_last_of_two_objects_counts() -> None:
    """As JSON readers have it."""
    known, unknown, _ = skim(b'{"features": {"a": 1, "y": 1}, "features": {"c": 2}}').inner
    assert [place for place, *_ in known] == [2]
    assert unknown == []


BLANKS = st.text(" \n\t\r", max_size=70).map(str.encode)


@given(st.lists(VALUES, max_size=6), st.sampled_from([None, 1]), STEPS, BLANKS, BLANKS)
def test_an_array_is_split_into_its_elements(
    values: list[Any], indent: int | None, step: int, before: bytes, behind: bytes
) -> None:
    """With the keys of each, whatever stands in its texts, and blanks around it."""
    text = before + json.dumps(values, indent=indent, ensure_ascii=False).encode() + behind
    found = split(text, step)
    assert (found.sound, found.count) == (True, len(values))
    for place, value in enumerate(values):
        begin, end, colons = found.element(place)
        assert json.loads(text[begin:end]) == value
        assert colons == count_colons(text[begin:end])


@pytest.mark.parametrize(
    "text", [b"", b" ", b"{}", b"1", b"[", b"[1", b"[1]]", b"[1] x", b'[1] "', b"[1}", b'["a]', b"[1],", b"[1]:"]
)
def test_what_is_no_array_is_not_split(text: bytes) -> None:
    """In one piece or byte by byte."""
    assert not split(text, 1).sound
    assert not split(text).sound


def test_neighbours_are_grouped_and_what_is_unusual_stands_alone() -> None:
    """Up to so many bytes together; what is too long or has too many keys is marked."""
    parts = [b"1", b"22", b"33", b'"' + b"x" * 50 + b'"', b'{"a":1,"b":2}', b"4"]
    found = split(b"[" + b",".join(parts) + b"]")
    groups = [(first, last, usual) for first, last, *_, usual in found.groups(6, 40, 1)]
    assert groups == [(0, 2, True), (2, 3, True), (3, 4, False), (4, 5, False), (5, 6, True)]


def test_elements_beyond_the_limit_are_counted_and_not_kept() -> None:
    """So that an array of millions costs no memory."""
    found = split(b"[" + b"1," * 99 + b"1]", limit=10)
    assert found.count == 100
    found.element(9)
    with pytest.raises(IndexError):
        found.element(10)


def test_a_part_beyond_the_text_is_refused() -> None:
    """The engine reads no byte that is not there."""
    for begin, end in ((0, 3), (2, 1)):
        with pytest.raises(ValueError, match="no such part"):
            Skim(OUTER, 1, INNER, b"[]", begin, end)
    with pytest.raises(TypeError):
        Names(["text"])  # type: ignore[list-item]  # that is the point


@given(st.dictionaries(st.text(max_size=70), VALUES, max_size=6), STEPS, st.sampled_from([None, 0, 2]))
def test_an_object_is_split_into_its_pairs(sent: dict[str, object], step: int, indent: int | None) -> None:
    """In one piece or byte by byte; an array is no object, nor the other way round."""
    text = json.dumps(sent, indent=indent).encode()
    found = Split(text, 1000, keyed=True)
    while not found.step(step):
        pass
    assert found.sound
    assert found.count == len(sent)
    pairs = [text[begin:end] for begin, end, _ in map(found.element, range(found.count))]
    assert {name: value for pair in pairs for name, value in json.loads(b"{%b}" % pair).items()} == sent
    assert not split(text, step).sound
    for other in (b"[1]", b'{"a": 1]', b'{"a": 1', b'{"a": 1}}', b'{"a": [1}'):
        wrong = Split(other, 1000, keyed=True)
        while not wrong.step(step):
            pass
        assert not wrong.sound

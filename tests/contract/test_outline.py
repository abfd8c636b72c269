"""A body's outline holds what a refusal tells, whatever else stands in the body."""

import json
import math
from typing import Any

import pytest
from factories import LEAD, SMALL, body
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.contract.outline import BEGINNING, LONGEST_VALUE, NotJson, Outline, outline
from leadscoring.contract.rejection import Rejection
from leadscoring.stretches import at_once

REJECTION = Rejection(SMALL)


def outlined(text: bytes) -> Outline:
    """The outline of a whole body."""
    return at_once(outline(text, 0, len(text), REJECTION.wire_names, REJECTION.names))


def shallow(value: Any) -> Any:
    """A value with what is inside of objects and arrays left out."""
    return type(value)() if isinstance(value, dict | list) else value


@given(
    st.dictionaries(
        st.sampled_from([*REJECTION.names, "x", "y/z"]),
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just({"a": [1]}),
    ),
    st.booleans(),
)
def test_the_values_are_those_that_python_reads(features: dict[str, Any], ascii_only: bool) -> None:
    """Of known and unknown keys."""
    text = json.dumps({"lead_id": "i", "features": features}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    found = outlined(text).features
    known = {name: shallow(value) for name, value in features.items() if name in REJECTION.names}
    assert found.values == known
    assert {each.name: each.value for each in found.unknown} == {
        name: shallow(value) for name, value in features.items() if name not in REJECTION.names
    }
    for name, (begin, end) in found.places.items():
        assert json.loads(text[begin:end]) == features[name]


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=3), st.none() | st.integers() | st.just([]))
def test_an_array_of_texts_is_read(texts: list[str], other: Any) -> None:
    """A feature may accept it; any other array is only named."""
    for value in (texts, [*texts, other]):
        found = outlined(json.dumps({"features": {"source": value}}).encode()).features.values["source"]
        assert found == (texts if value == texts else [None])


def test_of_an_array_that_no_lead_can_have_nothing_is_read() -> None:
    """Nor of one within many others."""
    for value, found in (([["a"]] * 5, [None]), (["a" * LONGEST_VALUE], [])):
        assert outlined(json.dumps({"features": {"source": value}}).encode()).features.values["source"] == found


@pytest.mark.parametrize("value", ['"%s"', '"\\u00e4%s"', '"%s\\\\\\""'])
def test_of_a_value_that_no_lead_can_have_only_the_beginning_is_read(value: str) -> None:
    """Escapes are never cut in two."""
    sent = value % ("\\u00e4" * LONGEST_VALUE)
    found = outlined(b'{"features":{"source":%b,"growth":%b}}' % (sent.encode(), b"1" * (LONGEST_VALUE + 1)))
    assert set(found.features.values["source"]) <= {"ä"}
    assert BEGINNING / 6 - 2 < len(found.features.values["source"]) < BEGINNING
    assert found.features.values["growth"] == math.inf


def test_a_long_body_is_read_with_pauses() -> None:
    """So that others have the processor between two of them."""
    text = body(LEAD) + b" " * 1_000_000
    assert sum(1 for _ in outline(text, 0, len(text), REJECTION.wire_names, REJECTION.names)) == 7


def test_what_is_no_json_says_where() -> None:
    """In bytes of the whole body."""
    text = b'[{"lead_id" 5}]'
    with pytest.raises(NotJson) as failure:
        list(outline(text, 1, len(text) - 1, REJECTION.wire_names, REJECTION.names))
    assert failure.value.at == 12

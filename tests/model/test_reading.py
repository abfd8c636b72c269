"""How training read its file is kept in the card, and nothing that later readers do not know."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.model.reading import PLAIN, Notation, Reading


@pytest.mark.parametrize(
    ("notation", "words"),
    [
        (Notation(), "1234.5 is 1234.5"),
        (Notation(",", "."), "1.234,5 is 1234.5"),
        (Notation(group="'", currency="CHF"), "1'234.5 CHF is 1234.5"),
        (Notation(",", " ", percent=True), "1 234,5 % is 1234.5"),
    ],
)
def test_a_notation_is_shown_by_an_example(notation: Notation, words: str) -> None:
    """People see at once whether it is theirs."""
    assert notation.words == words


def test_what_is_plain_takes_no_room_in_a_card() -> None:
    """A card is read by people too."""
    assert msgspec.json.encode(PLAIN) == b"{}"
    assert msgspec.json.encode(Reading(numbers={"a": Notation(",")})) == b'{"numbers":{"a":{"decimal":","}}}'


TEXTS = st.lists(st.text(max_size=5), max_size=3).map(tuple)
READINGS = st.builds(
    Reading, st.dictionaries(st.text(max_size=5), st.from_type(Notation), max_size=3), TEXTS, TEXTS, TEXTS
)


@given(READINGS)
def test_a_reading_is_read_back_as_it_was_written(reading: Reading) -> None:
    """Of any file."""
    assert msgspec.json.decode(msgspec.json.encode(reading), type=Reading) == reading


@pytest.mark.parametrize(
    "card",
    [
        b'{"dates":{"a":"year-first"}}',
        b'{"days":{}}',
        b'{"numbers":{"a":{"decimal":";"}}}',
        b'{"numbers":{"a":{"sign":"-"}}}',
    ],
)
def test_a_way_of_reading_that_is_not_known_is_refused(card: bytes) -> None:
    """A later version may write it: to pass it over would be to read a file otherwise."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(card, type=Reading)

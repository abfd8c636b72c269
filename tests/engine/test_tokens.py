"""Texts, sets and addresses are cut into tokens as a plain definition in Python has it."""

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadscoring._engine import address_of, values_of, words_of

READ = 16_384
"""Characters that are read of a text."""

TOGETHER = 120
"""Texts of so many characters are normalised as a whole."""

STRANGE = "\xdf\u0130\u0131\u017f\ufb01\u0149\u03a3\u03c2\u01c5\u338f\u2460\xbd\xb2\xaa\xba\u0663\uff41\uff21\uff1b\uff0c\u3000\xa0\x85\u2028\u0301\u0323\u1100\u1161\uac00\u304c\uff76\uff9e\ud800\U0001d400\U0001f600\ufdfa\x00\x1c;,@."
TEXTS = st.text(st.characters() | st.sampled_from(STRANGE) | st.sampled_from("abAB 01;,-_.@"), max_size=TOGETHER)


def folded(text: str) -> str:
    """NFKC and casefold."""
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold()


def words(text: str) -> list[str]:
    """The runs of letters and digits."""
    return "".join(character if character.isalnum() else " " for character in folded(text)).split(" ")


def spaced(text: str) -> str:
    """A folded text with spaces for all whitespace, and none around it."""
    return "".join(" " if character.isspace() else character for character in folded(text)).strip(" ")


@given(TEXTS)
@example("Sales-Director  EMEA")
def test_a_text_is_its_words_and_the_pairs_of_neighbours(text: str) -> None:
    """Each word is followed by the pair that it begins."""
    found = [word for word in words(text) if word]
    expected = [
        token
        for place, word in enumerate(found)
        for token in (word, " ".join(found[place : place + 2]))[: 1 + (place + 1 < len(found))]
    ]
    assert words_of(text) == expected


@given(TEXTS)
@example("a;b,c")
@example("a,b")
@example(" ; ;x;")
def test_a_text_is_a_set_by_its_semicolons_or_else_its_commas(text: str) -> None:
    """Without the spaces around them, and without blank values."""
    whole = "".join(" " if character.isspace() else character for character in folded(text))
    parts = [part.strip(" ") for part in whole.split(";" if ";" in whole else ",")]
    assert values_of(text) == [part for part in parts if part]


@given(st.lists(TEXTS, max_size=5), st.booleans())
def test_a_list_is_a_set_of_its_texts(texts: list[str], as_tuple: bool) -> None:
    """Whatever signs they have within."""
    assert values_of(tuple(texts) if as_tuple else texts) == [value for text in texts if (value := spaced(text))]


@pytest.mark.parametrize("value", [None, 5, b"a", {"a"}, ["a", 5], [None], {"a": "b"}, (1,)])
def test_what_is_no_set_is_a_type_error(value: object) -> None:
    """Texts, or lists and tuples of texts."""
    with pytest.raises(TypeError):
        values_of(value)  # type: ignore[arg-type]


LOCAL = re.compile(r'[^@"(),:;<>\[\\\]\x00-\x20\x7f]+')
LABEL = re.compile(r"[a-z0-9_\-]+")


def address(text: str) -> tuple[str, str] | None:
    """The two parts of an address in Python."""
    whole = spaced(text)
    if whole.endswith(">") and "<" in whole:
        whole = whole[whole.rindex("<") + 1 : -1].strip(" ")
    local, at, domain = whole.removeprefix("mailto:").strip(" ").partition("@")
    labels = domain.removesuffix(".").split(".")
    plain = [LABEL.fullmatch(re.sub(r"[^\x00-\x7f]", "x", label)) for label in labels]
    if not at or not LOCAL.fullmatch(local) or len(labels) < 2 or not all(plain):
        return None
    return local, ".".join(labels)


@given(TEXTS | st.from_regex(r"[A-Za-zü.+]{1,5}@([a-zA-Z0-9ü-]{1,5}\.){0,3}[a-z_ @.,]{1,3}", fullmatch=True))
@example("Jane.Doe+x@Mail.Example.DE.")
@example(" a@b.c ")
@example("a@b")
@example("a@b..c")
@example("a@@b.c")
@example("a@b@c.d")
@example("a b@c.de")
@example("Jane <jane@example.com>")
@example('"Doe, Jane" <mailto: jane@example.com > ')
@example("mailto:jane@example.com")
@example("jane@example.com>")
@example("a <b@c.de> <>")
@example("jörg@bücher.example")
def test_an_address_has_a_local_part_and_a_domain(text: str) -> None:
    """Of two labels or more, in any case, with spaces around it, with a name, or as a link."""
    assert address_of(text) == address(text)


def test_an_address_has_a_bounded_length() -> None:
    """What is longer than any mail server takes is none."""
    assert address_of(f"{'a' * 64}@{'b' * 240}.com") is not None
    assert address_of(f"{'a' * 257}@b.com") is None
    assert address_of(f"a@{'b' * 1020}.com") is None


def test_a_long_text_is_read_up_to_a_limit() -> None:
    """The words and values behind it are not looked at."""
    text = "a" * (READ - 5) + " bc de"
    assert words_of(text) == ["a" * (READ - 5), "a" * (READ - 5) + " bc", "bc", "bc d", "d"]
    assert values_of(text.replace(" ", ";")) == ["a" * (READ - 5), "bc", "d"]
    assert len(values_of(["ab"] * READ)) < READ


@pytest.mark.parametrize("part", ["é ", "ü", "a\u0301", "\u0301\u0323", "ﷺ", "가", "x" * 200 + "é"])
def test_a_long_text_is_cut_like_its_parts(part: str) -> None:
    """Normalising it bit by bit changes nothing where bits begin with a letter of ASCII."""
    text = f"{part} " * 50
    assert [word for word in words_of(text) if " " not in word] == [word for word in words(text) if word]


@pytest.mark.parametrize("part", ["a ", "é ", "\u0301\u0323", "\uff9e\u093c", "ﷺ", ";", "a;", "é"])
def test_the_work_for_a_long_text_does_not_grow_with_its_square(part: str) -> None:
    """Also where that of normalising does. The factor is very generous: in the square it would be 10,000."""

    def seconds(text: str) -> float:
        begin = time.process_time()
        for _ in range(3):
            words_of(text), values_of(text), address_of(text), values_of([text])
        return time.process_time() - begin

    times = READ // len(part) // 100
    assert seconds(part * times * 100) < 1500 * max(seconds(part * times), 1e-4)
    assert seconds(part * (500_000 // len(part))) < 20 * max(seconds(part * times * 100), 1e-4)

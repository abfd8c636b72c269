"""Dates, texts, addresses and sets become columns as a plain definition in Python has them, or are refused by place."""

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring import _engine
from leadscoring._engine import Encoder, Rows, address_of, join_rows, parse_moment, values_of, words_of

UNSET = msgspec.UNSET
DATE, WORDS, ADDRESS, SET = 6, 7, 8, 9
DAY = 86_400_000_000
FIRST, LAST = parse_moment("0001-01-01") or 0, parse_moment("9999-12-31T23:59:59.999999") or 0
MOMENTS = st.integers(FIRST, LAST)

WHATS = {WORDS: "word", ADDRESS: "domain", SET: "value"}


def spec(
    *aspects: tuple[str, str | int],
    missing: tuple[str, ...] = (),
    planned: bool = False,
    weights: dict[str, float] | None = None,
    groups: dict[str, tuple[str, ...]] | None = None,
    roles: tuple[str, ...] = (),
) -> tuple[Any, ...]:
    """What an encoder needs for a feature."""
    return aspects, missing, planned, weights or {}, groups or {}, roles


def encoder(*features: tuple[int, tuple[Any, ...]]) -> Encoder:
    """Of features of these kinds."""
    kinds, specs = zip(*features, strict=True)
    none = [None] * len(kinds)
    widths = [len(one[0]) if one else 1 for one in specs]
    return Encoder(kinds, none, none, UNSET, None, math.nan, widths, None, specs)


def single(value: float) -> float:
    """The nearest float32."""
    return float(np.float32(value))


BOTH = (("age", 0), ("since", 1), ("weekday", 0), ("hour", 0))
TWO_DATES = encoder((DATE, spec(*BOTH)), (DATE, spec(("age", 0), ("since", 0), planned=True)))


@given(MOMENTS, MOMENTS, MOMENTS)
def test_dates_are_counted_in_days_from_the_moment_of_scoring(now: int, first: int, second: int) -> None:
    """And from each other; the day of the week and the hour are in UTC. A planned date may lie in the future."""
    rows = TWO_DATES.encode([(first, second)], now)
    future = first > now + DAY
    assert rows.future == ([(0, 0)] if future else [])
    age = single(max(now - first, 0) / DAY)
    between = single((second - first) / DAY)
    weekday, hour = float((first // DAY + 3) % 7), float(first // 3_600_000_000 % 24)
    own: list[float | None] = [None] * 4 if future else [age, single((first - second) / DAY), weekday, hour]
    assert rows.row(0) == [*own, single((now - second) / DAY), None if future else between]


@given(MOMENTS, st.sampled_from(["T", " ", "t"]), st.lists(MOMENTS | st.none(), min_size=1, max_size=3))
def test_a_text_and_its_microseconds_are_the_same_date(moment: int, between: str, as_of: list[int | None]) -> None:
    """To the last bit, whether leads are scored as of a moment each or of one for all."""
    text = str(np.datetime64(moment, "us")).replace("T", between)
    one, other = (TWO_DATES.encode([(value, UNSET)] * len(as_of), moment, as_of) for value in (text, moment))
    assert bytes(one) == bytes(other)
    alone = [TWO_DATES.encode([(text, UNSET)], moment if own is None else own) for own in as_of]
    assert bytes(one) == bytes(join_rows(alone))
    assert one.future == join_rows(alone).future


def test_a_date_just_after_the_moment_is_new() -> None:
    """Clocks differ, and so do local times; of those behind a day nothing is known, also not for other dates."""
    for moment, age in ((DAY, 0.0), (1, 0.0), (0, 0.0), (-DAY, 1.0), (-1, single(1 / DAY))):
        assert TWO_DATES.encode([(moment, None)]).row(0)[0] == age
    rows = TWO_DATES.encode([(DAY + 1, 0), (0, 5 * DAY)])
    assert rows.row(0) == [None, None, None, None, 0.0, None]
    assert rows.row(1) == [0.0, -5.0, 3.0, 0.0, -5.0, 5.0]
    assert rows.future == [(0, 0)]


@pytest.mark.parametrize("value", [None, UNSET, "n/a", "", " ", "\u00a0\n"])
def test_a_date_that_is_unknown_has_no_columns(value: Any) -> None:
    """Nor is it known how long before or after it another one is."""
    dates = encoder((DATE, spec(("age", 0), missing=("n/a", "ü"))), (DATE, spec(("since", 0), ("hour", 0))))
    rows = dates.encode([(value, 0)])
    assert rows.row(0) == [None, None, 0.0]
    assert rows.present == [1 + (value is not UNSET)]


@pytest.mark.parametrize(
    "as_of", [5, [0], [0, 0, 0], ["2026-01-01", 0], [0.0, 0], [True, 0], [2**70, 0], [LAST + 1, 0]]
)
def test_moments_that_are_none_are_refused(as_of: Any) -> None:
    """One for each lead, of the years 1 to 9999."""
    leads = [(0, 0), (0, 0)]
    with pytest.raises((TypeError, ValueError)):
        TWO_DATES.encode(leads, 0, as_of)
    with pytest.raises(ValueError, match="years 1 to 9999"):
        TWO_DATES.encode(leads, FIRST - 1)


STRANGE_TEXTS = st.text(st.sampled_from("abAB ,;-Äßé\u0301\ud800ﬁ"), max_size=12)
DOMAINS = ("b.de", "mail.b.de", "uni.edu", "b.edu", "x.co.uk", "bücher.example")
VALUES = {
    WORDS: STRANGE_TEXTS,
    SET: STRANGE_TEXTS | st.lists(STRANGE_TEXTS, max_size=4),
    ADDRESS: st.builds("{}@{}".format, st.sampled_from(["a", "Info", "sales+x", "ü"]), st.sampled_from(DOMAINS)),
}


def tokens_of(kind: int, value: Any) -> list[str]:
    """The tokens of a value that aspects and weights refer to."""
    if kind == ADDRESS:
        address = address_of(value)
        assert address
        return [address[1]]
    return words_of(value) if kind == WORDS else values_of(value)


@pytest.mark.parametrize("kind", [WORDS, ADDRESS, SET])
@given(data=st.data())
def test_tokens_have_columns_and_weights(kind: int, data: st.DataObject) -> None:
    """A column is 1 where its token is there; the weight is the mean of those known, 0 without any."""
    value = data.draw(VALUES[kind])
    found = tokens_of(kind, value)
    some = st.sampled_from(sorted({*found, "a", "b", "a b", "b.de"}))
    listed = data.draw(st.lists(some, max_size=4, unique=True))
    weights = data.draw(st.dictionaries(some, st.floats(-5, 5, width=32), max_size=3))
    aspects = [*((WHATS[kind], token) for token in listed), ("weight", "")]
    rows = encoder((kind, spec(*aspects, weights=weights))).encode([(value,)])
    if isinstance(value, str) and not value.strip():
        assert rows.row(0) == [None] * len(aspects)
        return
    known = [weights[token] for token in found if token in weights]
    mean = single(sum(known) / len(known)) if known else 0.0
    assert rows.row(0) == [*(float(token in found) for token in listed), mean]


@given(STRANGE_TEXTS)
def test_words_and_characters_are_counted(text: str) -> None:
    """Without the pairs, and without the spaces around the text; a blank one is unknown."""
    counted = encoder((WORDS, spec(("length", ""), ("words", "")))).encode([(text,)]).row(0)
    words = [word for word in words_of(text) if " " not in word]
    assert counted == ([float(len(text.strip())), float(len(words))] if text.strip() else [None, None])


@given(VALUES[SET])
def test_the_values_of_a_set_are_counted(value: Any) -> None:
    """An empty list has none; of a blank text nothing is known."""
    counted = encoder((SET, spec(("count", "")))).encode([(value,)]).row(0)
    blank = isinstance(value, str) and not value.strip()
    assert counted == [None if blank else float(len(values_of(value)))]


GROUPS = {"free": ("b.de",), "education": ("edu", "mail.b.de"), "government": ("gov", "b.edu")}
ADDRESSES = encoder(
    (
        ADDRESS,
        spec(
            *(("group", group) for group in ("free", "education", "company", "disposable")),
            ("ends", "de"),
            ("role", ""),
            groups=GROUPS,
            roles=("info", "sales"),
        ),
    )
)


@pytest.mark.parametrize(
    ("address", "group", "ends", "role"),
    [
        ("a@b.de", "free", 1, 0),
        ("info@x.b.de", "free", 1, 1),
        ("info@mail.b.de", "education", 1, 1),
        ("a@y.mail.b.de", "education", 1, 0),
        ("Sales+news@uni.EDU.", "education", 0, 1),
        ("a@edu.com", "company", 0, 0),
        ("a@bb.de", "company", 1, 0),
        ("a@b.edu", "government", 0, 0),
        ("informer@b.ede", "company", 0, 0),
    ],
)
def test_the_longest_suffix_of_a_domain_has_its_group(address: str, group: str, ends: int, role: int) -> None:
    """What no group lists is a company. A suffix begins with a label; the local part ends before a plus sign."""
    groups = [float(group == other) for other in ("free", "education", "company", "disposable")]
    assert ADDRESSES.encode([(address,)]).row(0) == [*groups, float(ends), float(role)]


def test_what_is_no_address_is_unknown_and_noted() -> None:
    """A warning says so; a blank text, and one that means missing, are unknown without it."""
    both = encoder((ADDRESS, spec(("role", ""), missing=("-",))), (ADDRESS, spec(("ends", "de"), ("role", ""))))
    rows = both.encode([("no address", "a@b.de"), ("-", " "), ("a@b.de", "a@b")])
    assert [rows.row(place) for place in range(3)] == [[None, 1.0, 0.0], [None] * 3, [0.0, None, None]]
    assert rows.unseen == [(0, 0), (2, 1)]
    assert join_rows([rows, rows]).unseen == [(0, 0), (2, 1), (3, 0), (5, 1)]


@pytest.mark.parametrize(("kind", "text"), [(WORDS, "N/A"), (SET, "N/A"), (ADDRESS, "N/A"), (DATE, "N/A")])
def test_texts_that_mean_missing_are_unknown(kind: int, text: str) -> None:
    """As they are sent."""
    aspects = {WORDS: "words", SET: "count", ADDRESS: "role", DATE: "age"}
    rows = encoder(
        (kind, spec((aspects[kind], ""), missing=("N/A",)) if kind != DATE else spec(("age", 0), missing=("N/A",)))
    ).encode([(text,)])
    assert (rows.row(0), rows.unseen, rows.present) == ([None], [], [1])


@pytest.mark.parametrize(
    ("feature", "value", "said"),
    [
        *(
            (0, value, "not a date")
            for value in (True, 1.0, "x", "\u200b", "2026-02-30", 2**70, LAST + 1, b"2026-01-01", ["2026-01-01"])
        ),
        *((1, value, "not text") for value in (True, 1, b"a", ["a"], {"a": 1})),
        *((2, value, "not text") for value in (True, 1, b"a", ["a@b.de"])),
        *(
            (3, value, "neither text nor a list of texts")
            for value in (True, 1, b"a", ["a", 1], [None], {"a": 1}, {"a"})
        ),
    ],
)
def test_values_that_do_not_fit_are_refused_by_place(feature: int, value: Any, said: str) -> None:
    """Also where the feature has no columns."""
    some = (
        (DATE, spec(("age", 0))),
        (WORDS, spec(("words", ""))),
        (ADDRESS, spec(("role", ""))),
        (SET, spec(("count", ""))),
    )
    for one in (encoder(*some), encoder(*((kind, spec()) for kind, _ in some))):
        good: list[Any] = ["2026-01-01", "a", "a@b.de", ["a"]]
        bad = [*good[:feature], value, *good[feature + 1 :]]
        with pytest.raises(ValueError, match=f"^row 1, feature {feature}: {said}$"):
            one.encode([tuple(good), tuple(bad)], LAST)


def test_a_feature_without_aspects_has_no_columns() -> None:
    """As long as training has not chosen them; nothing is noted of it."""
    bare = encoder((0, ()), (DATE, spec()), (ADDRESS, spec()), (0, ()))
    rows = bare.encode([(1.5, DAY * 5, "x", 2.5)])
    assert (rows.row(0), rows.unseen, rows.future, rows.present) == ([1.5, 2.5], [], [], [4])


def test_the_number_that_means_missing_does_not_for_aspects() -> None:
    """It is one of numbers: the hour 0 stays what it is."""
    mixed = Encoder(
        [0, DATE, WORDS],
        [None] * 3,
        [None] * 3,
        UNSET,
        None,
        0.0,
        [1, 1, 1],
        None,
        [None, spec(("hour", 0)), spec(("word", "a"))],
    )
    assert mixed.encode([(0.0, 0, "b"), (1.0, DAY, "a")]).row(0) == [None, 0.0, 0.0]


WRONG = [
    (DATE, spec(("colour", 0)), 1), (DATE, spec(("since", 0)), 2), (DATE, spec(("since", 5)), 1), (DATE, spec(("since", "x")), 1),
    (DATE, None, 1), (DATE, (), 0), (DATE, 5, 0), (WORDS, spec(("value", "x")), 1), (WORDS, spec(("word", 5)), 1),
    (WORDS, spec(("count", "")), 1), (SET, spec(("words", "")), 1), (SET, spec(("group", "free")), 1), (ADDRESS, spec(("count", "")), 1),
    (WORDS, spec(("weight", ""), weights={"a": math.inf}), 1), (WORDS, spec(("weight", ""), weights={"a": "x"}), 1),  # type: ignore[dict-item]
    (WORDS, spec(("weight", ""), weights={5: 1.0}), 1), (ADDRESS, spec(("group", "free"), groups={"free": (5,)}), 1),  # type: ignore[dict-item]
    (ADDRESS, spec(("role", ""), roles=(5,)), 1), (ADDRESS, spec(("role", ""), groups=[1]), 1),  # type: ignore[arg-type]
    (WORDS, (5, (), False, {}, {}, ()), 0), (WORDS, ((("word",),), (), False, {}, {}, ()), 1), (WORDS, ((), [[]], False, {}, {}, ()), 0),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "wrong", "width"), WRONG)
def test_specs_that_make_no_sense_are_refused(kind: int, wrong: Any, width: int) -> None:
    """When the encoder is made."""
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        Encoder([0, kind], [None] * 2, [None] * 2, UNSET, None, math.nan, [1, width], None, [None, wrong])


def test_a_spec_is_there_for_each_feature_that_needs_one() -> None:
    """As many as there are features."""
    with pytest.raises(ValueError, match="must have a spec"):
        Encoder([WORDS], [None], [None], UNSET, widths=[0])
    with pytest.raises(ValueError, match="specs must have one entry a feature"):
        Encoder([WORDS], [None], [None], UNSET, widths=[0], specs=[])


def test_many_tokens_are_found_each() -> None:
    """A large vocabulary has no collisions that would mix them up."""
    tokens = [f"w{place}" for place in range(1000)]
    large = encoder((WORDS, spec(*(("word", token) for token in tokens[::2]))))
    table = np.asarray(large.encode([(token,) for token in tokens]))
    assert (table[::2] == np.eye(500)).all()
    assert (table[1::2] == 0).all()


def test_rows_of_lists_have_no_dates_in_the_future() -> None:
    """They are encoded already."""
    assert Rows([[1.0]]).future == []
    assert _engine.join_rows([]).future == []

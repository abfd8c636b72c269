"""Aspects fit their kind, and say what they hold."""

import math

import pytest

from leadscoring.contract.aspects import UNKNOWN, Aspect
from leadscoring.contract.columns import Column
from leadscoring.contract.features import Feature
from leadscoring.contract.kinds import KINDS
from leadscoring.errors import CardInvalid

A = Aspect
KINDS_WITH_ASPECTS = [name for name, kind in KINDS.items() if kind.is_aspected]


@pytest.mark.parametrize("kind", KINDS_WITH_ASPECTS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"values": ("a",)}, {"aliases": {"a": "b"}}, {"rare": ("a",)}, {"other": True}, {"numbers": True}, {"codes": 2},
        {"minimum": 0}, {"maximum": 5}, {"aspects": (A("colour"),)}, {"aspects": (A(""),)}, {"weights": {"a": 1.0}},
    ],
)  # fmt: skip
def test_what_belongs_to_another_kind_is_refused(kind: str, wrong: dict[str, object]) -> None:
    """As is an aspect that the kind does not have."""
    with pytest.raises(CardInvalid, match="'x'"):
        Feature("x", kind, **wrong)  # type: ignore[arg-type]  # fields of several types


@pytest.mark.parametrize(
    ("kind", "aspects", "said"),
    [
        ("date", (A("age"), A("age")), "twice"),
        ("date", (A("since"),), "needs to say of what"),
        ("date", (A("age", "y"),), "is of nothing, not 'y'"),
        ("date", (A("word", "y"),), "must be of age, since, weekday, hour, not 'word'"),
        ("text", (A("word", "a"), A("word", "a")), "twice"),
        ("text", (A("word"),), "needs to say of what"),
        ("text", (A("words", "a"),), "is of nothing"),
        ("text", (A("word", "\ud800"),), "no text"),
        ("text", (A("weight"),), "no weights"),
        ("email", (A("role", "info"),), "is of nothing"),
        ("email", (A("count"),), "not 'count'"),
        ("set", (A("value"),), "needs to say of what"),
        ("set", (A("length"),), "not 'length'"),
        ("text", tuple(A("word", f"w{place}") for place in range(1001)), "1001 aspects, more than 1000"),
    ],
)
def test_aspects_that_make_no_sense_are_refused(kind: str, aspects: tuple[Aspect, ...], said: str) -> None:
    """A card cannot have columns that no lead could fill."""
    with pytest.raises(CardInvalid, match=said):
        Feature("x", kind, aspects=aspects)


@pytest.mark.parametrize("weight", [math.nan, math.inf, 1e39])
def test_weights_are_finite_numbers(weight: float) -> None:
    """As all that the trees see."""
    with pytest.raises(CardInvalid, match="no finite float32"):
        Feature("x", "text", aspects=(A("weight"),), weights={"a": weight})


@pytest.mark.parametrize("kind", KINDS_WITH_ASPECTS)
def test_the_fields_of_one_kind_with_aspects_are_refused_by_the_others(kind: str) -> None:
    """Only dates are planned, only addresses have groups and roles."""
    for of, fields in (
        ("date", {"planned": True}),
        ("email", {"groups": {"free": ("a.de",)}}),
        ("email", {"roles": ("info",)}),
    ):
        if of == kind:
            assert Feature("x", kind, **fields).kind == kind
        else:
            with pytest.raises(CardInvalid):
                Feature("x", kind, **fields)


def test_columns_have_the_names_of_feature_and_aspect() -> None:
    """Those of 0 and 1 say so, and others that have a largest number."""
    text = Feature("title", "text", aspects=(A("word", "sales director"), A("length"), A("weight")), weights={"a": 1.0})
    assert text.columns == (Column("title word sales director", most=1), Column("title length"), Column("title weight"))
    date = Feature("made", "date", aspects=(A("age"), A("since", "due"), A("weekday"), A("hour")))
    assert [column.most for column in date.columns] == [None, None, 6, 23]
    assert [column.name for column in date.columns] == ["made age", "made since due", "made weekday", "made hour"]
    assert Feature("made", "date").columns == ()


@pytest.mark.parametrize(
    ("kind", "aspect", "value", "phrase"),
    [
        ("date", A("age"), 3.4, "3 days ago"),
        ("date", A("age"), 1.0, "1 day ago"),
        ("date", A("age"), 1.5, "1.5 days ago"),
        ("date", A("age"), 0.25, "6 hours ago"),
        ("date", A("age"), 1 / 24, "1 hour ago"),
        ("date", A("age"), 0.0, "just now"),
        ("date", A("age"), -0.0, "just now"),
        ("date", A("age"), 0.01, "less than an hour ago"),
        ("date", A("age"), -0.01, "in less than an hour"),
        ("date", A("age"), -0.5, "in 12 hours"),
        ("date", A("age"), -1.0, "in 1 day"),
        ("date", A("age"), 0.99, "1 day ago"),
        ("date", A("age"), 2.97, "3 days ago"),
        ("date", A("age"), -40.0, "in 40 days"),
        ("date", A("since", "due"), -12.0, "12 days before due"),
        ("date", A("since", "due"), 1.0, "1 day after due"),
        ("date", A("since", "due"), 0.0, "same as due"),
        ("date", A("since", "due"), 0.01, "less than an hour after due"),
        ("date", A("since", "due"), -0.25, "6 hours before due"),
        ("date", A("weekday"), 6.0, "on a Sunday"),
        ("date", A("hour"), 9.0, "between 9:00 and 9:59 UTC"),
        ("text", A("word", "director"), 1.0, "contains 'director'"),
        ("text", A("word", "director"), 0.0, "does not contain 'director'"),
        ("text", A("word", "{of} {0}"), 1.0, None),
        ("text", A("words"), 1.0, "1 word"),
        ("text", A("words"), 12.0, "12 words"),
        ("text", A("length"), 1.0, "1 character"),
        ("text", A("length"), 30.0, "30 characters"),
        ("text", A("weight"), 0.5, "average weight of 0.5"),
        ("email", A("group", "free"), 1.0, "free mail address"),
        ("email", A("group", "company"), 0.0, "no company mail address"),
        ("email", A("ends", "de"), 1.0, "ends in .de"),
        ("email", A("ends", "de"), 0.0, "does not end in .de"),
        ("email", A("role"), 1.0, "address of a role"),
        ("email", A("role"), 0.0, "not an address of a role"),
        ("email", A("domain", "b.de"), 1.0, "at b.de"),
        ("email", A("domain", "b.de"), 0.0, "not at b.de"),
        ("email", A("weight"), 0.0, "average weight of 0"),
        ("set", A("value", "a {b}"), 1.0, "includes 'a {b}'"),
        ("set", A("value", "a"), 0.0, "does not include 'a'"),
        ("set", A("count"), 0.0, "no values"),
        ("set", A("count"), 1.0, "1 value"),
        ("set", A("count"), 2.0, "2 values"),
        ("set", A("weight"), -1.0, "average weight of -1"),
    ],
)
def test_a_column_says_what_it_holds(kind: str, aspect: Aspect, value: float, phrase: str | None) -> None:
    """As a phrase that may follow the name of the feature; what is missing is unknown."""
    if phrase is None:
        with pytest.raises(CardInvalid):
            Feature("x", kind, aspects=(aspect,))
        return
    weights = (
        {"b.de": 1.0} if aspect.what == "weight" and kind == "email" else {"a": 1.0} if aspect.what == "weight" else {}
    )
    feature = Feature("x", kind, aspects=(aspect,), weights=weights)
    assert feature.phrase(0, value) == phrase
    assert feature.phrase(0, None) == feature.phrase(0, math.nan) == UNKNOWN

"""Texts, addresses and sets refer to tokens as they are read, and to nothing that could never be."""

import json
from typing import Any

import pytest

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.contract.kinds import KINDS
from leadscoring.errors import CardInvalid

A = Aspect
TOKENS = {
    "text": ("word", ["director", "sales director", "für", "2"]),
    "set": ("value", ["a", "product a", "a;b", "ü-1"]),
}
NO_TOKENS = {
    "text": ["Director", "sales  director", "a b c", " a", "a ", "a-b", "-", "Für", "u\u0308"],
    "set": ["A", " a", "a ", " ", "\u00dc", "u\u0308", "a\tb"],
}


@pytest.mark.parametrize(("kind", "token"), [(kind, token) for kind, (_, tokens) in TOKENS.items() for token in tokens])
def test_tokens_are_written_as_they_are_read(kind: str, token: str) -> None:
    """In aspects and as weights."""
    what = TOKENS[kind][0]
    feature = Feature("x", kind, aspects=(A(what, token), A("weight")), weights={token: 1.0})
    assert [column.name for column in feature.columns] == [f"x {what} {token}", "x weight"]


@pytest.mark.parametrize(("kind", "token"), [(kind, token) for kind, tokens in NO_TOKENS.items() for token in tokens])
def test_what_no_text_is_read_as_is_no_token(kind: str, token: str) -> None:
    """A column of it would never be 1."""
    what = TOKENS[kind][0]
    for fields in ({"aspects": (A(what, token),)}, {"aspects": (A("weight"),), "weights": {token: 1.0}}):
        with pytest.raises(CardInvalid, match="is not how a"):
            Feature("x", kind, **fields)


@pytest.mark.parametrize("token", ["", "\ud800"])
@pytest.mark.parametrize("kind", ["text", "email", "set"])
def test_a_weight_is_of_a_token(kind: str, token: str) -> None:
    """Not of nothing, and not of what no lead can hold."""
    with pytest.raises(CardInvalid):
        Feature("x", kind, aspects=(A("weight"),), weights={token: 1.0})


@pytest.mark.parametrize(
    "fields",
    [
        {"aspects": (A("group", "free"), A("group", "company"))},
        {
            "aspects": (A("ends", "de"), A("ends", "xn--p1ai"), A("domain", "b.de"), A("weight")),
            "weights": {"b.de": 1.0},
        },
        {
            "aspects": (A("role"),),
            "roles": ("info", "no-reply"),
            "groups": {"free": ("b.de",), "education": ("edu", "ac.uk")},
        },
    ],
)
def test_an_address_may_have_all_of_this(fields: dict[str, Any]) -> None:
    """Groups, ends, domains, roles and weights."""
    assert Feature("x", "email", **fields).kind == "email"


@pytest.mark.parametrize(
    "fields",
    [
        {"aspects": (A("group", "rich"),)},
        {"aspects": (A("ends", ".de"),)},
        {"aspects": (A("ends", "co.uk"),)},
        {"aspects": (A("ends", "DE"),)},
        {"aspects": (A("domain", "de"),)},
        {"aspects": (A("domain", "B.de"),)},
        {"aspects": (A("domain", "a@b.de"),)},
        {"aspects": (A("weight"),), "weights": {"de": 1.0}},
        {"groups": {"company": ("b.de",)}},
        {"groups": {"free": ("B.de",)}},
        {"groups": {"free": (".de",)}},
        {"groups": {"free": ("b.de",), "education": ("b.de",)}},
        {"groups": {"free": ("b.de", "b.de")}},
        {"roles": ("Info",)},
        {"roles": ("info@",)},
        {"roles": ("",)},
        {"roles": ("\ud800",)},
    ],
)
def test_an_address_refers_to_what_is_read_of_addresses(fields: dict[str, Any]) -> None:
    """In lower case, without dots at the ends, and to no domain twice."""
    with pytest.raises(CardInvalid):
        Feature("x", "email", **fields)


@pytest.mark.parametrize("kind", ["text", "email", "set"])
def test_any_text_may_be_sent(kind: str) -> None:
    """Whatever is in it, unless JSON cannot hold it; no number is a text."""
    feature = Feature("x", kind)
    assert all(feature.form.accepts(feature, text) for text in ("", "a", "a;b", "ü@"))
    assert not any(feature.form.accepts(feature, value) for value in ("\ud800", 1, True, None, {"a": "b"}, ["a", 1]))
    assert feature.form.accepts(feature, ["a", ""]) == (kind == "set")
    assert not feature.form.accepts(feature, ["\ud800"])
    assert not feature.fits(1.0)
    assert json.loads(KINDS[kind].json_of(" a;b ")) == " a;b "


def test_a_set_is_described_as_a_list_or_a_text() -> None:
    """Both are read."""
    values = Feature("x", "set", aspects=(A("value", "a b"), A("count"), A("value", "c"), A("value", "d")))
    assert [one["type"] for one in values.form.schema(values)["anyOf"]] == ["array", "string"]
    assert values.form.example(values) == "a b;c"
    assert Feature("x", "set").form.example(values) == "a b;c"


def test_a_text_is_described_by_one_of_its_words() -> None:
    """Or as a text, if it has none."""
    text = Feature("x", "text", aspects=(A("words"), A("word", "director")))
    assert text.form.schema(text) == {"type": "string", "examples": ["director"]}
    assert text.form.example(Feature("x", "text")) == "text"

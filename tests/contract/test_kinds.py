"""A kind is its row: nothing else in the package asks for a kind by its name."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from project import ROOT

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.kind import Kind
from leadscoring.contract.kinds import CODED, KINDS, NUMBERED
from leadscoring.errors import CardInvalid
from leadscoring.model.loaded import encoder

PACKAGE = ROOT / "src" / "leadscoring"
THE_TABLE = {PACKAGE / "contract" / "kinds.py"}

FORMS: list[Kind] = [*KINDS.values(), NUMBERED, CODED]


def compared(path: Path) -> Iterator[str]:
    """Where a module compares something with the name of a kind, or matches or looks one up by it."""
    for node in ast.walk(ast.parse(path.read_text())):
        found: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            found = [item for side in (node.left, *node.comparators) for item in getattr(side, "elts", [side])]
        elif isinstance(node, ast.MatchValue):
            found = [node.value]
        elif isinstance(node, ast.Dict):
            found = [key for key in node.keys if key is not None]
        names = {one.value for one in found if isinstance(one, ast.Constant)}
        if names & set(KINDS):
            yield f"{path.relative_to(PACKAGE)}:{found[0].lineno}"


def test_no_other_module_decides_by_the_name_of_a_kind() -> None:
    """What depends on the kind is asked of its row."""
    found = [place for path in sorted(PACKAGE.rglob("*.py")) if path not in THE_TABLE for place in compared(path)]
    assert found == []
    assert list(compared(*THE_TABLE))  # the table itself is found, so that the search finds something


def test_every_way_of_the_engine_to_encode_is_that_of_a_form() -> None:
    """The forms have the engine's numbers, from 0 on; a new kind may share the way of another."""
    ways = {form.engine for form in FORMS}
    assert ways == set(range(len(ways)))


@pytest.mark.parametrize(
    ("feature", "form", "datatype"),
    [
        (Feature("x", "number"), KINDS["number"], "FP64"),
        (Feature("x", "flag"), KINDS["flag"], "FP64"),
        (Feature("x", "category", values=("a",)), KINDS["category"], "BYTES"),
        (Feature("x", "category", values=("1",), numbers=True), NUMBERED, "FP64"),
        (Feature("x", "category", codes=2), CODED, "FP64"),
        (Feature("x", "date"), KINDS["date"], "BYTES"),
        (Feature("x", "text"), KINDS["text"], "BYTES"),
        (Feature("x", "email"), KINDS["email"], "BYTES"),
        (Feature("x", "set"), KINDS["set"], "BYTES"),
    ],
)
def test_a_feature_has_the_row_of_its_kind_and_form(feature: Feature, form: Kind, datatype: str) -> None:
    """A category has one for each way in which it is sent."""
    assert feature.form is form
    assert form.datatype == datatype


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_without_types_is_read_by_the_kind(form: Kind) -> None:
    """A number is itself but for texts; true and false are those of a flag; anything else is no JSON of a number."""
    assert form.is_json("-1.5e3") != form.is_text
    assert form.is_json("true") == (form is KINDS["flag"])
    assert not form.is_json("TRUE")
    trimmed = form.is_timed or not form.is_text  # spaces mean something in texts alone
    assert json.loads(form.json_of(" 1.5 ")) == ("1.5" if form.is_timed else " 1.5 " if form.is_text else 1.5)
    assert form.json_of("  ") == ("null" if trimmed else '"  "')
    assert form.json_of("TRUE") == ("true" if form is KINDS["flag"] else '"TRUE"')
    assert form.json_of("x") == '"x"'


LEVELS = Feature(
    "x",
    "category",
    values=("a", "b"),
    aliases={"A": "a"},
    missing=("-",),
    other=True,
    aspects=(Aspect("code"), Aspect("weight")),
    weights={"a": 0.5, "z": -1.5},
)


def test_a_category_may_have_a_column_of_weights() -> None:
    """Also of values that have no code; the weight of any other is 0, and that of what is missing missing."""
    assert [(column.name, column.categorical) for column in LEVELS.columns] == [("x code", True), ("x weight", False)]
    rows = encoder(Contract((LEVELS,))).encode([(text,) for text in ("a", "A", "b", "z", "new", "-")])
    assert [rows.row(place) for place in range(6)] == [
        [0.0, 0.5], [0.0, 0.5], [1.0, 0.0], [2.0, -1.5], [2.0, 0.0], [None, None],
    ]  # fmt: skip
    assert rows.unseen == [(4, 0)]
    assert [LEVELS.form.back(LEVELS)(cells) for cells in ([1.0, 0.0], [2.0, 0.0], [None, None])] == ["b", None, None]
    phrases = [LEVELS.phrase(0, 1.0), LEVELS.phrase(0, 2.0), LEVELS.phrase(0, None), LEVELS.phrase(1, -1.5)]
    assert phrases == ["is 'b'", "is another value", "unknown", "weight of -1.5"]


def test_a_category_may_have_its_weights_alone() -> None:
    """Then a row does not say which value it was."""
    alone = msgspec.structs.replace(LEVELS, aspects=(Aspect("weight"),))
    rows = encoder(Contract((alone,))).encode([("A",), ("z",), ("new",), ("-",)])
    assert [rows.row(place) for place in range(4)] == [[0.5], [-1.5], [0.0], [None]]
    assert alone.form.back(alone)([0.5]) is None
    assert Feature("x", "category", values=("a",)).phrase(0, 0.0) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"aspects": (Aspect("code"), Aspect("weight"))},
        {"aspects": (Aspect("code"),), "weights": {"a": 1.0}},
        {"aspects": (Aspect("weight"), Aspect("weight")), "weights": {"a": 1.0}},
        {"aspects": (Aspect("weight"),), "weights": {"A": 1.0}},
        {"aspects": (Aspect("weight"),), "weights": {"-": 1.0}},
        {"values": ("1",), "missing": (), "aliases": {}, "numbers": True, "aspects": (Aspect("code"),)},
        {"planned": True},
    ],
)
def test_a_category_with_aspects_that_make_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """Weights are of values, in text, and used."""
    plain = {"name": "x", "kind": "category", "values": ("a",), "aliases": {"A": "a"}, "missing": ("-",)}
    with pytest.raises(CardInvalid):
        Feature(**{**plain, **wrong})


ASPECTS = {
    "date": Feature("x", "date", aspects=(Aspect("age"), Aspect("since", "y"), Aspect("weekday"), Aspect("hour"))),
    "text": Feature("x", "text", aspects=(Aspect("word", "a b"), Aspect("words"), Aspect("length"))),
    "email": Feature("x", "email", aspects=(Aspect("group", "free"), Aspect("ends", "de"), Aspect("role"))),
    "set": Feature("x", "set", aspects=(Aspect("value", "a"), Aspect("count"))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_with_aspects_has_a_column_for_each_and_says_what_it_holds(kind: str) -> None:
    """The others have one of their name, without a phrase; either way the engine knows which it is."""
    feature = ASPECTS.get(kind, Feature("x", kind))
    assert feature.form.is_aspected == (kind in ASPECTS)
    assert len(feature.columns) == (len(feature.aspects) if kind in ASPECTS else 1)
    assert all((feature.phrase(place, 1.0) != "") == (kind in ASPECTS) for place in range(len(feature.columns)))
    assert (feature.form.spec(feature, {"y": 1}) is not None) == (kind in ASPECTS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_may_be_sent(kind: str) -> None:
    """Also as a cell of a CSV; and the values that its columns would have come of it are not made up."""
    feature = ASPECTS.get(kind, Feature("x", kind))
    example = feature.form.example(feature)
    assert feature.form.accepts(feature, example)
    assert json.loads(feature.form.json_of(str(example))) == example
    assert (feature.form.back(feature)([None] * len(feature.columns))) is None

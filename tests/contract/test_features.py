"""Features and contracts refuse nonsense, and say what they allow."""

import msgspec
import pytest

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature, nearest
from leadscoring.errors import CardInvalid


@pytest.mark.parametrize(
    ("feature", "allowed"),
    [
        (Feature("x", "number"), "a number"),
        (Feature("x", "number", minimum=0), "a number of 0 or more"),
        (Feature("x", "number", maximum=5), "a number of 5 or less"),
        (Feature("x", "integer", minimum=1, maximum=3), "a whole number from 1 to 3"),
        (Feature("x", "flag"), "0, 1, true or false"),
        (Feature("x", "category"), "text"),
        (Feature("x", "category", values=("a", "b")), "text, such as 'a', 'b'"),
        (Feature("x", "category", values=("1", "2.5"), numbers=True), "a number, such as 1, 2.5"),
        (Feature("x", "date"), "a date, such as 2026-01-31 or 2026-01-31T10:00:00Z"),
        (Feature("x", "text"), "text"),
        (Feature("x", "email"), "an e-mail address"),
        (Feature("x", "set"), "a list of texts, or text with ; between the values"),
        (
            Feature("x", "category", codes=3),
            "a whole number: the code of a category, of which the trees know 0 to 2",
        ),
    ],
)
def test_a_feature_says_what_it_allows(feature: Feature, allowed: str) -> None:
    """The words that error messages and documentation share."""
    assert feature.allowed == allowed


@pytest.mark.parametrize(
    "nonsense",
    [
        {"name": "", "kind": "number"},
        {"name": "x", "kind": "number", "minimum": 2, "maximum": 1},
        {"name": "x", "kind": "number", "minimum": float("nan")},
        {"name": "x", "kind": "number", "minimum": 1e300},
        {"name": "x", "kind": "integer", "minimum": 0.2, "maximum": 0.8},
        {"name": 'size "L"', "kind": "number"},
        {"name": "a\\b", "kind": "number"},
        {"name": "a\nb", "kind": "number"},
        {"name": "x", "kind": "category", "values": ("a", "a")},
        {"name": "x", "kind": "category", "values": ("a",), "missing": ("a",)},
        {"name": "x", "kind": "flag", "values": ("a",)},
        {"name": "x", "kind": "number", "codes": 2},
        {"name": "x", "kind": "category", "codes": 2, "rare": ("a",)},
        {"name": "x", "kind": "category", "codes": 2, "values": ("a",)},
        {"name": "x", "kind": "category", "values": ("1",), "numbers": True, "aliases": {"1.0": "1"}},
        {"name": "x", "kind": "category", "values": ("a",), "numbers": True},
        {"name": "x", "kind": "category", "values": ("a",), "aliases": {"A": "b"}},
        {"name": "x", "kind": "category", "values": ("a",), "rare": ("a",)},
        {"name": "x", "kind": "number", "aspects": (Aspect("age"),)},
        {"name": "x", "kind": "category", "weights": {"a": 1.0}},
        {"name": "x", "kind": "category", "aspects": (Aspect("word", "a"),)},
        {"name": "x", "kind": "integer", "planned": True},
        {"name": "x", "kind": "flag", "roles": ("info",)},
        {"name": "x", "kind": "flag", "groups": {"free": ("a.de",)}},
    ],
)
def test_a_feature_that_contradicts_itself_is_refused(nonsense: dict[str, object]) -> None:
    """A card cannot smuggle in a feature that no lead could satisfy."""
    with pytest.raises(CardInvalid):
        Feature(**nonsense)  # type: ignore[arg-type]


def test_a_contract_has_features_and_names_each_once() -> None:
    """Columns are told apart by name."""
    with pytest.raises(CardInvalid, match="at least one"):
        Contract(())
    with pytest.raises(CardInvalid, match="'x' twice"):
        Contract((Feature("x", "number"), Feature("x", "flag")))


def test_the_nearest_name_is_guessed_whatever_its_case() -> None:
    """A typing error gets the name that was meant; nonsense gets no guess."""
    names = ["company_revenue", "bounce_rate"]
    assert nearest("Company_Revenu", names) == "company_revenue"
    assert nearest("zzz", names) is None
    assert nearest("bounce_rate" * 10_000, names) is None


@pytest.mark.parametrize("kind", ["number", "integer"])
def test_a_number_that_means_missing_is_taken_beside_what_lies_within_the_bounds(kind: str) -> None:
    """That number alone, and nothing between the two; what is allowed says so."""
    feature = Feature("a", kind, minimum=0, maximum=5)
    contract = Contract((feature,), -999.0)
    taken = [value for value in (-1000, -999, -999.0, -998, -1, 0, 5, 6) if contract.accepts(feature, value)]
    assert taken == [-999, -999.0, 0, 5]
    assert contract.allowed(feature) == f"{feature.allowed}, or -999 for unknown"
    assert Contract((feature,), 3.0).allowed(feature) == feature.allowed


def test_a_kind_that_is_none_is_refused_by_name() -> None:
    """With those that there are."""
    with pytest.raises(
        CardInvalid, match="'x' must be one of number, integer, flag, category, date, text, email, set, not 'colour'"
    ):
        Feature("x", "colour")


def test_a_date_is_counted_from_another_date_alone() -> None:
    """Of the same contract; then scores depend on the moment of scoring."""
    begun = Feature("begun", "date", aspects=(Aspect("since", "made"),))
    made = Feature("made", "date", aspects=(Aspect("age"),))
    assert Contract((begun, made)).is_timed
    assert not Contract((Feature("made", "text", aspects=(Aspect("words"),)),)).is_timed
    for others in ((), (Feature("made", "number"),), (Feature("other", "date"),)):
        with pytest.raises(CardInvalid, match="'begun' is counted from 'made', which is not another date"):
            Contract((begun, *others))
    with pytest.raises(CardInvalid, match="not another date"):
        Contract((Feature("made", "date", aspects=(Aspect("since", "made"),)),))


def test_aspects_survive_being_written() -> None:
    """They are short in JSON; a feature without them is written as before."""
    text = b'{"features":[{"name":"x","kind":"date","aspects":[["age"],["weekday",""]],"planned":true}]}'
    contract = msgspec.json.decode(text, type=Contract)
    assert contract.columns.names == ["x age", "x weekday"]
    assert msgspec.json.decode(msgspec.json.encode(contract), type=Contract) == contract
    assert msgspec.json.encode(Feature("x", "number")) == b'{"name":"x","kind":"number"}'

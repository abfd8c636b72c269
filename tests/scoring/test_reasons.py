"""A reason has the value as it was sent, cut where it is long, and of several aspects the one that mattered most."""

from pathlib import Path
from typing import Any

import pytest
from factories import body
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from timed import FEATURES, TIMED, timed_lead, timed_model

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.lead import Reason
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.reasons import LONGEST_VALUE, MOST_VALUES, reasons, shown


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """A model of kinds with aspects."""
    return open_model(timed_model(Path(tmp_path_factory.mktemp("model"))))


def found(model: LoadedModel, **changed: Any) -> dict[str, Reason]:
    """The reasons of a lead, by feature."""
    lead, rows = model.decoder.one(body(timed_lead(**changed)))
    return {reason.feature: reason for reason in reasons(model)(model, lead, model.finding()(rows, 100)[0])}


def test_each_reason_of_a_feature_with_aspects_has_one(model: LoadedModel) -> None:
    """That of the column which contributes most in the direction of the sum."""
    lead, rows = model.decoder.one(body(timed_lead()))
    shares, columns = model.trees.explain(rows)[0], TIMED.columns
    for name, reason in found(model).items():
        place = TIMED.names.index(name)
        feature, parts = TIMED.features[place], shares[columns.places(place)]
        assert reason.value == FEATURES[name] == lead.values[place]
        assert reason.contribution == pytest.approx(sum(parts), abs=1e-5)
        if feature.kind in ("number", "category"):
            assert reason.aspect is UNSET
            continue
        leading = parts.index(max(parts) if reason.contribution > 0 else min(parts))
        named = feature.leading(leading, FEATURES[name], reason.contribution)
        assert reason.aspect == (named or feature.phrase(leading, rows.row(0)[columns.first[place] + leading]))


@pytest.mark.parametrize(
    ("kind", "sent", "weights", "raises", "lowers"),
    [
        ("text", "VP of Student Affairs", {"vp": 1.0, "student": -1.0, "vp of": 0.5}, "contains 'vp'", "contains 'student'"),
        ("email", "Ann <ann@Acme.com>", {"acme.com": 0.5}, "at acme.com", "at acme.com"),
        ("set", ["B", "a"], {"a": 2.0, "b": 1.0}, "includes 'a'", "includes 'b'"),
        ("set", "x;y", {"a": 2.0}, "", ""),
    ],
)  # fmt: skip
def test_a_weight_is_shown_as_the_token_that_weighs_most(
    kind: str, sent: object, weights: dict[str, float], raises: str, lowers: str
) -> None:
    """An average means nothing to a reader; the word that made it does."""
    feature = Feature("x", kind, aspects=(Aspect("weight"),), weights=weights)
    assert (feature.leading(0, sent, 0.5), feature.leading(0, sent, -0.5)) == (raises, lowers)
    assert feature.leading(0, None, 0.5) == feature.leading(0, UNSET, 0.5) == ""


def test_of_an_unknown_value_the_aspect_is_that(model: LoadedModel) -> None:
    """Left out, null, or after the moment."""
    reasons = found(model, title=..., interests=None, created="2030-01-01")
    assert {reasons[name].aspect for name in ("title", "interests", "created") if name in reasons} == {"unknown"}
    assert reasons["title"].value is reasons["interests"].value is None


@given(st.text(max_size=3 * LONGEST_VALUE), st.lists(st.text(max_size=2 * LONGEST_VALUE), max_size=2 * MOST_VALUES))
def test_a_long_value_is_cut(text: str, texts: list[str]) -> None:
    """A text ends with an ellipsis where it is cut, and so does a list; a short one is as it was sent."""
    feature = Feature("interests", "set")
    for value in (text, texts):
        cut = shown(feature, value)
        assert cut == value or "…" in (cut[-1][-1], *(each[-1:] for each in cut))
        assert len(cut) <= (LONGEST_VALUE if value is text else MOST_VALUES) + 1
    assert shown(feature, texts[:MOST_VALUES]) == [shown(feature, each) for each in texts[:MOST_VALUES]]
    assert shown(feature, text[:LONGEST_VALUE]) == text[:LONGEST_VALUE]


def test_a_category_is_never_cut() -> None:
    """As before there were texts."""
    assert shown(Feature("source", "category"), "x" * 1000) == "x" * 1000


def test_a_category_with_a_weight_has_an_aspect() -> None:
    """Its value is shown as it was sent; so is that of a feature whose columns have no phrases."""
    aspects = (Aspect("weight"),)
    assert Feature("a", "category", values=("x",), aspects=aspects, weights={"x": 0.5}).has_aspects
    assert not Feature("a", "category", values=("x",)).has_aspects
    assert (
        Feature("a", "category", values=("x",), aspects=aspects, weights={"x": 0.5}).phrase(0, 0.5) == "weight of 0.5"
    )

"""A refusal says everything that is wrong at once: where, what was received, what is allowed."""

import json
from typing import Any

import msgspec
import pytest
from factories import SMALL, body, lead
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.errors import Fault, MalformedJson, ValidationError
from leadscoring.rejection import clipped, explain_body, explain_lead, pointer


def refusal(sent: Any) -> ValidationError:
    """Why a lead was refused."""
    error = explain_lead(sent if isinstance(sent, bytes) else body(sent), SMALL, None)
    assert isinstance(error, ValidationError)
    return error


def test_all_faults_are_told_at_once() -> None:
    """A caller mends a lead in one go."""
    faults = refusal(lead(revenue=-5, visits="many", decision_maker=..., source=7, nonsense=1)).faults
    assert {fault.path for fault in faults} == {
        "/features/revenue",
        "/features/visits",
        "/features/decision_maker",
        "/features/source",
        "/features/nonsense",
    }


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (
            {"revenue": -5},
            Fault("/features/revenue", "revenue must be a number of 0 or more, not -5", -5, "a number of 0 or more"),
        ),
        (
            {"visits": 1.5},
            Fault(
                "/features/visits",
                "visits must be a whole number of 0 or more, not 1.5",
                1.5,
                "a whole number of 0 or more",
            ),
        ),
        (
            {"visits": True},
            Fault(
                "/features/visits",
                "visits must be a whole number of 0 or more, not true",
                True,
                "a whole number of 0 or more",
            ),
        ),
        (
            {"decision_maker": "yes"},
            Fault(
                "/features/decision_maker",
                "decision_maker must be 0, 1, true or false, not 'yes'",
                "yes",
                "0, 1, true or false",
            ),
        ),
        ({"growth": [1]}, Fault("/features/growth", "growth must be a number, not an array", "an array", "a number")),
        ({"growth": float("nan")}, Fault("/features/growth", "growth must be a number, not nan", "nan", "a number")),
        ({"growth": float("-inf")}, Fault("/features/growth", "growth must be a number, not -inf", "-inf", "a number")),
        (
            {"revenue": None},
            Fault(
                "/features/revenue",
                "revenue is required and must be a number of 0 or more, but is null",
                None,
                "a number of 0 or more",
            ),
        ),
        (
            {"revenue": ...},
            Fault(
                "/features/revenue",
                "revenue is required and must be a number of 0 or more, but is left out",
                None,
                "a number of 0 or more",
            ),
        ),
        ({"Revenu": 1}, Fault("/features/Revenu", "'Revenu' is not known; did you mean 'revenue'?", 1, "revenue")),
        (
            {"a/b~c": 1},
            Fault("/features/a~1b~0c", "'a/b~c' is not known", 1, "a feature of GET /api/v1/model/features"),
        ),
    ],
)
def test_each_fault_has_its_place_value_and_what_is_allowed(changed: dict[str, Any], fault: Fault) -> None:
    """In words that need no manual."""
    assert refusal(lead(**changed)).faults == (fault,)


@pytest.mark.parametrize("number", ["1e400", "9" * 5000, "-" + "9" * 400, "1" + "0" * 39])
def test_a_number_beyond_what_trees_can_compare_is_refused(number: str) -> None:
    """However it is written, and without reading thousands of digits."""
    sent = body(lead()).replace(b"0.35", number.encode())
    (fault,) = refusal(sent).faults
    assert fault.path == "/features/growth"
    assert len(str(fault.value)) < 100


def test_a_key_given_twice_is_named() -> None:
    """In the envelope and among the features."""
    sent = b'{"lead_id": "a", "lead_id": "b", "features": {"growth": 1, "growth": 2}}'
    paths = [fault.path for fault in refusal(sent).faults if "more than once" in fault.message]
    assert paths == ["/lead_id", "/features/growth"]


@pytest.mark.parametrize("lead_id", [None, 5, "", "x" * 257, ["a"]])
def test_a_lead_needs_an_id_of_text(lead_id: Any) -> None:
    """And a refusal repeats only an id that is one."""
    error = refusal({"lead_id": lead_id, "features": lead()["features"]})
    assert [fault.path for fault in error.faults] == ["/lead_id"]
    assert error.lead_id is None


@pytest.mark.parametrize("sent", [[], 5, "text", None, True, {"features": 5}, {"lead_id": "a"}])
def test_what_is_no_lead_at_all_says_what_it_is(sent: Any) -> None:
    """Any JSON value gets an answer."""
    assert refusal(sent).faults


def test_an_unknown_key_of_the_envelope_is_guessed() -> None:
    """`feature` instead of `features` is the usual slip."""
    faults = refusal({"lead_id": "a", "feature": {}}).faults
    assert "did you mean 'features'?" in faults[0].message


def test_thousands_of_faults_are_cut() -> None:
    """A refusal is not longer than a person would read."""
    assert len(refusal(lead("a", **{f"x{place}": 1 for place in range(5000)})).faults) == 100


def test_a_body_that_is_no_array_says_so() -> None:
    """For the batch route."""
    assert "must be an array of leads, not an object" in str(explain_body(b"{}", ValueError()))
    assert isinstance(explain_body(b"[", ValueError()), MalformedJson)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_refusal_is_always_sound_json(value: Any) -> None:
    """Whatever was sent, surrogates and infinities included, the answer can be encoded."""
    for sent in (value, {"lead_id": value, "features": value}, lead(growth=value, source=value)):
        error = explain_lead(json.dumps(sent).encode(), SMALL, None)
        if isinstance(error, ValidationError):
            msgspec.json.decode(msgspec.json.encode(error.faults))
        str(error).encode()


def test_pointers_and_clipping() -> None:
    """Long and odd names stay readable."""
    assert pointer("a/b~c") == "a~1b~0c"
    assert clipped("x" * 200) == "x" * 80 + "…"
    assert clipped("\ud800") == "\\ud800"

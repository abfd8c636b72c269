"""A refusal says everything that is wrong at once: where, what was received, what is allowed."""

import json
from typing import Any

import msgspec
import pytest
from factories import SMALL, body, lead
from hypothesis import given
from hypothesis import strategies as st
from timed import AS_OF, TIMED, timed_lead

from leadscoring.contract.moment import AS_OF_ALLOWED
from leadscoring.contract.rejection import Refusals, Rejection, clipped, pointer
from leadscoring.errors import Fault, ValidationError
from leadscoring.lead import LEAD_BYTES
from leadscoring.stretches import at_once


def refusal(sent: Any) -> ValidationError:
    """Why a lead was refused."""
    error = Rejection(SMALL).explain(sent if isinstance(sent, bytes) else body(sent), None)
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


def test_a_number_beyond_its_kind_names_the_bound() -> None:
    """Which the contract need not state: the largest integer of JSON, the largest float32."""
    bounds: tuple[tuple[str, Any, str], ...] = (
        ("visits", 2**53, "a whole number of 0 or more, at most 9007199254740991"),
        ("visits", -1, "a whole number of 0 or more"),
        ("growth", 1e39, "a number, at most 3.4028235e+38"),
        ("growth", -1e39, "a number, at least -3.4028235e+38"),
    )
    for name, value, bound in bounds:
        (fault,) = refusal(lead(**{name: value})).faults
        assert fault.allowed == bound
        assert f"{name} must be {bound}, not " in fault.message


@pytest.mark.parametrize("lead_id", [None, -1, 2**53, 5.5, True, "", "x" * 257, ["a"]])
def test_a_lead_needs_an_id(lead_id: Any) -> None:
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


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_refusal_is_always_sound_json(value: Any) -> None:
    """Whatever was sent, surrogates and infinities included, the answer can be encoded."""
    for sent in (value, {"lead_id": value, "features": value}, lead(growth=value, source=value)):
        error = Rejection(SMALL).explain(json.dumps(sent).encode(), None)
        if isinstance(error, ValidationError):
            msgspec.json.decode(msgspec.json.encode(error.faults))
        str(error).encode()


def test_pointers_and_clipping() -> None:
    """Long and odd names stay readable."""
    assert pointer("a/b~c") == "a~1b~0c"
    assert clipped("x" * 200) == "x" * 80 + "…"
    assert clipped("\ud800") == "\\ud800"


def test_an_id_that_is_missing_is_said_to_be_missing() -> None:
    """In those words, and what may stand there."""
    (fault,) = refusal({"features": lead()["features"]}).faults
    assert fault.message.startswith("lead_id is missing; it must be text of 1 to 256 characters, or a whole number")


def test_features_without_their_wrapper_are_told_once() -> None:
    """And where they belong, instead of fifty keys that nothing knows."""
    (fault,) = refusal({"lead_id": "a", **lead()["features"]}).faults
    assert fault.path == "/features"
    assert fault.message.startswith(
        "features is missing: put these under `features`: 'revenue', 'visits', 'growth' and 4"
    )


def test_names_that_all_differ_in_one_way_are_told_once() -> None:
    """With some examples; that they are required is not told beside it."""
    features = {f"hs_{name.replace('_', '')}": value for name, value in lead()["features"].items()}
    (fault,) = refusal({"lead_id": "a", "features": features}).faults
    assert fault.path == "/features"
    assert fault.message == (
        "7 names have 'hs' in front and are not written as the contract has them: 'hs_revenue' is 'revenue', "
        "'hs_visits' is 'visits', 'hs_growth' is 'growth', and 4 more in the same way"
    )


def test_a_lead_within_another_object_is_told_where_its_keys_belong() -> None:
    """No name is guessed for what holds the whole lead; what holds no object is guessed as ever."""
    first = refusal({"lead": lead()}).faults[0]
    assert first.path == "/lead"
    assert first.message.startswith("'lead' is not known; lead_id and features must stand in the lead itself")
    assert "did you mean 'lead_id'?" in refusal({"lead": "a"}).faults[0].message


def test_an_array_is_sent_to_the_batch_route() -> None:
    """That is what it was meant for."""
    assert "an array of leads is the body of POST /api/v1/score/batch" in str(refusal([lead()]))


@pytest.mark.parametrize("digits", [300, 301, 308, 309, 310, 400, 401, 4301])
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_of_any_length_is_a_fault_of_its_lead(digits: int, sign: str) -> None:
    """Those that no float can hold too."""
    sent = body(lead()).replace(b"0.35", sign.encode() + b"9" * digits)
    assert [fault.path for fault in refusal(sent).faults] == ["/features/growth"]


def test_a_lead_that_is_too_large_says_so_beside_its_other_faults() -> None:
    """No honest lead is half a megabyte."""
    faults = refusal(body(lead(source="x" * LEAD_BYTES, growth="y"))).faults
    assert [fault.path for fault in faults] == ["/features/growth", ""]
    assert "at most 524288 bytes" in faults[1].message


def test_what_is_not_told_is_counted() -> None:
    """In the words of the refusal, and as a number."""
    error = refusal(lead("a", **{f"x{place}": 1 for place in range(5000)}))
    assert error.more == 4900
    assert str(error).endswith("; and 4997 more")


def test_a_batch_of_faults_tells_the_first_of_each_lead_when_they_are_too_many() -> None:
    """And how many there are of each."""
    refusals = Refusals(Rejection(SMALL))
    sent = body(lead("a", **{f"x{place}": 1 for place in range(50)}))
    errors = [at_once(refusals.explain(sent, 0, len(sent), None)) for _ in range(100)]
    told = [len(error.faults) for error in errors if isinstance(error, ValidationError)]
    assert told == [50] * 10 + [1] * 90
    assert all(isinstance(error, ValidationError) and len(error.faults) + error.more == 50 for error in errors)


def timed_refusal(sent: Any) -> tuple[Fault, ...]:
    """The faults of a lead by a contract with dates."""
    error = Rejection(TIMED).explain(body(sent), None)
    assert isinstance(error, ValidationError)
    return error.faults


@pytest.mark.parametrize(
    ("as_of", "shown"), [("soon", "'soon'"), (1_700_000_000, "1700000000"), (True, "true"), ({}, "an object")]
)
def test_a_moment_that_is_none_is_told_with_what_is_allowed(as_of: Any, shown: str) -> None:
    """By every contract, whether scores depend on it or not."""
    for faults in (timed_refusal(timed_lead(as_of=as_of)), refusal(lead() | {"as_of": as_of}).faults):
        (fault,) = faults
        assert fault.path == "/as_of"
        assert fault.message == f"as_of must be {AS_OF_ALLOWED}, not {shown}"
        assert fault.allowed == AS_OF_ALLOWED


def test_values_of_the_kinds_with_aspects_are_told_with_what_is_allowed() -> None:
    """A date that the calendar does not have, what is no text, and a list that holds more than texts."""
    faults = timed_refusal(timed_lead(created="2026-02-30", due=20260131, title=["a"], email=5, interests=["a", 5]))
    assert [(fault.path, fault.value, fault.message) for fault in faults] == [
        (
            "/features/created",
            "2026-02-30",
            "created must be a date, such as 2026-01-31 or 2026-01-31T10:00:00Z, not '2026-02-30'",
        ),
        ("/features/due", 20260131, "due must be a date, such as 2026-01-31 or 2026-01-31T10:00:00Z, not 20260131"),
        ("/features/title", "an array", "title must be text, not an array"),
        ("/features/email", 5, "email must be an e-mail address, not 5"),
        (
            "/features/interests",
            "an array",
            "interests must be a list of at most 1,000 texts, or text with ; between the values, not a list of other or of more values",
        ),
    ]


def test_a_key_of_the_lead_among_its_features_is_told_to_be_misplaced() -> None:
    """The moment and the id, unless a feature has this name; the moment only where scores depend on it."""
    (fault,) = timed_refusal(timed_lead(as_of=AS_OF) | {"features": timed_lead()["features"] | {"as_of": AS_OF}})
    assert (fault.path, fault.value, fault.allowed) == ("/features/as_of", AS_OF, "beside features")
    assert fault.message == "'as_of' must stand beside `features`, not in it"
    absent, moved = timed_refusal({"features": timed_lead()["features"] | {"lead_id": "7"}})
    assert (absent.path, moved.path) == ("/lead_id", "/features/lead_id")
    (fault,) = refusal({**lead(), "features": lead()["features"] | {"as_of": AS_OF}}).faults
    assert fault.message == "'as_of' is not known"


def test_a_moment_under_another_name_is_suggested_where_scores_depend_on_it() -> None:
    """Elsewhere, a message is as it was before there was one."""
    (fault,) = timed_refusal({**timed_lead(as_of=...), "asOf": AS_OF})
    assert fault.message == "'asOf' is not known; did you mean 'as_of'?"
    (fault,) = timed_refusal({**timed_lead(), "zzz": 1})
    assert fault.allowed == "lead_id, features, as_of"
    (fault,) = refusal({**lead(), "asOf": AS_OF}).faults
    assert (fault.message, fault.allowed) == ("'asOf' is not known", "lead_id, features")

"""A lenient service scores more, never otherwise: what it changes is what its sender would change by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from factories import LEAD, SMALL, body, lead, model_file
from hypothesis import given
from hypothesis import strategies as st
from lead_strategies import leads
from serving import serving
from timed import AS_OF, TIMED, timed_lead

from leadscoring._engine import Rows, count_colons
from leadscoring.contract.decode import LeadDecoder
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.lenience import LenientDecoder
from leadscoring.contract.moment import moment_of
from leadscoring.errors import RequestError, ValidationError
from leadscoring.lead import Lead, LenientLead
from leadscoring.model.loaded import encoder

strict: LeadDecoder[Rows] = LeadDecoder(SMALL, encoder(SMALL).encode, count_colons)
lenient = LenientDecoder(SMALL, encoder(SMALL).encode, count_colons)
TEXTS = {feature.name for feature in SMALL.features if feature.kind == "category"}


def both_ways(sent: bytes) -> list[tuple[Lead, list[float | None]]]:
    """The lead and its row, alone and in a batch."""
    alone, row = lenient.one(sent)
    (place,), rows = lenient.many(b"[" + sent + b"]", 1)
    assert isinstance(place, Lead)
    assert rows is not None
    return [(alone, row.row(0)), (place, rows.row(0))]


def test_categories_by_number_and_by_code_are_numbers_that_may_come_as_text() -> None:
    """As all other numbers; a text that is a category stays one."""
    features = (
        Feature("numbered", "category", values=("1", "2.5"), numbers=True),
        Feature("code", "category", codes=3),
        Feature("text", "category", values=("1",)),
    )
    contract = Contract(features)
    reader = LenientDecoder(contract, encoder(contract).encode, count_colons)
    found, rows = reader.one(b'{"lead_id":"a","features":{"numbered":"2.5","code":"2","text":"1"}}')
    assert isinstance(found, LenientLead)
    assert rows.row(0) == [1, 2, 0]


@given(leads(SMALL))
def test_a_lead_that_the_strict_way_accepts_is_read_alike(sent: dict[str, Any]) -> None:
    """To the same values, row and nothing to warn of."""
    found, rows = strict.one(body(sent))
    for lead_, row in both_ways(body(sent)):
        assert (lead_, row) == (found, rows.row(0))
        assert type(lead_) is Lead


@given(
    leads(SMALL),
    st.sets(st.sampled_from(SMALL.names)),
    st.dictionaries(st.text(min_size=1).filter(lambda name: name not in SMALL.names), st.integers() | st.text()),
)
def test_a_lead_gets_the_row_that_it_gets_when_it_is_converted_by_hand(
    sent: dict[str, Any], as_text: set[str], unknown: dict[str, Any]
) -> None:
    """Numbers as text, and any unknown features."""
    features = {
        name: json.dumps(value) if name in as_text - TEXTS and value is not None else value
        for name, value in sent["features"].items()
    }
    loose = json.dumps(sent | {"features": features | unknown}).encode()
    found, rows = strict.one(body(sent))
    for lead_, row in both_ways(loose):
        assert row == rows.row(0)
        assert (lead_.lead_id, lead_.values) == (found.lead_id, found.values)


@pytest.mark.parametrize(
    "changed",
    [{"visits": "3 "}, {"visits": "1,000"}, {"visits": "0x3"}, {"visits": "NaN"}, {"visits": "-1"}, {"visits": "1.5"},
     {"growth": ""}, {"growth": "1e999"}, {"decision_maker": "2"}, {"decision_maker": "yes"}, {"visits": True},
     {"source": 5}, {"growth": [1]}],
)  # fmt: skip
def test_what_writes_no_value_of_the_feature_is_refused_as_ever(changed: dict[str, Any]) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValidationError) as refusal:
        lenient.one(body(lead(**changed, nobody=1)))
    assert [fault.path for fault in refusal.value.faults] == [f"/features/{name}" for name in changed]


@pytest.mark.parametrize(
    "sent",
    [
        b'{"lead_id": "a", "features": {"growth": "1", "growth": "2"}}',
        body({"id": "a", **lead()}),
        body({"lead_id": "a"}),
        body([]),
        b"[",
    ],
)
def test_everything_else_is_refused_as_ever(sent: bytes) -> None:
    """In the words of the strict way."""
    told = []
    for decoder in (strict, lenient):
        with pytest.raises(RequestError) as refusal:
            decoder.one(sent)
        told.append(str(refusal.value))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"revenue": "Revenue", "decision_maker": "decisionMaker", "open_rate": "openRate"}, "3 names are not written"),
        ({"revenue": "revenu"}, "'revenu' is not known; did you mean 'revenue'?; revenue is required"),
        ({"visits": "visit", "growth": "Growth"}, None),
    ],
    ids=["a rule", "a slip", "not required"],
)
def test_an_unknown_feature_that_is_a_required_one_misspelt_is_refused_with_its_name(
    names: dict[str, str], said: str | None
) -> None:
    """What only lacks a required feature would be a riddle; numbers as text are no fault beside it."""
    sent = lead(nobody=1)
    sent["features"] = {names.get(name, name): value for name, value in sent["features"].items()} | {"open_rate": "0.5"}
    if said is None:
        assert lenient.one(body(sent))
        return
    with pytest.raises(ValidationError) as refusal:
        lenient.one(body(sent))
    assert str(refusal.value).startswith(said)
    assert not any("open_rate must" in fault.message or "nobody" in fault.message for fault in refusal.value.faults)


def test_the_warnings_name_what_was_changed() -> None:
    """A few of many."""
    sent = body(lead("a", visits="3", **{f"x{place}": 1 for place in range(150)}))
    found, _ = lenient.one(sent)
    assert isinstance(found, LenientLead)
    converted, ignored = found.warned
    assert (converted.code, converted.feature) == ("text_converted", "visits")
    assert converted.message == "'visits' was sent as text and read as a number"
    assert (ignored.code, ignored.feature) == ("unknown_ignored", None)
    assert ignored.message.endswith("'x9' and 140 more were not known to the model and ignored")


def test_a_contract_of_names_that_need_care_is_read_too() -> None:
    """Blanks, slashes, and what is not ASCII."""
    assert Contract(SMALL.features).names[5] == "region / city (ü)"
    ((found, _), _) = both_ways(body(lead(visits="3")))
    assert found.values == strict.one(body(LEAD))[0].values


@pytest.mark.integration
def test_a_lenient_service_says_in_each_answer_what_it_changed(tmp_path: Path) -> None:
    """And gives the strict score; without the setting it refuses."""
    sent = lead(visits="3", nobody=1)
    with serving(tmp_path, model_file(tmp_path), LENIENT_CLIENTS="on") as server:
        alone, plain = (
            server.http.post("/api/v1/score", json=sent).json(),
            server.http.post("/api/v1/score", json=LEAD).json(),
        )
        assert alone["score"] == plain["score"]
        assert [warned["code"] for warned in alone["warnings"]] == ["text_converted", "unknown_ignored"]
        assert plain["warnings"] == []
        answers = server.http.post("/api/v1/score/batch", json=[LEAD, sent]).json()
        assert [len(answer["warnings"]) for answer in answers] == [0, 2]
    with serving(tmp_path, model_file(tmp_path)) as server:
        assert server.http.post("/api/v1/score", json=sent).status_code == 422


def test_a_lead_that_is_changed_keeps_its_moment() -> None:
    """It is scored as of that, or else as of that of the request; texts of the kinds with aspects stay texts."""
    reader = LenientDecoder(TIMED, encoder(TIMED).encode, count_colons)
    now = moment_of("2026-06-01")
    for as_of, moment in ((AS_OF, moment_of(AS_OF)), (None, now), (..., now)):
        sent = timed_lead(as_of=as_of, title="5", interests="1;2")
        changed = timed_lead(as_of=as_of, title="5", interests="1;2", amount="1200.5", nonsense=1)
        found, rows = reader.one(body(changed), now)
        assert isinstance(found, LenientLead)
        assert [warned.code for warned in found.warned] == ["text_converted", "unknown_ignored"]
        assert found.as_of == moment
        assert rows.row(0) == reader.one(body(sent), now)[1].row(0)
        (place,), _ = reader.many(b"[" + body(changed) + b"]", 1, now)
        assert place == found


def test_a_moment_that_is_none_is_refused_whatever_else_could_be_mended() -> None:
    """It is no number sent as text."""
    reader = LenientDecoder(TIMED, encoder(TIMED).encode, count_colons)
    with pytest.raises(ValidationError, match="as_of must be a time"):
        reader.one(body(timed_lead(as_of="soon", amount="1200.5")))

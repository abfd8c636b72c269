"""Sound leads become rows, whatever the order of their keys; unsound ones never do."""

import math
from typing import Any

import pytest
from factories import LEAD, SMALL, body, lead
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from leadscoring._engine import Rows, count_colons
from leadscoring.contract.aspects import Aspect
from leadscoring.contract.decode import LeadDecoder
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.kinds import KINDS
from leadscoring.contract.rejection import feature_fault
from leadscoring.errors import BatchTooLarge, MalformedJson, RequestError, ValidationError
from leadscoring.float32 import FLOAT32_MAX
from leadscoring.lead import Lead
from leadscoring.model.loaded import encoder

decoder: LeadDecoder[Rows] = LeadDecoder(SMALL, encoder(SMALL).encode, count_colons)


def row(features: dict[str, Any]) -> list[float | None]:
    """The encoded row of a lead with these features."""
    return decoder.one(body({"lead_id": "x", "features": features}))[1].row(0)


def test_a_lead_becomes_a_row_in_contract_order() -> None:
    """Numbers as float32, flags as 0 and 1, categories as their codes."""
    found, rows = decoder.one(body(LEAD))
    assert found.lead_id == "lead-1"
    assert found.values == (1000000, 3, 0.35, True, "event", "south", 0.4)
    assert rows.row(0) == pytest.approx([1e6, 3, 0.35, 1, 1, 1, 0.4])


@given(st.permutations(list(LEAD["features"].items())), st.booleans())
def test_the_order_of_keys_does_not_matter(pairs: list[tuple[str, Any]], id_last: bool) -> None:
    """JSON objects have no order, and neither has a lead."""
    lead_id, features = {"lead_id": "lead-1"}, {"features": dict(pairs)}
    sent = features | lead_id if id_last else lead_id | features
    found, rows = decoder.one(body(sent))
    assert found == decoder.one(body(LEAD))[0]
    assert rows.row(0) == decoder.one(body(LEAD))[1].row(0)


def test_left_out_and_null_both_mean_unknown() -> None:
    """Neither is ever zero."""
    left_out = row(lead(visits=..., open_rate=..., source=..., growth=...)["features"])
    null = row(lead(visits=None, open_rate=None, source=None, growth=None)["features"])
    assert left_out == null == [1e6, None, None, 1, None, 1, None]


def test_a_token_that_means_missing_is_missing_and_an_unseen_text_is_other() -> None:
    """What training read as missing is missing here too; what it never saw takes the place of the rare."""
    _, rows = decoder.one(body(lead(source="unknown")))
    assert (rows.row(0)[4], rows.unseen) == (None, [])
    _, rows = decoder.one(body(lead(source="fair")))
    assert (rows.row(0)[4], rows.unseen) == (3, [(0, 4)])
    _, rows = decoder.one(body(lead(**{"region / city (ü)": "west"})))
    assert (rows.row(0)[5], rows.unseen) == (None, [(0, 5)])


@pytest.mark.parametrize("whole", ["3", "3.0", "3e0", "30E-1"])
def test_a_whole_number_may_be_written_in_any_way(whole: str) -> None:
    """JSON knows one kind of number."""
    sent = body(lead()).replace(b'"visits": 3', b'"visits": ' + whole.encode())
    assert decoder.one(sent)[1].row(0)[1] == 3


def json_values() -> st.SearchStrategy[Any]:
    """Anything that JSON can hold, and the numbers that it cannot."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.integers(-(10**40), 10**40)
        | st.floats()
        | st.text(st.characters(codec="utf-8"), max_size=5)
        | st.sampled_from(["web", "unknown", "north", 0, 1, -1, 2, 0.5, 1.0, 3.0, 1e308, 3.5e38, -0.0])
    )
    return leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.text(max_size=3), leaves, max_size=2)


@given(st.sampled_from(SMALL.features), json_values())
def test_the_fast_way_takes_a_value_exactly_when_the_slow_way_finds_no_fault(feature: Feature, value: Any) -> None:
    """The two readers may never disagree on what a sound lead is."""
    sent = lead(**{feature.name: value})
    fault = feature_fault(feature, {feature.name: value}, SMALL)
    if fault is None:
        decoder.one(body(sent))
    else:
        with pytest.raises(ValidationError) as refusal:
            decoder.one(body(sent))
        assert [found.path for found in refusal.value.faults] == [fault.path]


OTHERS = (
    Feature("number", "number", minimum=-1000),
    Feature("share", "number", minimum=0, maximum=1),
    Feature("integer", "integer", maximum=10),
    Feature("count", "integer", minimum=1),
    Feature("flag", "flag"),
    Feature("text", "category", values=("web",)),
    Feature("numbered", "category", values=("1", "2.5"), numbers=True),
    Feature("code", "category", codes=3),
    Feature("day", "date", missing=("web", "-"), aspects=(Aspect("age"), Aspect("hour"))),
    Feature("title", "text", aspects=(Aspect("word", "web"), Aspect("words"))),
    Feature("mail", "email", missing=("unknown",), aspects=(Aspect("ends", "de"), Aspect("role"))),
    Feature("tags", "set", aspects=(Aspect("value", "web"), Aspect("count"))),
)


AROUND = st.sampled_from(
    ["2026-01-31", "2026-02-30", "2026-01-31T10:00Z", "a@b.de", "web;x", ["web"]]
) | st.sampled_from([-999, -999.0, -998, -998.5, -(2**53), -FLOAT32_MAX, -3.5e38, 0.999, 1, 1.5])
"""Numbers that mean missing somewhere, and others between them and what fits; texts that fit a kind."""


def test_every_kind_is_among_them() -> None:
    """One that is new joins them."""
    assert {feature.kind for feature in OTHERS} == set(KINDS)


@given(st.sampled_from(OTHERS), json_values() | AROUND, st.sampled_from([None, -999.0, 2.0, 0.5, -FLOAT32_MAX]))
def test_so_it_is_for_the_kinds_of_other_trainers(feature: Feature, value: Any, missing: float | None) -> None:
    """Categories by number and by code, and a number that means missing in every column, within its bounds or not."""
    contract = Contract((feature,), missing)
    fault = feature_fault(feature, {feature.name: value}, contract)
    reader: LeadDecoder[Rows] = LeadDecoder(contract, encoder(contract).encode, count_colons)
    sent = body({"lead_id": "x", "features": {feature.name: value}})
    if fault is None:
        reader.one(sent)
    else:
        with pytest.raises(ValidationError) as refusal:
            reader.one(sent)
        assert [found.path for found in refusal.value.faults] == [fault.path]


@given(st.floats(allow_nan=False))
def test_a_number_is_rounded_to_float32_and_never_becomes_infinite(value: float) -> None:
    """What the trees cannot compare is refused, not scored as infinity."""
    if abs(value) > FLOAT32_MAX:
        with pytest.raises(RequestError):
            decoder.one(body(lead(growth=value)))
    else:
        encoded = decoder.one(body(lead(growth=value)))[1].row(0)[2]
        assert encoded is not None
        assert math.isfinite(encoded)
        assert encoded == pytest.approx(value, rel=1e-6, abs=1e-40)


@pytest.mark.parametrize(
    "twice",
    [
        b'{"lead_id": "a", "lead_id": "b", "features": {"revenue": 1}}',
        b'{"lead_id": "a", "features": {"revenue": 1, "revenue": 2, "decision_maker": 1, "region / city (\xc3\xbc)": "north"}}',
        b'{"lead_id": "a:b", "features": {"revenue": 1, "revenue": 1, "decision_maker": 1, "region / city (\xc3\xbc)": "a: \\" b:"}}',
    ],
)
def test_a_key_given_twice_is_refused(twice: bytes) -> None:
    """Which of the two was meant cannot be known."""
    with pytest.raises(ValidationError, match="more than once"):
        decoder.one(twice)
    (place,), rows = decoder.many(b"[" + twice + b"]", 10)
    assert isinstance(place, ValidationError)
    assert rows is None


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=50))
def test_texts_with_colons_quotes_and_escapes_are_no_keys(text: str) -> None:
    """Counting keys looks through what is inside strings."""
    found, _ = decoder.one(body({"lead_id": text, "features": LEAD["features"] | {"source": text}}))
    assert found.lead_id == text


def test_a_batch_keeps_its_order_and_an_invalid_lead_its_place() -> None:
    """The others are scored as if it were not there."""
    sent = [lead("a"), lead("b", visits=-1), {"lead_id": "c"}, 5, lead("d", visits=9)]
    places, rows = decoder.many(body(sent), 10)
    assert [type(place) for place in places] == [Lead, ValidationError, ValidationError, ValidationError, Lead]
    assert [place.lead_id for place in places if isinstance(place, Lead | ValidationError)] == [
        "a",
        "b",
        "c",
        None,
        "d",
    ]
    assert rows is not None
    assert len(rows) == 2
    assert rows.row(1)[1] == 9


def test_a_batch_over_the_limit_is_refused_whole_whether_its_leads_are_sound_or_not() -> None:
    """The limit is said."""
    for sent in ([lead()] * 3, [lead(), 1, 2]):
        with pytest.raises(BatchTooLarge, match=r"at most 2 leads .* not 3"):
            decoder.many(body(sent), 2)


def test_a_body_that_is_no_array_says_so() -> None:
    """And one that is not even JSON says where."""
    with pytest.raises(
        ValidationError, match=r"must be an array of leads, not an object; POST /api/v1/score takes a single lead$"
    ):
        decoder.many(b"{}", 10)
    with pytest.raises(MalformedJson, match="the text ends before the value does at line 1 column 2"):
        decoder.many(b"[", 10)


def test_an_empty_batch_is_an_empty_answer() -> None:
    """Nothing in, nothing out."""
    assert decoder.many(b"[]", 10) == ([], None)


@pytest.mark.parametrize(
    "sent", [b"", b" ", b"{", b"[1,", b"\xff", b"[" * 100_000, b"nonsense", b'{"lead_id": "\\ud800"']
)
def test_what_is_not_json_is_malformed_in_either_way(sent: bytes) -> None:
    """And nothing else is raised."""
    with pytest.raises(MalformedJson):
        decoder.one(sent)
    with pytest.raises(MalformedJson):
        decoder.many(sent, 10)


@given(st.binary(max_size=100) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_make_the_decoder_fail_otherwise(sent: bytes) -> None:
    """Every refusal is one of ours."""
    with pytest.raises(RequestError):
        decoder.one(sent)


@given(st.data())
def test_no_damage_to_a_lead_makes_the_decoder_fail_otherwise(data: st.DataObject) -> None:
    """A flipped, cut or doubled byte gives a lead or one of our errors."""
    sent = bytearray(body(LEAD))
    start = data.draw(st.integers(0, len(sent)))
    end = data.draw(st.integers(start, min(len(sent), start + 8)))
    sent[start:end] = data.draw(st.binary(max_size=8))
    try:
        found, rows = decoder.one(bytes(sent))
    except RequestError:
        return
    assert len(found.values) == len(SMALL)
    assert len(rows) == 1


def test_values_left_out_are_told_from_null() -> None:
    """The values of a lead say which features it named."""
    found, _ = decoder.one(body(lead(visits=..., growth=None)))
    assert found.values[1] is UNSET
    assert found.values[2] is None

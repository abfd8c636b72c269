"""The three texts that strangers write (a lead, a query, a model's card), mutated without mercy.

A little in every run; ``make fuzz`` goes on for longer.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from factories import body, booster, card
from fuzzing import EFFORT, examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference_reader import NoLead, read_lead

from leadscoring._engine import Rows, count_colons
from leadscoring.api.docs import page
from leadscoring.api.openapi import description, example_lead
from leadscoring.api.score import what_is_asked
from leadscoring.contract.decode import LeadDecoder
from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import InvalidParameter, ModelError, RequestError, ValidationError
from leadscoring.lead import Lead
from leadscoring.model.card import ATTRIBUTE
from leadscoring.model.file import open_model
from leadscoring.model.loaded import encoder
from leadscoring.scoring.answer import Asked
from leadscoring.settings import read_settings

pytestmark = pytest.mark.timeout(120 * EFFORT)


def tries(ordinary: int) -> settings:
    """Hypothesis' settings for a fuzzer."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=examples(ordinary), deadline=None, suppress_health_check=slow)


# --- leads ----------------------------------------------------------------------------------------------------

NAMES = ["revenue", "a b", "ü", "features", "lead_id", "a/b~c", "x:y", "'", "日本", "e"]
TEXTS = ["web", "event", "", "unknown", "a:b", 'quote "', "ü", "null", "0", "\\"]
NUMBERS = [
    "0", "-0", "0.0", "-0.0", "1", "1.0", "1e0", "10E-1", "0.1e1", "5", "5.0", "5.5", "-1", "2", "0.5", "3", "1e-400", "1e400",
    "-1e400", "3.4028234663852886e38", "3.4028234663852887e38", "3.5e38", "1e39", "9007199254740992", "9007199254740993",
    "9007199254740992.0", "9007199254740993.0", "-9007199254740993", "18446744073709551616", "1e19", "123456789012345678901234567890",
    "0.30000000000000004", "1.0000000000000000000000000001", "4.9e-324", "1E+2", "100",
]  # fmt: skip
NO_VALUES = [
    "NaN", "Infinity", "-Infinity", "nan", "+1", "01", "-01", ".5", "5.", "1e", "1e+", "0x10", "1_000", "--1", "TRUE", "True",
    "None", "undefined", "", "'web'", '"\t"', '"\\x"', '"\\u12"', '"\\ud800"', '"\\udc00\\ud800"', '"', "1 2", "//", "/**/1",
    "[", "{", "[]", "{}", "[1]", '{"a": 1}', '{"a": 1, "a": 1}', "\u2028", "9" * 5000, "1" + "0" * 400, "[" * 3000 + "]" * 3000,
]  # fmt: skip
SPACES = ["", "", "", " ", "\n", "\t\r\n ", "\x0b", "\ufeff", "\u00a0"]


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    """Contracts of one to four features of any kind, with names that need care."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    return Contract(tuple(draw(features(name)) for name in names))


@st.composite
def features(draw: st.DrawFn, name: str) -> Feature:
    """A feature of any kind, required or not, bounded or not."""
    kind = draw(st.sampled_from(["number", "integer", "flag", "category"]))
    required = draw(st.booleans())
    if kind == "category":
        values = draw(st.lists(st.sampled_from(TEXTS[:3]), max_size=3, unique=True))
        missing = draw(st.sampled_from([(), ("unknown",), ("null", "0")]))
        return Feature(name, "category", required, values=tuple(values), missing=missing, other=draw(st.booleans()))
    if kind == "flag":
        return Feature(name, "flag", required)
    bounds = draw(st.sampled_from([(None, None), (0, None), (None, 5), (0, 1), (1, 3), (-0.5, 5.5), (0.1, 100)]))
    return Feature(name, "integer" if kind == "integer" else "number", required, *bounds)


RARELY = st.sampled_from([False] * 15 + [True])
"""Now and then; most of what is sent should have one fault or none, since a second one hides the first."""


@st.composite
def written_leads(draw: st.DrawFn, contract: Contract) -> str:
    """The JSON text of a lead of this contract, or of what somebody took for one."""
    pairs = [(feature.name, draw(written_value(feature))) for feature in contract.features]
    pairs = [pair for pair in pairs if not draw(RARELY)] + draw(extras(pairs))
    inner = draw(written_object(draw(st.permutations(pairs))))
    lead_id = json.dumps(draw(st.sampled_from(["lead-1", "a" * 256, "ü", "a:b"])), ensure_ascii=draw(st.booleans()))
    odd_ids = [
        *("0", "-0", "1", "12345", "-1", "1.0", "1e3", "9007199254740991", "9007199254740992", "9" * 400, "true"),
        '""',
        "null",
        '"\\ud800"',
        '"' + "a" * 257 + '"',
    ]
    outer = [("lead_id", draw(mostly(lead_id, odd_ids))), ("features", inner)]
    outer += draw(extras(outer))
    return draw(written_object(draw(st.permutations(outer))))


@st.composite
def mostly(draw: st.DrawFn, usual: str, otherwise: list[str]) -> str:
    """The usual text, and one of the others now and then."""
    return draw(st.sampled_from(otherwise)) if draw(RARELY) else usual


@st.composite
def written_value(draw: st.DrawFn, feature: Feature) -> str:
    """A value of a feature as JSON text: mostly one that it takes, sometimes anything."""
    if draw(RARELY):
        return draw(st.sampled_from([*NUMBERS, *NO_VALUES, *map(json.dumps, TEXTS), "null", "true", "false"]))
    if feature.kind == "category":
        return json.dumps(draw(st.sampled_from(TEXTS)), ensure_ascii=draw(st.booleans()))
    if feature.kind == "flag":
        return draw(st.sampled_from(["0", "1", "1.0", "0e5", "-0", "true", "false"]))
    whole = ["1", "1.0", "10e-1", "0.1E+1"]
    return draw(st.sampled_from([*whole, *whole, *NUMBERS[:12], *([] if feature.required else ["null"])]))


@st.composite
def extras(draw: st.DrawFn, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A pair too many now and then: a key again, with its own value or another, or one that nothing knows."""
    if not draw(RARELY) or not pairs:
        return []
    name, value = draw(st.sampled_from(pairs))
    return [
        draw(st.sampled_from([(name, value), (name, value), (name, "1"), (name, "null"), ("reveneu", "1"), ("", "1")]))
    ]


@st.composite
def written_object(draw: st.DrawFn, pairs: list[tuple[str, str]]) -> str:
    """An object as JSON text, its keys escaped or not, with blanks and mistakes between."""
    spaces = st.sampled_from(SPACES if draw(RARELY) else [""])
    parts = [
        f"{draw(spaces)}{draw(written_key(name))}{draw(spaces)}:{draw(spaces)}{value}{draw(spaces)}"
        for name, value in pairs
    ]
    return "{" + ",".join(parts) + draw(mostly("", [",", ",,", "}", "]", "\0"])) + "}" + draw(spaces)


def written_key(name: str) -> st.SearchStrategy[str]:
    """A key as JSON text: as it is, in ASCII, or every sign of it escaped, which all mean the same."""
    escaped = "".join(f"\\u{ord(char):04x}" for char in name)
    return st.sampled_from([json.dumps(name, ensure_ascii=False), json.dumps(name), f'"{escaped}"'])


def decoder_of(contract: Contract) -> LeadDecoder[Rows]:
    """The service's own reader."""
    return LeadDecoder(contract, encoder(contract).encode, count_colons)


def same_verdict(contract: Contract, sent: bytes) -> None:
    """Holds the service's reader against the strict one, alone and as one lead of a batch."""
    decoder = decoder_of(contract)
    try:
        lead_id, row = read_lead(sent, contract)
    except NoLead:
        with pytest.raises(RequestError) as refusal:
            decoder.one(sent)
        if isinstance(refusal.value, ValidationError):
            assert refusal.value.faults
            assert all(fault.message and fault.allowed for fault in refusal.value.faults)
        body(str(refusal.value))  # and what is said of it can be sent
        return
    lead, rows = decoder.one(sent)
    assert (lead.lead_id, rows.row(0)) == (lead_id, row)
    (place,), together = decoder.many(b"[" + sent + b"]", 1)
    assert place == lead
    assert together is not None
    assert together.row(0) == row


@tries(400)
@given(st.data())
def test_a_lead_is_read_as_a_strict_reader_reads_it(data: st.DataObject) -> None:
    """Accepted or refused by the letter of the contract, and to the same row; the fast way hides nothing."""
    contract = data.draw(contracts())
    same_verdict(contract, data.draw(written_leads(contract)).encode("utf-8", "surrogatepass"))


@tries(200)
@given(st.data())
def test_a_damaged_lead_is_read_as_a_strict_reader_reads_it(data: st.DataObject) -> None:
    """Bytes cut out, doubled, moved and replaced, down to what is not even text."""
    contract = data.draw(contracts())
    sent = bytearray(data.draw(written_leads(contract)).encode("utf-8", "surrogatepass"))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(sent)))
        end = min(len(sent), start + data.draw(st.integers(0, 6)))
        sent[start:end] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"\\", b":", b",", b"{", b"}", b"\xff", sent[start:end] * 2])
        )
    same_verdict(contract, bytes(sent))


@tries(150)
@given(st.data())
def test_every_place_of_a_batch_is_read_as_if_it_were_alone(data: st.DataObject) -> None:
    """Whatever stands beside it; a batch that is no array of JSON is refused whole."""
    contract = data.draw(contracts())
    decoder = decoder_of(contract)
    texts = data.draw(st.lists(written_leads(contract), max_size=4))
    sent = [text.encode("utf-8", "surrogatepass") for text in texts]
    alone = [told(decoder, text) for text in sent]
    try:
        places, rows = decoder.many(b"[" + b",".join(sent) + b"]", 10)
    except RequestError:
        assert any(isinstance(single, RequestError) for single in alone)
        return
    if len(places) == len(sent):  # broken texts may join or split
        assert list(map(str, places)) == list(map(str, alone))
    assert sum(isinstance(place, Lead) for place in places) == (0 if rows is None else len(rows))


def told(decoder: LeadDecoder[Rows], sent: bytes) -> Lead | RequestError:
    """The lead, or why it is none."""
    try:
        return decoder.one(sent)[0]
    except RequestError as refusal:
        return refusal


# --- queries --------------------------------------------------------------------------------------------------

QUERY_PARTS = st.sampled_from(
    [b"reasons", b"include_details", b"re%61sons", b"REASONS", b"=", b"=", b"=", b"&", b"&", b";", b"+", b"%", b"%00", b"%ff",
     b"\xff", b"0", b"5", b"05", b"00000005", b"10000", b"10001", b"-1", b"+1", b"%2B1", b"1e2", b"true", b"False", b"1", b"TRUE",
     b"yes", "٣".encode(), b"%D9%A3", b"%", b"#", b"?"]
)  # fmt: skip


def expected_query(query: bytes, strict: bool) -> Asked | None:
    """What a query asks for, by the words of the API's description; nothing when it must be refused."""
    given_values: dict[str, str] = {}
    for part in query.split(b"&"):
        name, _, value = (unquote_to_bytes(half.replace(b"+", b" ")) for half in part.partition(b"="))
        if name in (b"reasons", b"include_details"):
            if name.decode() in given_values:
                return None
            given_values[name.decode()] = value.decode("latin-1")
        elif part and strict:
            return None
    reasons, details = given_values.get("reasons", "5"), given_values.get("include_details", "false").lower()
    if not (reasons and set(reasons) <= set("0123456789") and len(reasons) <= 5 and int(reasons) <= 10_000):
        return None
    if details not in ("true", "false", "1", "0"):
        return None
    return Asked(int(reasons), details in ("true", "1"))


@tries(600)
@given(st.lists(QUERY_PARTS, max_size=9).map(b"".join) | st.binary(max_size=40), st.booleans())
def test_a_query_is_read_by_the_letter_or_refused(query: bytes, strict: bool) -> None:
    """Nothing that a caller wrote is guessed at, and nothing raises otherwise."""
    expected = expected_query(query, strict)
    if expected is None:
        with pytest.raises(InvalidParameter):
            what_is_asked(query, strict)
    else:
        assert what_is_asked(query, strict) == expected


# --- cards ----------------------------------------------------------------------------------------------------

ODD: list[Any] = [
    None, True, 0, -1, 1, 2, 0.5, -0.5, 1e300, -1e300, 1e-300, 2**53, 2**64, "", "x", "\u0000", 'a"b', "a\\b", "<script>",
    "$x ${y}", "flag", "category", "integer", "ü" * 300, [], [1], [None], {}, {"a": 1}, [[1]], "2026-01-01",
]  # fmt: skip


def places_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value inside a JSON value."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, inner in below for found in places_of(inner, (*path, key)))]


def place_in(document: Any, number: int) -> tuple[Any, ...]:
    """The place that a number stands for: each part of the document as often, however many values it has."""
    parts: dict[Any, list[tuple[Any, ...]]] = {}
    for path in places_of(document):
        parts.setdefault(path[:1], []).append(path)
    part = list(parts.values())[number % len(parts)]
    return part[number // len(parts) % len(part)]


def mutate(document: Any, path: tuple[Any, ...], how: str, odd: Any) -> Any:
    """The document with one place replaced, removed, doubled or given one thing more."""
    odd = deepcopy(odd)  # it becomes part of the document, and may be mutated next
    if not path:
        return odd
    inside = document
    for step in path[:-1]:
        inside = inside[step]
    last = path[-1]
    if how == "remove":
        del inside[last]
    elif how == "double" and isinstance(inside, list):
        inside.insert(last, inside[last])
    elif how == "more" and isinstance(inside[last], dict):
        inside[last]["more"] = odd
    else:
        inside[last] = odd
    return document


@pytest.fixture(scope="module")
def model_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], Path]:
    """Makes a file of the small model with any card."""
    path = tmp_path_factory.mktemp("card") / "model.json"
    booster().save_model(path)
    document = json.loads(path.read_bytes())

    def made(said: Any) -> Path:
        document["learner"]["attributes"][ATTRIBUTE] = json.dumps(said)
        path.write_text(json.dumps(document))
        return path

    return made


CHANGES = st.tuples(
    st.integers(0, 10**6), st.sampled_from(["replace", "remove", "double", "more"]), st.sampled_from(ODD)
)


@tries(250)
@given(changes=st.lists(CHANGES, min_size=1, max_size=2))
def test_a_mutated_card_is_refused_or_served_in_full(
    changes: list[tuple[int, str, Any]], model_with: Callable[[Any], Path]
) -> None:
    """What loads can be described, documented and scored with; what cannot is refused when it is loaded."""
    said = json.loads(card().to_json())
    for number, how, odd in changes:
        said = mutate(said, place_in(said, number), how, odd)
    try:
        model = open_model(model_with(said))
    except ModelError:
        return
    document = description(model, read_settings({}))
    assert page(model, document)
    sent = body(example_lead(model.card.contract))
    places, rows = model.decoder.many(b"[" + sent + b"]", 1)
    if rows is not None:
        assert all(0 <= model.card.calibration.probability(margin) <= 1 for margin in model.trees.predict(rows))
    assert len(places) == 1
